"""Cases of every verb, the same over every door: each takes a bank, asks it something, and gives back what came.

`outcome` writes what came, or the error, as plain values in which ids are numbered in the order in which they appear:
so that two stores whose clocks stand still give the same.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic_core import to_jsonable_python

import memkit
from memkit.errors import MemkitError
from memkit.identifiers import UUID7_PATTERN
from memkit.models import MemoryPage

RANDOM_PATTERN = re.compile(f"{UUID7_PATTERN.pattern}|[0-9a-f]{{64}}")  # ids, and digests over them
AT = datetime(2025, 6, 1, 9, tzinfo=UTC)
STORY = [
    memkit.Turn("I moved to Lisbon in May. I can't eat nuts.", "Ana", "user", AT, "t1", "monday", {"mood": "glad"}),
    memkit.Turn("Noted: no nuts.", "assistant", "assistant", AT + timedelta(minutes=1), "t2", "monday"),
    memkit.Turn("My sister Rita visits on Thursday.", "Ana", "user", AT + timedelta(minutes=2), "t3", "monday"),
    memkit.Turn("Please always answer in Spanish.", "Ana", "user", AT + timedelta(days=1), "t4", "tuesday"),
]
Case = Callable[[memkit.Bank], Any]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """Take a function in as a case."""
    CASES[function.__name__] = function
    return function


def outcome(case: Callable[..., Any], *given: Any) -> Any:
    """What a case gives for a bank, or the error that it raises, as plain values."""
    try:
        value = case(*given)
    except (MemkitError, IndexError, ValueError) as error:
        return [type(error).__name__, str(error)]
    return numbered(plain(value))


def plain(value: Any) -> Any:
    """A value as JSON has it; of a recollection all that it shows."""
    match value:
        case memkit.Recollection():
            return shown(value)
        case MemoryPage():
            return [to_jsonable_python(list(value)), value.next]
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return to_jsonable_python(value)


def shown(hits: memkit.Recollection) -> dict[str, Any]:
    """A recollection's hits, with the forms in which a model takes them."""
    return {
        "hits": to_jsonable_python(list(hits)),
        "beside": [to_jsonable_python(list(hits.further)), hits.gathered, plain(hits.portrait), plain(hits.summaries)],
        "standing": plain(hits.standing),
        "prompt": hits.prompt(400),
        "first": hits[:1].prompt(400),
        "quotes": [quote.line for quote in hits.quotes(400)],
        "messages": [message.content for message in hits.messages(400, role="system")],
        "documents": [document.model_dump() for document in hits.documents()],
    }


def numbered(value: Any) -> Any:
    """A value whose generated ids are numbered as they appear."""
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"id {len(numbers) + 1}")

    def walk(each: Any) -> Any:
        match each:
            case str():
                return RANDOM_PATTERN.sub(renumber, each)
            case dict():
                return {walk(key): walk(member) for key, member in each.items() if key != "born"}  # by the wall clock
            case list():
                return [walk(member) for member in each]
            case _:
                return each

    return walk(value)


def told(bank: memkit.Bank) -> memkit.Bank:
    """A bank that heard the story."""
    bank.observe(STORY)
    return bank


def thought(bank: memkit.Bank) -> memkit.Bank:
    """A bank that heard the story and thought about it."""
    told(bank).think()
    return bank


# in


@case
def observe_turns_of_every_form(bank: memkit.Bank) -> Any:
    turns = [
        STORY[0],
        ("Ana", "I like tea."),
        {"role": "user", "content": "What do I like?", "name": "Ana", "metadata": {"n": 1}},
        HumanMessage("And my sister?", id="m1", name="Ana"),
        AIMessage([{"type": "text", "text": "Rita."}], tool_calls=[{"name": "look", "args": {"who": 1}, "id": "c"}]),
        ToolMessage("found", tool_call_id="c"),
        {"role": "assistant", "content": [{"type": "text", "text": "Here"}, {"type": "image", "url": "https://a.example"}]},
    ]  # fmt: skip
    return [bank.observe(turns), bank.list(limit=20), bank.read(turns[:3])]


@case
def observe_rejects_a_bad_turn_alone(bank: memkit.Bank) -> Any:
    return [bank.observe([5, STORY[0], {"role": "nobody", "content": "x"}, ("Ana", "ok"), STORY[0]]), bank.observe([])]


@case
def observe_refuses_what_holds_no_turn(bank: memkit.Bank) -> Any:
    return bank.observe([None, 7])


@case
def observe_refuses_a_text(bank: memkit.Bank) -> Any:
    return bank.observe("I moved to Lisbon")


@case
def observe_refuses_other_content_under_an_id(bank: memkit.Bank) -> Any:
    return told(bank).observe([memkit.Turn("Something else", "Ana", id="t1")])


