"""Laws of cutting: every turn has one place, every wordy turn is in one exchange, whatever the order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from memkit.observe.episodes import Cutter, TurnOutline
from memkit.operations import Enqueue
from memkit.settings import ObserveSettings

START = datetime(2025, 5, 1, tzinfo=UTC)
LIMITS = ObserveSettings(episode_turns=3, episode_characters=300, exchange_turns=4)
pieces = st.lists(
    st.tuples(
        st.integers(0, 2000),
        st.integers(0, 400),
        st.sampled_from(["user", "assistant", None]),
        st.sampled_from(["a", "b", None]),
        st.booleans(),
    ),
    max_size=40,
)


def cut(
    rows: list[tuple[int, int, str | None, str | None, bool]],
) -> tuple[list[TurnOutline], Cutter, list[tuple[int, int]]]:
    cutter = Cutter(LIMITS, last=None, find=lambda _: None, number=0)
    made = [TurnOutline(f"t{i}", START + timedelta(minutes=m), n, r, s, q) for i, (m, n, r, s, q) in enumerate(rows)]
    return made, cutter, [cutter.cut(piece).placement for piece in made]


@given(pieces)
@settings(max_examples=150)
def test_episodes_lie_in_one_session_and_within_their_limits(
    rows: list[tuple[int, int, str | None, str | None, bool]],
) -> None:
    made, _, places = cut(rows)
    for episode in {e for _, e in places}:
        inside = [i for i, place in enumerate(places) if place[1] == episode]
        assert len({places[i][0] for i in inside}) == 1
        assert len(inside) <= 3
        assert len(inside) == 1 or sum(made[i].length for i in inside) <= 300


@given(pieces)
@settings(max_examples=150)
def test_each_wordy_turn_is_in_exactly_one_exchange_and_quiet_ones_in_none(
    rows: list[tuple[int, int, str | None, str | None, bool]],
) -> None:
    made, cutter, places = cut(rows)
    queued = [o for o in cutter.queue() if isinstance(o, Enqueue)]
    ids = [id for o in queued for id in o.turn_ids]
    assert sorted(ids) == sorted(piece.id for piece in made if not piece.quiet)
    session_of = {piece.id: place[0] for piece, place in zip(made, places, strict=True)}
    assert all({session_of[id] for id in o.turn_ids} == {o.session} for o in queued)


@given(pieces)
@settings(max_examples=100)
def test_a_name_is_a_session_and_never_shares_it(rows: list[tuple[int, int, str | None, str | None, bool]]) -> None:
    made, _, places = cut(rows)
    for name in ("a", "b"):
        of_it = {place[0] for piece, place in zip(made, places, strict=True) if piece.session == name}
        others = {place[0] for piece, place in zip(made, places, strict=True) if piece.session != name}
        assert len(of_it) <= 1
        assert not of_it & others
