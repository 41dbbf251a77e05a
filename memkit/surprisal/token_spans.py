"""Spans of a language model's tokens in a text, though they split its characters and are shown in many ways."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice, takewhile
from typing import NamedTuple

from memkit.protocols import Token

BROKEN_CHAR = "\ufffd"  # stands for a part of a character that a token splits
MAX_PART_BYTES = 3  # of a part of a character
MAX_CHAR_BYTES = 4  # for which an empty token may stand
ESCAPE_PREFIX = b"bytes:"  # OpenAI's completions: a token that is no text, its bytes as \xNN
ESCAPE_PATTERN = re.compile(rb"\\x([0-9a-f]{2})")
MARK_PATTERN = re.compile(r"<\S+>|\[\S+\]")  # a start or end token: <s>, <|im_end|>, [gMASK]
MAX_MARKS = 2  # at most, at each end


class ShownToken(NamedTuple):
    """A token as it is shown, None where it isn't, and its surprisal in nats, None where nothing came before it."""

    shown: str | None
    surprisal: float | None
    raw: bytes | None = None  # where its bytes are known and are no text by themselves


def token_spans(text: str, pieces: Sequence[ShownToken], *, first: float) -> list[Token] | None:
    """The pieces with the characters that they cover, together the whole text; None where they don't join to it.

    Pieces that split a character are one token: their surprisals add up, as P(a, b) = P(a) P(b | a). A piece
    without a surprisal gets `first`. Start and end marks that aren't in the text are left out.
    """
    data = text.encode()
    for unmarked in _without_marks(pieces):
        groups = _grouped(unmarked, first)
        cuts = _cuts(data, groups, empty=0) or _cuts(data, groups, empty=MAX_CHAR_BYTES)
        if cuts is not None:
            return _tokens(text, groups, cuts)
    return None


class _Group(NamedTuple):
    """Neighbouring pieces that only together have clear ends; `empty` of them are shown as nothing."""

    shown: str | None
    surprisal: float
    raw: bytes | None
    empty: int

    @property
    def unclear(self) -> bool:
        return self.raw is None and self.shown is not None and (not self.shown or BROKEN_CHAR in self.shown)


def _without_marks(pieces: Sequence[ShownToken]) -> Iterator[Sequence[ShownToken]]:
    """Without the marks at the start, then with them one by one; each with the marks at the end, then without."""
    lead = len(list(takewhile(_may_lead, enumerate(pieces[:MAX_MARKS]))))
    tail = len(list(takewhile(_is_mark, reversed(pieces[-MAX_MARKS:]))))
    for begin in range(lead, -1, -1):
        for end in range(len(pieces), max(begin, len(pieces) - tail) - 1, -1):
            yield pieces[begin:end]


def _may_lead(numbered: tuple[int, ShownToken]) -> bool:
    index, piece = numbered
    return _is_mark(piece) or (index == 0 and piece.surprisal is None and not piece.shown)


def _is_mark(piece: ShownToken) -> bool:
    return piece.shown is not None and MARK_PATTERN.fullmatch(piece.shown) is not None


def _grouped(pieces: Iterable[ShownToken], first: float) -> list[_Group]:
    groups: list[_Group] = []
    for shown, surprisal, raw in pieces:
        group = _Group(shown, first if surprisal is None else surprisal, raw, int(shown == "" and raw is None))
        if groups and _run_on(groups[-1], group):
            before = groups.pop()
            group = _Group(
                f"{before.shown}{shown}", before.surprisal + group.surprisal, None, before.empty + group.empty
            )
        groups.append(group)
    return groups


def _run_on(before: _Group, after: _Group) -> bool:
    if not (before.unclear and after.unclear):
        return False
    return (before.shown or BROKEN_CHAR).endswith(BROKEN_CHAR) and (after.shown or BROKEN_CHAR).startswith(BROKEN_CHAR)


def _cuts(data: bytes, groups: Sequence[_Group], *, empty: int) -> list[int] | None:
    """The bytes at which the groups begin and the last one ends; None where they can't make up the data.

    `empty`: the most bytes that a piece shown as nothing may stand for.
    """
    steps: list[dict[int, int]] = [{0: 0}]  # each end that can be reached, with the begin it is reached from
    for group in groups:
        steps.append({end: begin for begin in steps[-1] for end in _ends(group, data, begin, empty)})
    if len(data) not in steps[-1]:
        return None
    cuts = [len(data)]
    for step in reversed(steps[1:]):
        cuts.append(step[cuts[-1]])
    return cuts[::-1]


def _ends(group: _Group, data: bytes, begin: int, empty: int) -> Iterable[int]:
    if group.raw is not None:
        return [begin + len(group.raw)] if data.startswith(group.raw, begin) else []
    if group.shown is None:
        return range(begin + 1, len(data) + 1)
    if group.unclear:
        return _unclear_ends(group, data, begin, empty)
    fitting = (reading for reading in _readings(group.shown, begin) if data.startswith(reading, begin))
    return [begin + len(reading) for reading in islice(fitting, 1)]


def _readings(shown: str, begin: int) -> Iterator[bytes]:
    """The bytes that a token may stand for, of which at most one fits a place, in order.

    Its own; one byte for each character (SGLang shows what is no text as Latin-1); the bytes that OpenAI
    writes out; with a space before it or without its own at the very start (tokenizers that mark spaces, as
    SentencePiece does, lose and add them when one token is decoded alone, in vLLM and llama.cpp).
    """
    own = shown.encode(errors="surrogatepass")
    yield own
    if not shown.isascii() and max(shown) <= "\xff":
        yield shown.encode("latin-1")
    if own.startswith(ESCAPE_PREFIX):
        yield ESCAPE_PATTERN.sub(lambda code: bytes.fromhex(code[1].decode()), own[len(ESCAPE_PREFIX) :])
    if not own.startswith(b" "):
        yield b" " + own
    elif begin == 0:
        yield own[1:]


def _unclear_ends(group: _Group, data: bytes, begin: int, empty: int) -> Iterable[int]:
    """Ends of what is shown as text with gaps, in which there are only bytes of characters that aren't ASCII."""
    ends = {begin}
    parts = re.findall(f"{BROKEN_CHAR}+|[^{BROKEN_CHAR}]+", group.shown or "") or [""]
    for part in parts:
        literal = part.strip(BROKEN_CHAR).encode(errors="surrogatepass")
        if literal:
            ends = {end + len(literal) for end in ends if data.startswith(literal, end)}
        else:
            most = MAX_PART_BYTES * len(part) + empty * group.empty
            ends = {stop for end in ends for stop in _gap(data, end, len(part), most)}
    return ends


def _gap(data: bytes, begin: int, least: int, most: int) -> Iterable[int]:
    end = begin
    while end < len(data) and end - begin < most and data[end] >= 0x80:
        end += 1
    return range(begin + least, end + 1)


def _tokens(text: str, groups: Sequence[_Group], cuts: Sequence[int]) -> list[Token]:
    ends = accumulate((len(character.encode()) for character in text), initial=0)
    characters = {end: i for i, end in enumerate(ends)}
    tokens: list[Token] = []
    begin, total = 0, 0.0
    for group, end in zip(groups, cuts[1:], strict=True):
        total += group.surprisal
        if end > begin and end in characters:
            tokens.append(Token(characters[begin], characters[end], total))
            begin, total = end, 0.0
    return tokens
