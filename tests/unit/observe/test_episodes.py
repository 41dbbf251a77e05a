"""Cutting: sessions by name or by gap, episodes by length, exchanges up to a reply or until idle."""

from datetime import UTC, datetime, timedelta

from memkit.observe.episodes import Cut, Cutter, TurnOutline
from memkit.operations import CloseExchange, Enqueue
from memkit.protocols import Position
from memkit.settings import ObserveSettings

START = datetime(2025, 5, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def position(**changes: object) -> Position:
    values: dict[str, object] = {
        "seq": 7, "id": "m7", "label": "@2025-05-01T09:00+00:00", "session": 3, "episode": 5, "episode_turns": 2,
        "episode_characters": 20, "at": START, "speaker": "ana", "role": "user", "exchange": None, "exchange_turns": 0,
    }  # fmt: skip
    return Position(**{**values, **changes})  # type: ignore[arg-type]


def cutter(last: Position | None = None, *named: Position, **settings: object) -> Cutter:
    found = {p.label: p for p in named}
    cut = ObserveSettings(**settings)
    return Cutter(cut, last=last, find=found.get, number=0 if last is None else last.seq)


def piece(number: int, minutes: float = 0, **changes: object) -> TurnOutline:
    return TurnOutline(f"t{number}", START + minutes * MINUTE, 10, **changes)  # type: ignore[arg-type]


def sessions(cuts: list[Cut]) -> list[int]:
    return [cut.placement.session for cut in cuts]


def episodes(cuts: list[Cut]) -> list[int]:
    return [cut.placement.episode for cut in cuts]


def test_turns_without_long_gaps_are_one_session_and_a_gap_starts_another() -> None:
    cuts = [cutter_.cut(piece(i, m)) for cutter_ in [cutter()] for i, m in enumerate([0, 30, 85, 200, 210])]
    assert sessions(cuts) == [1, 1, 1, 4, 4]
    assert cuts[0].label != cuts[3].label


def test_an_episode_is_full_after_so_many_turns() -> None:
    one = cutter(episode_turns=3)
    assert episodes([one.cut(piece(i, i)) for i in range(7)]) == [1, 1, 1, 4, 4, 4, 7]


def test_an_episode_is_full_after_so_many_characters_but_takes_one_turn_of_any_length() -> None:
    one = cutter(episode_characters=100)
    lengths = [500, 60, 40, 1]
    cuts = [one.cut(TurnOutline(f"t{i}", START, length)) for i, length in enumerate(lengths)]
    assert episodes(cuts) == [1, 2, 2, 4]
    assert sessions(cuts) == [1, 1, 1, 1]


def test_a_batch_goes_on_where_the_bank_stopped() -> None:
    one = cutter(position(), episode_turns=4)
    cuts = [one.cut(piece(i, i)) for i in range(3)]
    assert sessions(cuts) == [3, 3, 3]
    assert episodes(cuts) == [5, 5, 10]
    assert {cut.label for cut in cuts} == {position().label}


def test_an_unnamed_turn_never_joins_a_session_that_was_named() -> None:
    cut = cutter(position(label="work")).cut(piece(0))
    assert cut.placement.session == 8
    assert cut.label.startswith("@")


def test_named_sessions_may_interleave_and_keep_their_own_episodes() -> None:
    one = cutter(episode_turns=2)
    cuts = [one.cut(piece(i, i, session="ab"[i % 2])) for i in range(6)]
    assert sessions(cuts) == [1, 2, 1, 2, 1, 2]
    assert episodes(cuts) == [1, 2, 1, 2, 5, 6]
    assert [cut.label for cut in cuts] == ["a", "b"] * 3


def test_a_named_session_goes_on_after_any_gap_in_an_episode_of_its_own() -> None:
    one = cutter(position(label="other"), position(label="work"))
    cut = one.cut(piece(0, 60 * 24 * 9, session="work"))
    assert cut.placement == (3, 8)


def test_late_turns_join_the_session_of_their_time() -> None:
    one = cutter()
    minutes = [0, 10, 300, 5, 310, 8, 290]
    assert sessions([one.cut(piece(i, m)) for i, m in enumerate(minutes)]) == [1, 1, 3, 1, 3, 1, 3]


def test_a_turn_from_long_before_is_a_session_of_its_own() -> None:
    one = cutter(position())
    assert one.cut(piece(0, -60 * 24 * 30)).placement.session == 8


def ends(one: Cutter) -> list[tuple[tuple[str, ...], bool]]:
    return [(o.turn_ids, o.closed) for o in one.queue() if isinstance(o, Enqueue)]


def test_an_exchange_ends_with_the_assistants_reply() -> None:
    one = cutter()
    for i, role in enumerate(["user", "assistant", "user", "user", "assistant", "user"]):
        one.cut(piece(i, i, role=role))
    assert ends(one) == [(("t0", "t1"), True), (("t2", "t3", "t4"), True), (("t5",), False)]


def test_a_greeting_of_the_assistant_waits_for_what_is_answered() -> None:
    one = cutter()
    for i, role in enumerate(["assistant", "user", "assistant"]):
        one.cut(piece(i, i, role=role))
    assert ends(one) == [(("t0", "t1", "t2"), True)]


def test_an_exchange_between_people_ends_after_so_many_turns() -> None:
    one = cutter(exchange_turns=3)
    for i in range(5):
        one.cut(piece(i, i))
    assert ends(one) == [(("t0", "t1", "t2"), True), (("t3", "t4"), False)]


def test_an_exchange_ends_when_it_is_idle_though_the_session_goes_on() -> None:
    one = cutter()
    cuts = [one.cut(piece(i, m)) for i, m in enumerate([0, 5, 40])]
    assert len(set(sessions(cuts))) == 1
    assert ends(one) == [(("t0", "t1"), True), (("t2",), False)]


def test_quiet_turns_have_a_place_but_are_not_thought_about() -> None:
    one = cutter()
    cuts = [one.cut(piece(i, i, quiet=i == 1, role=["user", "assistant", "tool", "assistant"][i])) for i in range(4)]
    assert sessions(cuts) == [1, 1, 1, 1]
    assert ends(one) == [(("t0", "t2", "t3"), True)]


def test_an_open_exchange_of_the_bank_takes_the_next_turns() -> None:
    one = cutter(position(exchange=9, exchange_turns=1))
    one.cut(piece(0, 1, role="assistant"))
    assert one.queue() == [Enqueue(3, ("t0",), True, START + MINUTE, 9)]


def test_an_open_exchange_of_the_bank_is_closed_when_a_new_session_starts() -> None:
    one = cutter(position(exchange=9, exchange_turns=1))
    one.cut(piece(0, 600))
    first, second = one.queue()
    assert first == CloseExchange(9)
    assert isinstance(second, Enqueue)
    assert (second.number, second.closed) == (None, False)
