"""Out: recall, show, history."""

from typing import Annotated, Any, cast, get_args

import typer
from rich.text import Text

from memkit.bank import MemoryBank
from memkit.cli.options import (
    DEFAULT_FILE,
    REFUSED,
    AsJson,
    Bank,
    Database,
    EncoderName,
    Kinds,
    MemoryId,
    Since,
    Speaker,
    Until,
    Where,
    conditions,
    moment,
)
from memkit.cli.output import excerpt, note, out, pairs, shown, table, when, who, write_json
from memkit.cli.stores import bank_in, opened, warmed
from memkit.errors import UnknownMemoryError, UnknownOptionError
from memkit.models import MEMORY_KINDS, Hit, Kind, Memory, State
from memkit.recall.present.recollection import Recollection
from memkit.text.terms.tokens import words

PARTS_SHOWN = 6
PARTS = {
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
STATES: tuple[str, ...] = get_args(State)


def recall(
    bank: Bank,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question, or a few words.")],
    k: Annotated[int, typer.Option("-k", min=1, help="At most this many results.")] = 10,
    speaker: Speaker = None,
    since: Since = None,
    until: Until = None,
    kind: Kinds = None,
    where: Where = None,
    min_score: Annotated[float | None, typer.Option(min=0, max=1, help="Least score; 0 gives k results.")] = None,
    around: Annotated[int, typer.Option(min=0, help="Show so many turns before and after each result.")] = 0,
    prompt: Annotated[
        int | None, typer.Option(metavar="TOKENS", help="Write the prompt block, at most so long.")
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Show ids, and what each score is made of.")] = False,
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """What the bank remembers about a question, best first. Nothing relevant: nothing, and exit code 3.

    Asking from the command line makes no memory stronger.
    """
    with opened(db, encoder=encoder) as store:
        chosen = bank_in(store, bank)
        warmed(store)
        found = chosen.recall(
            query,
            k=k,
            kinds=known_kinds(kind),
            where=conditions(where),
            speaker=speaker,
            since=moment(since, chosen.zone),
            until=moment(until, chosen.zone),
            around=around,
            min_score=min_score,
            reinforce=False,
        )
        if json:
            write_json({"bank": bank, "query": query, "hits": [_plain(hit) for hit in found]})
        elif prompt is not None:
            print(found.prompt(prompt), file=out.file)
        else:
            _show(found, chosen.zone, why=why)
    if not found:
        raise typer.Exit(REFUSED)


def known_kinds(kinds: list[str] | None) -> list[Kind] | None:
    """The --kind options. Raises UnknownOptionError."""
    return cast("list[Kind] | None", _known("--kind", kinds, MEMORY_KINDS))


def known_states(states: list[str] | None) -> list[State] | None:
    """The --state options. Raises UnknownOptionError."""
    return cast("list[State] | None", _known("--state", states, STATES))


def _known(option: str, given: list[str] | None, known: tuple[str, ...]) -> list[str] | None:
    for name in given or ():
        if name not in known:
            raise UnknownOptionError(f"{option}: there is no {name!r}; known are {', '.join(known)}.")
    return given or None


def _plain(hit: Hit) -> dict[str, Any]:
    parts = hit.model_dump(mode="json")
    return {"id": hit.memory.id, "score": hit.score, "text": hit.memory.text, **parts}


def _show(found: Recollection, zone: str, *, why: bool) -> None:
    if not found:
        note("Nothing in this bank answers that.")
        return
    out.print(hits_table(found, zone, why=why))


def hits_table(found: Recollection, zone: str, *, why: bool = False) -> Any:
    """Results as a table; with `why`, ids and reasons beneath each text."""
    made = table("#", "score", "when, who", "what", right=("#", "score"))
    for number, hit in enumerate(found, start=1):
        said = Text(when(hit.memory.occurred_at, zone), no_wrap=True)
        made.add_row(str(number), f"{hit.score:.2f}", said.append(f"\n{who(hit.memory)}"), _what(hit, why))
    return made


def _what(hit: Hit, why: bool) -> Text:
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
    """What a score is made of, in words, the strongest parts first, on one line."""
    numbers = {name: value for name, value in hit.why.items() if isinstance(value, int | float) and name in PARTS}
    strongest = sorted(numbers, key=lambda name: -abs(numbers[name]))[:PARTS_SHOWN]
    found = [f"{_part(name, hit)} {numbers[name]:+.1f}" for name in strongest if abs(numbers[name]) >= 0.05]
    return " · ".join(found) or "nothing in particular"


def _part(name: str, hit: Hit) -> str:
    matched = matched_words(hit) if name == "lexical" else []
    return f"{PARTS[name]} ({shown(', '.join(matched))})" if matched else PARTS[name]


def matched_words(hit: Hit) -> list[str]:
    """The words of a memory that the question's words matched, as they stand in it."""
    terms = hit.why.get("words")
    wanted = set(terms) if isinstance(terms, list) else set()
    text = hit.memory.text
    found = [text[word.start : word.end].casefold() for word in words(text) if word.term in wanted]
    return list(dict.fromkeys(found))


def show(
    bank: Bank,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One memory; without it, a list.")] = None,
    kind: Kinds = None,
    where: Where = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help=f"Default: active. {', '.join(STATES)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Start after this memory.")] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """One memory with all that is known of it, or a bank's memories in the order of recording."""
    with opened(db) as store:
        chosen = bank_in(store, bank)
        if id is None:
            states = known_states(state) or ["active"]
            found = chosen.list(known_kinds(kind), conditions(where), after, limit, states)
            _show_list(found, chosen.zone, json, full=len(found) == limit)
        else:
            _show_one(chosen, id, json)


def _show_one(bank: MemoryBank, id: str, as_json: bool) -> None:
    memory = bank.get(id)
    if memory is None:
        raise UnknownMemoryError(f"show: no memory has the id {id} in bank {'/'.join(bank.name)}.")
    if as_json:
        write_json(memory.model_dump(mode="json"))
        return
    values = {name: getattr(memory, name) for name in Memory.model_fields}
    told = {name: _told(value, bank.zone) for name, value in values.items() if value not in (None, (), {}, False)}
    out.print(pairs({name.replace("_", " "): value for name, value in told.items()}))


def _told(value: Any, zone: str) -> str:
    if hasattr(value, "astimezone"):
        return when(value, zone)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _show_list(found: list[Memory], zone: str, as_json: bool, *, full: bool) -> None:
    if as_json:
        write_json([memory.model_dump(mode="json") for memory in found])
        return
    for memory in found:
        head = Text(shown(memory.id), style="cyan")
        marks = [memory.kind, when(memory.occurred_at, zone)]
        marks += [who(memory)] if memory.kind == "turn" else []
        marks += [memory.state] if memory.state != "active" else []
        marks += ["pinned"] if memory.pinned else []
        out.print(head.append(f"  {' · '.join(marks)}", style="dim"), soft_wrap=True)
        out.print(Text(shown(memory.text)))
    if not found:
        note("No such memories.")
    elif full:
        note(f"More may follow: --after {found[-1].id}")


def history(bank: Bank, id: MemoryId, db: Database = DEFAULT_FILE, json: AsJson = False) -> None:
    """Every change of one memory, oldest first: what, when, by whom, why."""
    with opened(db) as store:
        chosen = bank_in(store, bank)
        entries = chosen.history(id)
        zone = chosen.zone
    if json:
        write_json([entry.model_dump(mode="json") for entry in entries])
        return
    made = table("when", "event", "by", "why", "before")
    for entry in entries:
        before = "" if entry.before is None else f"{entry.before.state}: {excerpt(entry.before.text)}"
        made.add_row(when(entry.at, zone), entry.event, entry.author, shown(entry.reason or ""), before)
    out.print(made)