@case
def observe_tells_of_the_first_that_could_not_be_taken(bank: memkit.Bank) -> Any:
    return told(bank).observe([object(), memkit.Turn("Something else", "Ana", id="t1")])


@case
def observe_refuses_half_a_character(bank: memkit.Bank) -> Any:
    return bank.observe([("Ana", "half \ud800")])


@case
def repeated_finds_a_turn_that_is_said_again(bank: memkit.Bank) -> Any:
    again = bank.read([{"role": "user", "name": "Ana", "content": STORY[2].text, "session": "monday"}])
    return [told(bank).repeated(again), bank.repeated([])]


@case
def think_gives_thoughts(bank: memkit.Bank) -> Any:
    return [told(bank).think(), bank.think(batch=2), bank.beliefs()]


@case
def think_refuses_no_batch(bank: memkit.Bank) -> Any:
    return bank.think(batch=0)


@case
def requests_to_forget_are_proposed(bank: memkit.Bank) -> Any:
    bank.observe([*STORY, memkit.Turn("Please forget that I can't eat nuts.", "Ana", "user", AT + timedelta(days=2))])
    receipt = bank.think()
    plans = [request.describe() for request in bank.requests()]
    return [receipt, bank.requests(), plans, [request.describe() for request in receipt.requests]]


@case
def reflect_writes_summaries_and_a_portrait(bank: memkit.Bank) -> Any:
    return [thought(bank).reflect(), bank.portrait(), bank.list(kinds=["summary"]), bank.mood()]


# out


@case
def recall_gives_hits_with_their_reasons(bank: memkit.Bank) -> Any:
    return thought(bank).recall("What can Ana not eat?", k=3, around=1)


@case
def recall_takes_every_option(bank: memkit.Bank) -> Any:
    thought(bank).reflect()
    return [
        bank.recall("Ana", kinds=["turn"], where={"mood": "glad"}, min_score=0, by="cosine"),
        bank.recall("Rita", speaker="ana", since="2025-06-01", until=AT + timedelta(days=1), reinforce=False),
        bank.recall("and then?", context=["Rita visits", ("Ana", "When?"), object()], without=[STORY[0]], min_score=0),
        bank.recall("Where does Ana live?", now=AT + timedelta(days=9), valid_at="2025-06-01", as_of=AT, rerank=False),
        bank.recall("What did Ana tell?", since=date(2025, 6, 1), k=1),
    ]


@case
def recall_of_nothing_is_empty(bank: memkit.Bank) -> Any:
    return [bank.recall("anything"), told(bank).recall(""), told(bank).recall("quantum flux capacitors")]


@case
def recall_refuses_no_result(bank: memkit.Bank) -> Any:
    return bank.recall("x", k=0)


@case
def recall_refuses_a_kind_that_is_none(bank: memkit.Bank) -> Any:
    return bank.recall("x", kinds=["rumour"])  # type: ignore[list-item]


@case
def recall_refuses_a_time_without_a_zone(bank: memkit.Bank) -> Any:
    return told(bank).recall("x", since=datetime(2025, 6, 1))


@case
def recall_refuses_what_is_no_moment(bank: memkit.Bank) -> Any:
    return told(bank).recall("x", now="soon")


@case
def recall_refuses_half_a_character(bank: memkit.Bank) -> Any:
    return bank.recall("half \ud800")


@case
def recall_refuses_a_filter_that_is_none(bank: memkit.Bank) -> Any:
    return told(bank).recall("nuts", where={"mood": {"$near": 1}})


@case
def explain_says_why_or_why_not(bank: memkit.Bank) -> Any:
    thought(bank)
    return [
        bank.explain("Who visits?", "t3"),
        bank.explain("Who visits?", "t2", k=1, speaker="Ana"),
        bank.explain("x", "?"),
    ]


@case
def reinforce_counts_what_is_here(bank: memkit.Bank) -> Any:
    return [bank.reinforce("t1"), told(bank).reinforce(["t1", "t2", "no"], now=AT + timedelta(days=3))]


@case
def window_compresses_the_conversation(bank: memkit.Bank) -> Any:
    return [bank.window(40), told(bank).window(60), bank.window(60, session="monday")]


@case
def window_refuses_a_budget_that_is_too_small(bank: memkit.Bank) -> Any:
    return bank.window(3)


@case
def standing_and_upcoming_are_read_from_turns(bank: memkit.Bank) -> Any:
    told(bank)
    return [bank.standing(), bank.upcoming(), bank.upcoming(AT + timedelta(days=30), timedelta(days=60))]


