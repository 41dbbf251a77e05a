"""History of a session: what was handed in last of a conversation whose messages have no ids.

An item of the session holds their ids here and their roles, so that one that was erased leaves its place and no more.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from memkit.identifiers import UUID_BYTES, uuid7_bytes, uuid_text
from memkit.items import item_id, item_memory
from memkit.models import TURN_ROLES, IndexEntry, Memory
from memkit.observe.handed_in import GivenTurn, KnownTurn, Shared, Words, shared_part
from memkit.operations import Expect, Put, Step
from memkit.protocols import BankView
from memkit.text.terms.keys import item_key

HISTORY_KEY = "memkit/session/"  # begins an item's key; the session's name follows
READ_BEYOND = 8  # turns that are looked at beyond as many as are given
NO_ROLE = "-"
ROLE_BY_LETTER: dict[str, Any] = {role[0]: role for role in TURN_ROLES} | {NO_ROLE: None}
NO_VALUE: dict[str, Any] = {"ids": "", "roles": "", "last": None}
ONE_TICK = timedelta(microseconds=1)  # by which a later writing is told from one of the same moment


class SessionHistory(NamedTuple):
    """Turns that were handed in last, in order, and those that came in another way since (`newer`).

    key: of its item; last: id of the newest turn that it knew of; put_at: None where there is no item yet
    """

    key: str
    turns: list[KnownTurn]
    newer: list[KnownTurn]
    last: str | None = None
    put_at: datetime | None = None

    @classmethod
    def read(cls, view: BankView, session: str, count: int) -> Self:
        """The history of a session, of which so many turns are handed in."""
        key = f"{HISTORY_KEY}{session}"
        item = next(iter(_by_id(view, [item_id(key)]).values()), None)
        value: dict[str, Any] = NO_VALUE if item is None else item.metadata["value"]
        ids = _unpacked(value["ids"])
        stored, pairs = _by_id(view, ids), zip(ids, value["roles"], strict=True)
        turns = [KnownTurn(id, ROLE_BY_LETTER[letter], _words_of(stored.get(id))) for id, letter in pairs]
        history = cls(key, turns, [], value["last"], None if item is None else item.occurred_at)
        newer = history._newer(view, session, count)
        return history._replace(newer=newer, last=newer[-1].id) if newer else history

    def _newer(self, view: BankView, session: str, count: int) -> list[KnownTurn]:
        """Turns with ids of memkit's own that the session got since, as many as may be among the given ones."""
        last = view.locate([] if self.last is None else [self.last]).get(self.last or "", 0)
        seqs = [seq for seq in view.labelled(session, count + READ_BEYOND) if seq > last]
        since, own_ids = None if last else self.put_at, set(self.ids)
        turns = [turn for turn in view.memories(seqs).values() if turn.id not in own_ids and uuid7_bytes(turn.id)]
        return [KnownTurn(t.id, t.role, _words_of(t)) for t in turns if since is None or t.recorded_at > since]

    @property
    def ids(self) -> list[str]:
        """Ids of the turns that were handed in last."""
        return [turn.id for turn in self.turns]

    def shared_with(self, given: Sequence[GivenTurn], *, all_leave: bool) -> tuple[list[KnownTurn], Shared]:
        """The part that given turns begin with, and what it is a part of: with the newer turns, or without them."""
        every = [*self.turns, *self.newer]
        shared = shared_part(every, given, all_leave=all_leave)
        if shared.is_whole or not (self.turns and self.newer):
            return every, shared
        return self.turns, shared_part(self.turns, given, all_leave=all_leave)

    def following(self, turns: Sequence[KnownTurn], last: str | None, at: datetime) -> Self:
        """The history of these turns, put now in the place of this one; `last`: id of one that is new."""
        put_at = at if self.put_at is None else max(at, self.put_at + ONE_TICK)
        return self._replace(turns=list(turns), newer=[], last=last or self.last, put_at=put_at)

    def put(self, view: BankView, before: Self) -> list[Step]:
        """Steps that write it in the place of another; ConflictError where that isn't there any more."""
        roles = "".join(turn.role[0] if turn.role else NO_ROLE for turn in self.turns)
        value = {"ids": _packed(self.ids), "roles": roles, "last": self.last}
        memory = item_memory(self.key, value, at=self.put_at or datetime.max, index=False)
        entry = IndexEntry(text_key=item_key(view.state.key, memory.id), wanted=False)
        return [Expect(memory.id, before.put_at), Put(memory, entry)]


def _packed(ids: Sequence[str]) -> str:
    """Ids as one text: as a list, each would be indexed."""
    return b64encode(b"".join(uuid7_bytes(id) or b"" for id in ids)).decode()


def _unpacked(text: str) -> list[str]:
    data = b64decode(text)
    return [uuid_text(data[start : start + UUID_BYTES]) for start in range(0, len(data), UUID_BYTES)]


def _by_id(view: BankView, ids: Sequence[str]) -> dict[str, Memory]:
    seqs = view.locate(ids)
    memories = view.memories(list(seqs.values()))
    return {id: memories[seq] for id, seq in seqs.items()}


def _words_of(memory: Memory | None) -> Words | None:
    return None if memory is None else tuple(memory.text.split())
