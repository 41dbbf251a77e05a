"""Tables of recall's results, and the reasons for their scores."""

from typing import Any

from rich.text import Text

from memkit.cli.output import new_table, shown, when, who
from memkit.models import Hit, Memory
from memkit.recall.present.recollection import Recollection
from memkit.text.terms.tokens import words

MAX_PARTS_SHOWN = 6
PART_NAMES = {
    "lexical": "words",
    "dense": "meaning",
    "neighbours": "turns beside it",
    "episode": "its episode",
    "session": "its session",
    "speaker": "who spoke",
    "role": "an assistant spoke",
    "asks": "only asks",
    "answers": "follows a question",
    "length": "length",
    "date": "its date",
    "time": "speaks of a time",
    "retention": "how fresh",
    "thought": "a thought",
}


def hits_table(hits: Recollection, zone: str, *, why: bool = False) -> Any:
    """Results as a table; with `why`, ids and reasons beneath each text."""
    table = new_table("#", "score", "when, who", "what", right=("#", "score"))
    for number, hit in enumerate(hits, start=1):
        heading = Text(when(hit.memory.occurred_at, zone), no_wrap=True)
        table.add_row(
            str(number), f"{hit.score:.2f}", heading.append(f"\n{who(hit.memory)}"), _text_with_context(hit, why)
        )
    return table


def _text_with_context(hit: Hit, why: bool) -> Text:
    text = Text()
    for memory in hit.around:
        if memory.occurred_at <= hit.memory.occurred_at:
            text.append(f"{who(memory)}: {shown(memory.text)}\n", style="dim")
    text.append(shown(hit.memory.text))
    for memory in hit.around:
        if memory.occurred_at > hit.memory.occurred_at:
            text.append(f"\n{who(memory)}: {shown(memory.text)}", style="dim")
    for thought in thoughts_of(hit):
        text.append(f"\n→ {shown(thought.text)}", style="italic")
    if why:
        text.append(f"\n{reasons(hit)}\nid {shown(hit.memory.id)}", style="dim")
    return text


def thoughts_of(hit: Hit) -> list[Memory]:
    """The thoughts that rest on a result."""
    return [memory for memory in hit.thoughts if memory.kind == "thought"]


def reasons(hit: Hit) -> str:
    """Parts of a score in words, the strongest first, on one line."""
    numbers = {name: value for name, value in hit.why.items() if isinstance(value, int | float) and name in PART_NAMES}
    strongest = sorted(numbers, key=lambda name: -abs(numbers[name]))[:MAX_PARTS_SHOWN]
    parts = [f"{_part_name(name, hit)} {numbers[name]:+.1f}" for name in strongest if abs(numbers[name]) >= 0.05]
    return " · ".join(parts) or "nothing in particular"


def _part_name(name: str, hit: Hit) -> str:
    matched = matched_words(hit) if name == "lexical" else []
    return f"{PART_NAMES[name]} ({shown(', '.join(matched))})" if matched else PART_NAMES[name]


def matched_words(hit: Hit) -> list[str]:
    """The words of a memory that the question's words matched, as they stand in it."""
    terms = hit.why.get("words")
    wanted = set(terms) if isinstance(terms, list) else set()
    text = hit.memory.text
    matches = [text[word.start : word.end].casefold() for word in words(text) if word.term in wanted]
    return list(dict.fromkeys(matches))
