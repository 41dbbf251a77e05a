"""Recollections: hits, best first, and the forms in which a model takes them."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, overload
from zoneinfo import ZoneInfo

from memkit.errors import UnknownOptionError
from memkit.models import Hit, Memory
from memkit.recall.present.asides import StandingInstruction, UpcomingPlan
from memkit.recall.present.prompt import Counter, render
from memkit.recall.present.prompt_material import Entry, Key, PromptMaterial
from memkit.recall.present.quoting import label

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.messages import BaseMessage

OnUse = Callable[[list[str]], None]
TurnsById = Mapping[str, Sequence[Memory]]
FindStanding = Callable[[], Sequence[StandingInstruction]]


@dataclass(eq=False)
class Origin:
    """Origin of hits: their bank's zone, a function that takes the ids of those used, and the turns beside them."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    on_use: OnUse | None = None
    beside: TurnsById = field(default_factory=dict)
    find_standing: FindStanding = tuple
    used: set[str] = field(default_factory=set)

    @cached_property
    def standing(self) -> tuple[StandingInstruction, ...]:
        """Standing instructions of the bank; read out of its turns when they are first needed."""
        return tuple(self.find_standing())

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what is read later, too, and leave out the way back to the bank."""
        return Origin, (self.zone, None, dict(self.beside), partial(tuple, self.standing), self.used)

    def turns_beside(self, id: str) -> Sequence[Memory]:
        """Turns beside the hit of this id."""
        return self.beside.get(id, ())

    def use(self, ids: Iterable[str]) -> None:
        """Pass on the ids that weren't used before."""
        fresh = [name for name in dict.fromkeys(ids) if name not in self.used]
        self.used.update(fresh)
        if fresh and self.on_use is not None:
            self.on_use(fresh)


class Quote(NamedTuple):
    """Quote of a hit, as data for a prompt of one's own. Each text is one line, in which nothing can hide.

    `text`: the memory's words, or the part of them that found room, as `Recollection.prompt` quotes them;
    `speaker`: who spoke, or of which kind the memory is; `line`: both after the day and the time.
    """

    hit: Hit
    speaker: str
    text: str
    line: str