@case
def portrait_of_nobody_is_none(bank: memkit.Bank) -> Any:
    return [bank.portrait(), bank.mood(), bank.beliefs(), bank.zone, bank.name[-1:]]


# sessions


@case
def sessions_are_sequences(bank: memkit.Bank) -> Any:
    told(bank)
    monday, last = bank.session("monday"), bank.session()
    return [list(monday), len(monday), monday[0], monday[-1], monday[1:], monday[-2:], last.last(), monday.last(2)]


@case
def a_place_beyond_a_session_is_an_index_error(bank: memkit.Bank) -> Any:
    return told(bank).session("monday")[7]


@case
def last_refuses_no_turns(bank: memkit.Bank) -> Any:
    return told(bank).session("monday").last(0)


@case
def sessions_are_appended_to_and_cleared(bank: memkit.Bank) -> Any:
    friday = told(bank).session("friday")
    receipts = [friday.append(("Ana", "Hello"), HumanMessage("again")), friday.extend([STORY[0]])]
    return [receipts, friday.pop(), friday.clear(), friday.clear(), len(friday), bank.session("monday").pop()]


@case
def pop_of_an_empty_session_is_an_index_error(bank: memkit.Bank) -> Any:
    return bank.session("nowhere").pop()


@case
def turns_are_added_to_sessions_with_names_alone(bank: memkit.Bank) -> Any:
    return bank.session().append(("Ana", "Hello"))


@case
def catch_up_takes_what_is_new(bank: memkit.Bank) -> Any:
    talk = bank.session("talk")
    said = [("user", "Hello"), ("assistant", "Hi"), ("user", "I like tea")]
    return [talk.catch_up(said[:2]), talk.catch_up([*said, 9]), talk.catch_up(said[1:], leaving=1), list(talk)]


@case
def catch_up_refuses_less_than_nothing(bank: memkit.Bank) -> Any:
    return bank.session("talk").catch_up([], leaving=-1)


# by hand


@case
def insert_takes_texts_and_memories(bank: memkit.Bank) -> Any:
    memory = memkit.Memory(id="m", kind="turn", text="as it is", occurred_at=AT, recorded_at=AT, metadata={"a": [1]})
    receipts = [bank.insert("Ana likes tea."), bank.insert(["Ana likes tea.", memory]), bank.insert(memory)]
    return [receipts, bank.list()]


@case
def insert_refuses_an_empty_text(bank: memkit.Bank) -> Any:
    return bank.insert(" ")


@case
def memories_are_merged_superseded_and_corrected(bank: memkit.Bank) -> Any:
    a, b, c = bank.insert(["Ana likes tea.", "Bob rides a horse.", "Eva is in Rome."]).ids
    [merged] = bank.merge([a, b], "Ana likes tea and Bob rides.").ids
    [newer] = bank.supersede(c, "Eva is in Oslo.").ids
    receipts = [bank.correct(newer, "Eva is in Bergen."), bank.pin(merged), bank.pin(merged, pinned=False)]
    return [receipts, bank.history(a), bank.history(c), bank.list(states=["active", "superseded", "merged"])]


@case
def merging_what_is_not_here_is_refused(bank: memkit.Bank) -> Any:
    return told(bank).merge(["t1", "nobody"], "x")


@case
def memories_are_forgotten_restored_and_undone(bank: memkit.Bank) -> Any:
    told(bank)
    gone = bank.forget(["t1", "t2"], reason="wrong")
    receipts = [bank.undo(gone), bank.forget("t1", reason="wrong"), bank.restore("t1"), bank.restore(["t1"])]
    return [gone, receipts, bank.get("t1"), bank.history("t1")]


@case
def undo_refuses_a_receipt_of_another_bank(bank: memkit.Bank) -> Any:
    return bank.undo(memkit.Receipt(bank=("another",), change=1, outcomes=()))


@case
def undo_of_what_changed_since_is_refused(bank: memkit.Bank) -> Any:
    first = told(bank).supersede("t3", "Rita came.")
    bank.supersede(first.ids[0], "Rita left.")
    return bank.undo(first)


@case
def thinking_is_undone(bank: memkit.Bank) -> Any:
    return [bank.undo(told(bank).think()), bank.beliefs()]


@case
def speakers_are_renamed_and_zones_changed(bank: memkit.Bank) -> Any:
    told(bank)
    return [bank.rename_speaker("ana", "Ana Costa"), bank.get("t1"), bank.change_zone("Asia/Tokyo"), bank.zone]


@case
def a_zone_that_is_none_is_refused(bank: memkit.Bank) -> Any:
    return bank.change_zone("Moon/Sea")


# items


