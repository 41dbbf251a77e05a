"""Form of a recollection: all that is needed to build it again at the client, each memory once."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby, repeat
from operator import attrgetter

from memkit.models import FrozenModel, Hit, Memory
from memkit.recall.present.asides import StandingInstruction
from memkit.recall.present.recollection import OnUse, Origin, Recollection

OnUseOf = Callable[[tuple[str, ...]], OnUse | None]


class RecalledHit(Hit):
    """A hit, with the turns just before and after it, and the IANA name of the zone in which its dates are shown."""

    beside: tuple[Memory, ...] = ()
    zone: str = "UTC"

    @property
    def hit(self) -> Hit:
        """The hit alone."""
        return Hit.model_construct(**{name: getattr(self, name) for name in Hit.model_fields})


class RecollectionForm(FrozenModel):
    """A recall's answer. `hits` are best first, or of a question about the whole bank in the order of time.

    `gathered`: how many turns answer a question about a time or the whole bank, 0 for others; `further`: those beyond
    the hits; `best_first`: ids of the hits by rank. `prompt`: the block, where it was asked for.
    """

    hits: tuple[RecalledHit, ...]
    further: tuple[RecalledHit, ...] = ()
    best_first: tuple[str, ...] = ()
    gathered: int = 0
    portrait: Memory | None = None
    summaries: tuple[Memory, ...] = ()
    standing: tuple[StandingInstruction, ...] = ()
    zone: str = "UTC"
    prompt: str | None = None

    @classmethod
    def of(cls, recollection: Recollection, prompt: str | None = None) -> "RecollectionForm":
        """The form of a recollection, everything read."""
        return cls(
            hits=_recalled(recollection, recollection.origins),
            further=_recalled(recollection.further, repeat(recollection.origin)),
            best_first=tuple(hit.memory.id for hit in recollection.best_first),
            gathered=recollection.gathered,
            portrait=recollection.portrait,
            summaries=recollection.summaries,
            standing=recollection.standing,
            zone=recollection.origin.zone.key,
            prompt=prompt,
        )

    def recollection(self, on_use: OnUse | None = None) -> Recollection:
        """The recollection of one bank, built again; `on_use` is called with the ids that were placed into a prompt."""
        by_id = {hit.memory.id: hit.hit for hit in self.hits}
        return Recollection(
            by_id.values(),
            portrait=self.portrait,
            summaries=self.summaries,
            standing=partial(tuple, self.standing),
            beside={hit.memory.id: hit.beside for hit in (*self.hits, *self.further)},
            zone=self.zone,
            on_use=on_use,
            best_first=[by_id[id] for id in self.best_first],
            further=[hit.hit for hit in self.further],
            gathered=self.gathered,
        )

    def of_banks(self, on_use_of: OnUseOf) -> Recollection:
        """The recollection of several banks, built again; `on_use_of` gives each bank's `on_use`."""
        parts = [_of_bank(bank, list(hits), on_use_of) for bank, hits in groupby(self.hits, attrgetter("bank"))]
        return Recollection.best(parts, len(self.hits))


def _of_bank(bank: tuple[str, ...], hits: Sequence[RecalledHit], on_use_of: OnUseOf) -> Recollection:
    form = RecollectionForm(hits=tuple(hits), zone=hits[0].zone)
    return form.recollection(on_use_of(bank))


def _recalled(hits: Iterable[Hit], origins: Iterable[Origin]) -> tuple[RecalledHit, ...]:
    return tuple(
        RecalledHit.model_construct(
            **{name: getattr(hit, name) for name in Hit.model_fields},
            beside=tuple(origin.turns_beside(hit.memory.id)),
            zone=origin.zone.key,
        )
        for hit, origin in zip(hits, origins, strict=False)
    )
