"""Payloads and history: what is encoded for a row is decoded as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from memkit.errors import CorruptError
from memkit.models import Action
from memkit.storage.core.records import HistoryRow, Payload, StoredMemory, encode_payload, open_closings
from memkit.storage.core.rows import decode_history, decode_past, history_columns
from memkit.testing.contract.cases import AT_NOON, memory

STORED_ITEM = StoredMemory(seq=4, uid=bytes(16), memory=memory("tea", id="t1", kind="item"), sources=(1, 2))


def line(event: Action, before: StoredMemory) -> HistoryRow:
    return HistoryRow(before.seq, event, AT_NOON, "user", "why", before, change=7)


def test_a_payload_is_read_back_with_all_its_words() -> None:
    words = memory("a", speaker="ana", session="s", head="h", relation="r", tail="t", metadata={"ü": [1, None]})
    payload = Payload.parse(encode_payload(words.model_copy(update={"key_phrases": ("p",)}), "own"))
    assert payload == Payload("own", "ana", "s", "h", "r", "t", {"ü": [1, None]}, ("p",))
    assert Payload.parse(None) == Payload()
    assert encode_payload(memory("a", speaker=None), None) == "{}"


def test_a_history_of_numbers_is_read_back() -> None:
    pinned = STORED_ITEM.changed(pinned=True, strength=2.5, recalled_at=AT_NOON, recall_count=3)
    now = replace(pinned.changed(state="superseded", valid_until=AT_NOON + timedelta(days=1)), superseded_by=9)
    written = [line("pinned", STORED_ITEM), line("superseded", pinned)]
    assert decode_history([history_columns(row) for row in written], now) == written
    assert decode_history([], now) == []


def test_a_past_state_is_read_from_the_image_of_a_later_change() -> None:
    image = history_columns(line("restored", replace(STORED_ITEM.changed(state="merged"), superseded_by=9)))[-1]
    assert decode_past(image) == ("merged", None, 9)


@pytest.mark.parametrize("image", ["", "{}", '{"n":[99,null,1.0,null,0,false,null,null]}', '{"n":1}'])
def test_a_damaged_image_is_a_corrupt_error(image: str) -> None:
    with pytest.raises(CorruptError):
        decode_past(image)
    with pytest.raises(CorruptError):
        decode_history([(1, 0, 0, 0, None, image)], STORED_ITEM)


def test_closings_stay_open_until_they_are_undone() -> None:
    events: tuple[Action, ...] = ("superseded", "forgotten", "restored", "pinned", "merged")
    assert open_closings([line(event, STORED_ITEM) for event in events]) == [0, 4]