@case
def items_are_put_read_and_deleted(bank: memkit.Bank) -> Any:
    value = {"title": "Groceries", "lines": ["tea", 2, None, 1.5, {"ä": True}]}
    receipts = [bank.put("note/1", value, index=["title"], ttl=90, sources=told(bank).observe([STORY[0]]).ids)]
    receipts.append(
        bank.put_many([{"key": "a", "value": [1]}, {"key": "b", "value": "x", "index": False}], delete=["no"])
    )
    items = [bank.get_item("note/1"), bank.get_item("note/1", refresh=True), bank.get_item("none")]
    first = bank.get_item("a")
    assert first is not None
    receipts.append(bank.put_many([], delete=["b"], encoded=True, expected={"a": first.updated_at, "c": None}))
    return [receipts, items, bank.delete_item("a"), bank.recall("Groceries", kinds=["item"], by="cosine")]


@case
def an_item_that_is_no_json_is_refused(bank: memkit.Bank) -> Any:
    return bank.put("k", {"a": {1, 2}})


@case
def an_item_that_would_come_back_changed_is_refused(bank: memkit.Bank) -> Any:
    return bank.put("k", {"a": (1, 2)})


@case
def an_item_without_a_value_is_refused(bank: memkit.Bank) -> Any:
    return bank.put_many([{"key": "k"}])  # type: ignore[typeddict-item]


@case
def an_item_that_is_not_as_expected_is_refused(bank: memkit.Bank) -> Any:
    return bank.put_many([{"key": "k", "value": 1}], expected={"k": AT})


# looking


@case
def memories_are_listed_by_page(bank: memkit.Bank) -> Any:
    thought(bank)
    first = bank.list(["turn"], {"mood": {"$exists": False}}, limit=2, order="-occurred_at")
    rest = bank.list(["turn"], after=first.next, limit=2, order="-occurred_at")
    spans = [bank.list(since="2025-06-02"), bank.list(until=AT + timedelta(minutes=1), states=("active", "forgotten"))]
    return [first, rest, spans, bank.get("t1"), bank.get("nobody"), bank.history("t1")]


@case
def a_page_of_nothing_is_refused(bank: memkit.Bank) -> Any:
    return told(bank).list(limit=0)


@case
def a_page_after_nobody_is_refused(bank: memkit.Bank) -> Any:
    return told(bank).list(after="nobody")


@case
def a_state_that_is_none_is_refused(bank: memkit.Bank) -> Any:
    return told(bank).list(states=["asleep"])  # type: ignore[list-item]


@case
def the_history_of_nobody_is_refused(bank: memkit.Bank) -> Any:
    return bank.history("nobody")


# away


@case
def memories_fade_and_are_pruned(bank: memkit.Bank) -> Any:
    told(bank)
    later = AT + timedelta(days=4000)
    return [
        bank.decay(later, dry_run=True),
        bank.decay(),
        bank.decay(later),
        bank.prune(later, dry_run=True),
        bank.prune(),
    ]


@case
def an_erasure_is_planned_described_and_done(bank: memkit.Bank) -> Any:
    thought(bank)
    plan = bank.plan_erase(about="nuts", since="2025-06-01", until=AT + timedelta(days=5))
    described = plan.describe()
    return [plan, described, bank.erase(plan, requested_by="Ana"), plan.describe(), bank.erase(ids=["t3"]), bank.list()]


@case
def a_plan_by_ids_speaker_and_session(bank: memkit.Bank) -> Any:
    thought(bank)
    return [bank.plan_erase(ids=["t1"]), bank.plan_erase(speaker="ana", session="tuesday"), bank.erase(ids=[])]


@case
def a_stale_plan_is_refused(bank: memkit.Bank) -> Any:
    plan = told(bank).plan_erase(session="monday")
    bank.pin("t4")
    return bank.erase(plan)


@case
def a_plan_of_nothing_is_refused(bank: memkit.Bank) -> Any:
    return told(bank).plan_erase()


@case
def an_erasure_without_a_choice_is_refused(bank: memkit.Bank) -> Any:
    return told(bank).erase()


@case
def an_erasure_of_nobody_is_refused(bank: memkit.Bank) -> Any:
    return told(bank).erase(ids=["nobody"])


@case
def a_bank_goes_as_a_whole(bank: memkit.Bank) -> Any:
    return [told(bank).erase_all(confirm=bank.name, requested_by="Ana"), bank.list(), bank.session().last()]


@case
def a_bank_goes_only_by_its_name(bank: memkit.Bank) -> Any:
    return told(bank).erase_all(confirm=("another",))


def verbs_used(cases: dict[str, Case]) -> Iterator[str]:
    """Names that the cases' code uses: of verbs, among others."""
    for function in cases.values():
        yield from function.__code__.co_names
        for constant in function.__code__.co_consts:
            yield from getattr(constant, "co_names", ())
