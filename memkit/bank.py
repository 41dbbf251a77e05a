"""One bank: the memory of one person or agent. Its methods, in order, are the flow."""

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Unpack

from memkit.flows import edit, erase, fade, items, observe, read, recall, reflect, sessions, think
from memkit.flows.context import BankContext
from memkit.flows.looking import explain, standing, upcoming
from memkit.flows.thinking.requests import open_requests
from memkit.forget.decay import FadeReport
from memkit.forget.erasure_plan import ErasePlan
from memkit.forget.requests import ForgetRequest, ThinkingReceipt
from memkit.identifiers import bank_path
from memkit.items import Index, Item, ItemFields, LastPut
from memkit.models import ErasureReceipt, HistoryEntry, Kind, Memory, MemoryPage, Order, Receipt, State, Turn
from memkit.protocols import BankName, PageOptions
from memkit.recall.present.asides import StandingInstruction, UpcomingPlan
from memkit.recall.present.explanation import Explanation
from memkit.recall.present.recollection import Recollection
from memkit.recall.present.window import Window
from memkit.recall.ranking.query import RecallKeywords, RecallOptions
from memkit.session import Session
from memkit.think.mood import Mood
from memkit.times import Moment

if TYPE_CHECKING:
    from memkit.aio import AsyncBank