class Recollection(Sequence[Hit]):
    """Hits, best first. A slice of it is a Recollection, too.

    `portrait` and `summaries` go into the prompt before the hits, and so do the instructions that `standing`
    gives. `beside` gives, by the id of a hit, the turns just before and after it, of which the prompt shows
    those that it needs to be understood. `zone`: the IANA name of the zone in which dates are shown. `on_use`
    is called with the ids of the hits, and of the thoughts shown with them, that were placed into a prompt:
    once per id, however often and in whatever slices it is asked. It can be pickled; the copy strengthens
    nothing.

    Many turns answer a question about a time or the whole bank: `gathered` says how many, `further` are those
    beyond the hits, for which the prompt has room, too. Of the whole bank, the hits are in the order of time;
    `best_first` are the same by rank.
    """

    def __init__(
        self,
        hits: Iterable[Hit] = (),
        *,
        portrait: Memory | None = None,
        summaries: Sequence[Memory] = (),
        standing: FindStanding = tuple,
        beside: TurnsById = MappingProxyType({}),
        zone: str = "UTC",
        on_use: OnUse | None = None,
        best_first: Sequence[Hit] = (),
        further: Sequence[Hit] = (),
        gathered: int = 0,
    ) -> None:
        self._hits, self.further, self.gathered = tuple(hits), tuple(further), gathered
        self._best_first = tuple(best_first)
        self.portrait = portrait
        self.summaries = tuple(summaries)
        self._origin = Origin(ZoneInfo(zone), on_use, beside, standing)
        self._origins: tuple[Origin, ...] = (self._origin,) * len(self._hits)

    @classmethod
    def best(cls, recollections: Iterable["Recollection"], k: int) -> "Recollection":
        """The k best hits of several banks' recollections; portraits and summaries stay with their banks."""
        pairs = [pair for recollection in recollections for pair in recollection._pairs()]
        pairs.sort(key=lambda pair: -pair[0].score)
        return cls()._with(pairs[:k])

    def _pairs(self) -> list[tuple[Hit, Origin]]:
        return list(zip(self._hits, self._origins, strict=True))

    def _shown(self) -> list[tuple[Hit, Origin]]:
        """Hits that the prompt may show, best first."""
        if not self.gathered:
            return self._pairs()
        return [(hit, self._origin) for hit in (*self._best_first, *self.further)]

    def _with(self, pairs: Sequence[tuple[Hit, Origin]]) -> Self:
        chosen = type(self)(portrait=self.portrait, summaries=self.summaries)
        chosen._origin = self._origin
        chosen._hits = tuple(hit for hit, _ in pairs)
        chosen._origins = tuple(origin for _, origin in pairs)
        return chosen

    def __len__(self) -> int:
        return len(self._hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> "Recollection": ...
    def __getitem__(self, index: int | slice) -> "Hit | Recollection":
        if isinstance(index, slice):
            return self._with(self._pairs()[index])
        return self._hits[index]

    def __repr__(self) -> str:
        best = f", best score {self._hits[0].score:.3f}" if self._hits else ""
        return f"<Recollection: {len(self)} hits{best}>"

    @property
    def best_first(self) -> tuple[Hit, ...]:
        """The hits by rank, of a question about the whole bank; none for other questions."""
        return self._best_first

    @property
    def origin(self) -> Origin:
        """Origin of what stands around the hits, and of `further`."""
        return self._origin

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Origin of each hit, in order: of several banks, each has its own."""
        return self._origins

    @property
    def standing(self) -> tuple[StandingInstruction, ...]:
        """The bank's standing instructions, newest first; none where hits are of several banks."""
        return self._origin.standing

    @property
    def ids(self) -> list[str]:
        """Ids of the hits' memories, best first."""
        return [hit.memory.id for hit in self._hits]

    def use(self) -> None:
        """Note that all of the hits were used, for whoever passes them on without `prompt`."""
        for hit, origin in self._pairs():
            origin.use([hit.memory.id])

    def prompt(
        self,
        max_tokens: int,
        count_tokens: Counter | None = None,
        *,
        portrait: bool = True,
        summaries: bool = True,
        standing: bool = True,
        upcoming: Sequence[UpcomingPlan] = (),
    ) -> str:
        """The block for a model's prompt, never longer than `max_tokens`; "" where nothing fits or was found.

        `count_tokens` gives the number of tokens of a text, as the model counts; without it, an upper
        bound for common tokenizers and every script, about twice the true number in English. Standing
        instructions, portrait and summaries come first, each at most a quarter; what is `upcoming`, as
        `bank.upcoming()` gives it, likewise; then the memories in time order: the best hits
        whole or as excerpts, their thoughts, and the turns around them: the question before an answer, the
        turn after a question, both sides of a short turn, and those of `hit.around`. Raises InputError, and
        CorruptError where a turn beside a hit isn't what was written: these are read out of their rows here.
        """
        shown = self._shown()
        material = PromptMaterial(
            hits=[hit for hit, _ in shown],
            zones=[origin.zone for _, origin in shown],
            find_beside=lambda place: shown[place][1].turns_beside(shown[place][0].memory.id),
            gathered=self.gathered,
            portrait=self.portrait if portrait else None,
            summaries=self.summaries if summaries else (),
            standing=self.standing if standing else (),
            upcoming=upcoming,
            zone=self._origin.zone,
        )
        block = render(material, max_tokens, count_tokens)
        self._use(block.quotes)
        return block.text

    def quotes(self, max_tokens: int, count_tokens: Counter | None = None) -> list[Quote]:
        """The hits that the block of `max_tokens` shows, each by itself, best first.

        For a framework that puts memories into a prompt by its own form: what `prompt` says of budget, excerpts and use
        holds. Raises InputError.
        """
        shown = {(hit.bank, hit.memory.id): (hit, origin) for hit, origin in self._shown()}
        bare = [hit.model_copy(update={"thoughts": (), "around": ()}) for hit, _ in shown.values()]
        zones = [origin.zone for _, origin in shown.values()]
        block = render(PromptMaterial(bare, zones, lambda place: ()), max_tokens, count_tokens)
        self._use(block.quotes)
        return [
            Quote(hit, label(hit.memory), block.quotes[key], f"{entry.day} {entry.start}{block.quotes[key]}")
            for key, (hit, origin) in shown.items()
            if key in block.quotes
            for entry in [Entry(hit.memory, key, origin.zone, last_said=hit.last_said)]
        ]

    def _use(self, placed: Container[Key]) -> None:
        for hit, origin in self._shown():
            if used := [memory.id for memory in (hit.memory, *hit.thoughts) if (hit.bank, memory.id) in placed]:
                origin.use(used)

    def messages(
        self,
        max_tokens: int = 1000,
        count_tokens: Counter | None = None,
        *,
        role: Literal["human", "system"] = "human",
        portrait: bool = True,
        summaries: bool = True,
        standing: bool = True,
        upcoming: Sequence[UpcomingPlan] = (),
    ) -> "list[BaseMessage]":
        """The block as one LangChain message, or none where there is nothing to show.

        A human message by default: what was recalled should not speak with the system's voice.
        """
        from langchain_core.messages import HumanMessage, SystemMessage

        kinds: dict[str, type[BaseMessage]] = {"human": HumanMessage, "system": SystemMessage}
        if role not in kinds:
            raise UnknownOptionError('messages: role must be "human" or "system".')
        text = self.prompt(
            max_tokens, count_tokens, portrait=portrait, summaries=summaries, standing=standing, upcoming=upcoming
        )
        return [kinds[role](content=text)] if text else []

    def documents(self) -> "list[Document]":
        """The hits as LangChain Documents, best first; the memory's own metadata under "metadata"."""
        from langchain_core.documents import Document

        return [
            Document(id=hit.memory.id, page_content=hit.memory.text, metadata=_facts(hit, origin))
            for hit, origin in self._pairs()
        ]


def _facts(hit: Hit, origin: Origin) -> dict[str, Any]:
    """Everything of a hit but its text, as plain values; times as ISO 8601 in UTC."""
    memory = hit.memory
    return {
        "id": memory.id,
        "kind": memory.kind,
        "speaker": memory.speaker,
        "role": memory.role,
        "session": memory.session,
        "occurred_at": memory.occurred_at.isoformat(),
        "zone": origin.zone.key,
        "bank": list(hit.bank),
        "score": hit.score,
        "why": dict(hit.why),
        "strength": memory.strength,
        "sources": list(memory.sources),
        "metadata": dict(memory.metadata),
    }
