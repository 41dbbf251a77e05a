"""The running conversation as a block for a model's prompt: quoted sentences, with marks where something is left out.

The filter decides token by token (SirLLM, arXiv 2405.12528), but lone words help nobody: so the block shows the
sentences around the kept tokens, those with the highest score for their length first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from memkit.models import Memory
from memkit.recall.present.quoting import DAY_NAMES, GAP_MARK, label, local, quote
from memkit.recall.present.streaming import RECENT_SHARE, START_SHARE
from memkit.surprisal.entropy_filter import KeptToken
from memkit.text.parts import SENTENCE_END_PATTERN

OPEN_TAG, CLOSE_TAG = "<conversation>", "</conversation>"
LINE_TOKENS = 12  # that a line costs beside its text, about
MAX_SENTENCE_CHARS = 240  # that are shown together; a longer sentence is cut at its commas


@dataclass(frozen=True)
class Window:
    """The running conversation, compressed to a budget of tokens (SirLLM, arXiv 2405.12528).

    `text` is the block; `tokens` its length by the counter that was given, or an upper bound; `turns` how many
    the session has, `shown` how many of them have at least a sentence in the block.
    """

    text: str
    tokens: int
    turns: int
    shown: int

    def __str__(self) -> str:
        return self.text


class Sentence(NamedTuple):
    """A sentence with a kept token in it: its place, the sum of its tokens' scores (nats), its cost (tokens)."""

    number: int
    start: int
    end: int
    score: float
    cost: int


def compose(
    tokens: Sequence[KeptToken],
    memories: Mapping[int, Memory],
    turns: int,
    *,
    zone: ZoneInfo,
    budget: int,
    count: Callable[[str], int],
) -> Window:
    """The longest window within the budget; `memories` by the number of their turn, `turns` in all."""
    ranked = _affordable(_ranked(_sentences(tokens, memories, count), budget), budget)
    best, low, high = Window("", 0, turns, 0), 0, len(ranked) + 1
    size = high - 1
    while high - low > 1:
        shown = sorted(ranked[:size])
        text = _block(shown, memories, turns, zone)
        if (length := count(text)) <= budget:
            best, low = Window(text, length, turns, len({s.number for s in shown})), size
        else:
            high = size
        size = (low + high) // 2
    return best


def _sentences(
    tokens: Sequence[KeptToken], memories: Mapping[int, Memory], count: Callable[[str], int]
) -> list[Sentence]:
    """The sentences with a kept token in them, in order."""
    by_turn: dict[int, list[KeptToken]] = {}
    for token in tokens:
        by_turn.setdefault(token.turn, []).append(token)
    sentences = []
    for number, inside in by_turn.items():
        text = memories[number].text
        for start, end in _cut(text):
            scores = [token.score for token in inside if start <= token.start < end]
            if scores:
                sentences.append(Sentence(number, start, end, sum(scores), count(text[start:end])))
    return sorted(sentences)


def _cut(text: str) -> Iterator[tuple[int, int]]:
    ends = [0, *(match.end() for match in SENTENCE_END_PATTERN.finditer(text)), len(text)]
    for start, end in pairwise(ends):
        if end - start <= MAX_SENTENCE_CHARS:
            yield start, end
            continue
        commas = [start, *(start + i + 1 for i, c in enumerate(text[start:end]) if c in ",;:—" and i > 0), end]
        yield from pairwise(commas)


def _ranked(sentences: Sequence[Sentence], budget: int) -> list[Sentence]:
    """The newest up to their share of the budget, the first up to theirs, then those that score most for their cost."""
    newest = _within(reversed(sentences), budget * RECENT_SHARE)
    first = _within(iter(sentences), budget * START_SHARE)
    rest = sorted(sentences, key=lambda s: (-s.score / (s.cost + LINE_TOKENS), s))
    return list(dict.fromkeys([*newest, *first, *rest]))


def _affordable(ranked: Sequence[Sentence], budget: int) -> Sequence[Sentence]:
    """The first sentences, as many as would fit if their lines cost nothing else."""
    costs = accumulate(sentence.cost for sentence in ranked)
    return ranked[: sum(1 for _ in takewhile(lambda cost: cost <= budget, costs))]


def _within(sentences: Iterator[Sentence], tokens: float) -> list[Sentence]:
    taken = []
    for sentence in sentences:
        tokens -= sentence.cost + LINE_TOKENS
        if tokens < 0:
            break
        taken.append(sentence)
    return taken


def _block(shown: Sequence[Sentence], memories: Mapping[int, Memory], turns: int, zone: ZoneInfo) -> str:
    return "\n".join([OPEN_TAG, *_lines(shown, memories, turns, zone), CLOSE_TAG]) if shown else ""


def _lines(shown: Sequence[Sentence], memories: Mapping[int, Memory], turns: int, zone: ZoneInfo) -> Iterator[str]:
    heading, expected = "", 0
    for number in dict.fromkeys(sentence.number for sentence in shown):
        memory = memories[number]
        at = local(memory.occurred_at, zone)
        if number != expected:
            yield GAP_MARK
        if (day := f"{at.date()} {DAY_NAMES[at.weekday()]}") != heading:
            yield (heading := day)
        spans = [(sentence.start, sentence.end) for sentence in shown if sentence.number == number]
        yield f"{at:%H:%M} {label(memory)}: {quote(_excerpt(memory.text, spans))}"
        expected = number + 1
    if expected != turns:
        yield GAP_MARK


def _excerpt(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The shown parts of a text, with a mark for every gap."""
    marks = [end != start for (_, end), (start, _) in pairwise([(0, 0), *spans, (len(text), len(text))])]
    parts = [text[start:end].strip() for start, end in spans]
    joined = "".join(f" {GAP_MARK} {part}" if mark else f" {part}" for mark, part in zip(marks, parts, strict=False))
    return f"{joined.strip()} {GAP_MARK}" if marks[-1] else joined.strip()