class MemoryBank:
    """One namespace of a store; nothing ever crosses it. Safe to use from several threads."""

    def __init__(self, context: BankContext) -> None:
        self._context = context

    def __repr__(self) -> str:
        return f"MemoryBank({bank_path(self.name)})"

    @property
    def name(self) -> BankName:
        """The parts of the bank's name."""
        return self._context.name

    @property
    def zone(self) -> str:
        """The IANA name of the time zone that decides what "day" means in it."""
        return self._context.zone_name()

    @property
    def version(self) -> str:
        """A mark of what the bank holds: another after each change, and where it was erased and made anew."""
        return self._context.version()

    def change_zone(self, zone: str) -> Receipt:
        """Give the bank another IANA time zone: its days begin there from now on, also those that are past.

        What was read as a day is that day in the new zone; terms of dates are made again, by maintenance where this is
        cut off. Summaries are due again: `reflect`, or maintenance, writes them. Raises UnknownOptionError.
        """
        return edit.change_zone(self._context, zone)

    @cached_property
    def aio(self) -> "AsyncBank":
        """The same verbs, awaitable; the event loop is never blocked."""
        from memkit.aio import AsyncBank

        return AsyncBank(self, self._context.services.executor)

    # in: what people say

    def observe(self, turns: Iterable[Any]) -> Receipt:
        """Store turns: filtered, cut into episodes, encoded, and searchable when this returns.

        Takes Turns, (speaker, text) pairs, role/content dicts and LangChain messages. One bad turn does not reject its
        batch: the receipt has an outcome for each input, in order. Raises InputError where none of the inputs could be
        taken.
        """
        return observe.observe(self._context, turns)

    def read(self, turns: Iterable[Any], *, speakers: Mapping[str, str] | None = None) -> builtins.list[Turn]:
        """Turns as `observe` reads them; stores nothing. Raises InputError for what is no turn.

        `speakers` names who speaks in a role where a turn itself names nobody, for example {"user": "Ana"}.
        """
        return observe.read(turns, speakers)

    def repeated(self, turns: Sequence[Turn]) -> builtins.list[Memory]:
        """The stored turn that the last of these says again, to be answered again, and what came after it.

        Empty where it is new. An answer with its id as `reply_to` takes the place of those before. It is the same where
        it was the last that a person said in its session, and the turns before it don't go beyond that; ids in the
        metadata, under "message_id", decide where both have one.
        """
        return sessions.repeated(self._context, turns)

    # post-thinking: what it means

    def think(self, *, batch: int | None = None, progress: think.ThinkProgress = think.untold) -> ThinkingReceipt:
        """Turn the exchanges observed since the last time into thoughts: insert, merge, supersede, forget.

        One question to the thinker for each exchange, or for `batch` of them (else `ThinkSettings.batch`). `progress`
        is told how many of how many are done, and may raise to stop. What the thinker fails on is queued for later
        (TiM, arXiv 2311.08719). What people asked to have forgotten is closed; `receipt.requests` propose to erase it.
        """
        return think.think(self._context, batch=think.checked_batch(batch), progress=progress)

    def requests(self) -> tuple[ForgetRequest, ...]:
        """Requests to forget that were neither carried out nor declined, oldest first, with plans as of now.

        `bank.erase(request.plan, requested_by=request.speaker)` carries one out; `bank.erase(ids=[request.id])`
        declines it, and leaves what it is about as it is.
        """
        return open_requests(self._context)

    def reflect(self) -> Receipt:
        """Sum up the days that grew, their weeks and months, and draw the portrait again (MemoryBank, 2305.10250).

        What is up to date costs nothing. A summary's metadata say its `level` (day, week, month) and `period`
        (2024-03-09, 2024-W10, 2024-03) in the bank's `zone`, and who wrote it (`by`); a day's also the titles and
        summaries of its `episodes`. Weeks of two days or more and months of two weeks or more have one. By a
        language model where the thinker is one; where its answer can't be used, the outcome's reason says so and
        the summary is extracted.
        """
        return reflect.reflect(self._context)

    # out: what is remembered

    def recall(
        self,
        query: str,
        *,
        k: int = 10,
        kinds: Sequence[Kind] | None = None,
        where: Mapping[str, Any] | None = None,
        speaker: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        context: Sequence[Any] = (),
        without: Sequence[Any] = (),
        around: int = 0,
        min_score: float | None = None,
        now: Moment | None = None,
        valid_at: Moment | None = None,
        as_of: Moment | None = None,
        reinforce: bool = True,
        rerank: bool | None = None,
        by: Literal["cosine"] | None = None,
    ) -> Recollection:
        """The memories that answer a query, best first; none where nothing is relevant.

        Filters: `kinds`; `where` over metadata (see the page on recall); `speaker`; `since` <= occurred_at < `until`.
        `context`: recent turns that the query belongs to. `without`: texts, turns or messages that the model has
        before it anyway: they are not among the results, nor are thoughts that rest on them alone. `around`:
        neighbouring turns given with each hit; the prompt shows those that a hit needs to be understood.
        `min_score=0` gives k results whatever they are. `now` is the moment of asking, `valid_at` what was true then
        (a year or a month that was named counts whole, from its beginning on), `as_of` what was recorded by then; a
        date alone is the beginning of that day in the bank's zone.
        `reinforce`: what is placed into a prompt grows stronger. `rerank`: ask the store's reranker; by default if it
        has one. `by="cosine"`: the k nearest vectors whatever they say, with the cosine as the score.
        """
        options = RecallOptions(
            query=query,
            k=k,
            kinds=kinds,
            where=where,
            speaker=speaker,
            since=self._context.moment(since, "since"),
            until=self._context.moment(until, "until"),
            context=context,
            without=without,
            around=around,
            min_score=min_score,
            now=self._context.moment(now, "now"),
            valid_at=self._context.moment(valid_at, "valid_at"),
            as_of=self._context.moment(as_of, "as_of"),
            reinforce=reinforce,
            rerank=rerank,
            by=by,
        )
        return recall.recall(self._context, options)

    def explain(self, query: str, id: str, *, k: int = 10, **options: Unpack[RecallKeywords]) -> Explanation:
        """Why a memory is among the results of `recall` with these options, or at which step it fell out.

        With its parts beside those of the last result, and what would have brought it in. Raises InputError.
        """
        given, moment = dict[str, Any](**options), self._context.moment
        moments = {name: moment(given.get(name), name) for name in ("since", "until", "now", "valid_at", "as_of")}
        return explain.explain(self._context, id, RecallOptions(query=query, k=k, **{**given, **moments}))

    def reinforce(self, ids: str | Sequence[str], *, now: Moment | None = None) -> int:
        """Strengthen memories that were used where memkit didn't see it, as a prompt does; gives back how many.

        Ids that aren't here (any more) count for nothing. Written with the next change, or after some seconds.
        """
        return recall.reinforce(self._context, ids, self._context.moment(now, "now"))

    def window(
        self, budget: int, *, session: str | None = None, count_tokens: Callable[[str], int] | None = None
    ) -> Window:
        """The running conversation compressed to `budget` tokens: its start, what surprised most, the newest.

        What an agent puts into its prompt beside what it recalled; all of it is in the memory already. Of the
        session with that name, or of the bank's last. `count_tokens`: your model's; without it an upper bound
        that holds for every tokenizer. Marks show where something was left out (SirLLM, arXiv 2405.12528).
        """
        return read.window(self._context, budget, session=session, count_tokens=count_tokens)

    def portrait(self) -> Memory | None:
        """The portrait of the person, as of the last reflection."""
        return reflect.portrait(self._context)

    def mood(self) -> builtins.list[Mood]:
        """Each person's mood by week (-1..1), as of the last reflection: VADER's mean, a hint and no more.

        Needs the extra "mood"; without it, and in other languages than English, every valence is None.
        """
        return reflect.mood(self._context)

    def beliefs(self) -> dict[str, dict[str, builtins.list[Memory]]]:
        """Thoughts that are held true now, by head and relation."""
        return read.beliefs(self._context)

    def standing(self) -> builtins.list[StandingInstruction]:
        """Standing instructions that people gave ("Always answer in Spanish."), newest first, at most ten.

        A later one takes the place of one that it repeats or contradicts, and of those that it takes back. Only what a
        person says in their own words counts, never what they paste or quote. Told by English words.
        """
        return standing.standing(self._context)

    def upcoming(
        self, now: Moment | None = None, within: timedelta = upcoming.UPCOMING_SPAN
    ) -> builtins.list[UpcomingPlan]:
        """Plans, promises and appointments that people told, whose time lies ahead, in order of time.

        Without those that were called off or moved since. What was due, at most `within` ago, and never spoken of again
        comes first, with `is_past`. What was said after `now` doesn't count. Told by English words. Raises InputError.
        """
        return upcoming.upcoming(self._context, self._context.moment(now, "now"), within)

    def session(self, id: str | None = None) -> Session:
        """Turns of the session with that name, or of the bank's last, as a sequence: read, appended to, cleared."""
        return Session(self, id)

    # by hand

    def insert(self, items: str | Memory | Iterable[str | Memory]) -> Receipt:
        """Store texts (as thoughts) or memories as they are; a near copy of what is there is skipped."""
        return edit.insert(self._context, items)

    def merge(self, ids: Sequence[str], text: str) -> Receipt:
        """Put one text in the place of several memories; sources are united, history stays."""
        return edit.merge(self._context, ids, text)

    def supersede(self, id: str, text: str) -> Receipt:
        """Store what holds now and close what held before."""
        return edit.supersede(self._context, id, text)

    def correct(self, id: str, text: str) -> Receipt:
        """Supersede on the user's word, which outranks anything extracted."""
        return edit.supersede(self._context, id, text, author="user")

    def pin(self, id: str, *, pinned: bool = True) -> Receipt:
        """Keep a memory from fading."""
        return edit.pin(self._context, id, pinned=pinned)

    def forget(self, ids: str | Sequence[str], *, reason: str) -> Receipt:
        """Take memories out of recall; their history stays."""
        return edit.forget(self._context, ids, reason=reason)

    def restore(self, ids: str | Sequence[str]) -> Receipt:
        """Bring forgotten or faded memories back into recall."""
        return edit.restore(self._context, ids)

    def undo(self, receipt: Receipt) -> Receipt:
        """Bring back what a receipt's operations changed, all or nothing; what they added is forgotten.

        Raises UndoError where later operations touched the same memories, and for an erasure.
        """
        return edit.undo(self._context, receipt)

    def rename_speaker(self, old: str, new: str) -> Receipt:
        """Give a person another name wherever the bank speaks of them, above all one who was "user" so far.

        Their turns, and what was thought and summed up about them, go on under the new name; texts of turns and
        vectors stay as they are. Costs a look where nobody is called so.
        """
        return edit.rename_speaker(self._context, old, new)

    # items: values by key

    def put(
        self, key: str, value: Any, *, index: Index = None, ttl: float | None = None, sources: Sequence[str] = ()
    ) -> Receipt:
        """Store a JSON value under a key, in the place of an earlier one, of which nothing is kept.

        `index`: False for none, paths into it for a vector of each ("title", "notes[*].text"), None for all of it; only
        `recall(..., kinds=["item"])` looks there. `ttl`: minutes that it lives. `sources`: ids of memories that it
        belongs to; erasing either erases both. Raises InputError.
        """
        return self.put_many([ItemFields(key=key, value=value, index=index, ttl=ttl, sources=sources)])

    def put_many(
        self, puts: Iterable[ItemFields], *, delete: Iterable[str] = (), encoded: bool = False, expected: LastPut = None
    ) -> Receipt:
        """Put many items, each a dict of `put`'s arguments, then delete some keys: all or nothing, at once.

        `encoded`: not without their vectors, which otherwise follow where the encoder fails. `expected`: each key's
        `updated_at` as it was read, None for absent; all must be so still. Raises EncoderError, ConflictError.
        """
        return items.put_many(self._context, puts, delete, encoded=encoded, expected=expected)

    def get_item(self, key: str, *, refresh: bool = False) -> Item | None:
        """The item of a key, None where there is none (any more); with `refresh` its time begins anew."""
        return items.get(self._context, key, refresh=refresh)

    def delete_item(self, key: str) -> Receipt:
        """Remove an item, if it is there; leaves no receipt of erasure."""
        return items.delete(self._context, key)

    # looking

    def get(self, id: str) -> Memory | None:
        """The memory of this id, whatever its state."""
        return read.get(self._context, id)

    def list(
        self,
        kinds: Sequence[Kind] | None = None,
        where: Mapping[str, Any] | None = None,
        after: str | None = None,
        limit: int = 100,
        states: Sequence[State] = ("active",),
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        order: Order = "recorded_at",
    ) -> MemoryPage:
        """A page of memories, by `recorded_at` or `occurred_at`; a "-" before it means the newest first.

        `since` <= occurred_at < `until`; a date alone is the beginning of that day in the bank's zone. The next page
        goes on `after` the last one's id, or after the page's `next`, whatever was erased meanwhile.
        """
        start, end = self._context.moment(since, "since"), self._context.moment(until, "until")
        options = PageOptions(kinds, states, limit=limit, order=order, since=start, until=end)
        return read.page(self._context, options, where, after)

    def history(self, id: str) -> builtins.list[HistoryEntry]:
        """Every change of a memory, oldest first."""
        return read.history(self._context, id)

    # away: what fades, what is erased

    def decay(self, now: Moment | None = None, *, dry_run: bool = False) -> FadeReport:
        """Archive what the forgetting curve has let go, and what is past the span of a rule (`Settings.keep`).

        With `dry_run`, only say what would go, and by which rule.
        """
        return fade.decay(self._context, now, dry_run=dry_run)

    def prune(self, now: Moment | None = None, *, dry_run: bool = False) -> fade.PruneReport:
        """Erase what a rule (`Settings.keep`) says is to be erased after its span, as `erase` does.

        With `dry_run`, only say what would go, and by which rule.
        """
        return fade.prune(self._context, now, dry_run=dry_run)

    def plan_erase(
        self,
        *,
        about: str | None = None,
        speaker: str | None = None,
        session: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        ids: Sequence[str] | None = None,
    ) -> ErasePlan:
        """Plan an erasure: the memories that would go, and those that rest on them. Nothing is removed yet."""
        chosen = erase.Selection(
            about, speaker, session, self._context.moment(since, "since"), self._context.moment(until, "until"), ids
        )
        return erase.plan_erase(self._context, chosen)

    def erase(
        self, plan: ErasePlan | None = None, *, ids: Sequence[str] | None = None, requested_by: str | None = None
    ) -> ErasureReceipt:
        """Remove memories for good, and everything derived from them, down to the bytes.

        Recall is then as if they had never been observed. The receipt is kept in the file, with who asked for
        it. Raises StalePlanError where the bank changed since the plan was made.
        """
        return erase.erase(self._context, plan, ids=ids, requested_by=requested_by)

    def erase_all(self, *, confirm: BankName, requested_by: str | None = None) -> ErasureReceipt:
        """Remove the whole bank; `confirm` must be its name."""
        return erase.erase_all(self._context, confirm=confirm, requested_by=requested_by)
