"""Turns that the prompt shows around hits: enough to understand them, and no more."""

from datetime import UTC, datetime, timedelta

from memkit.models import Hit, Memory
from memkit.recall.present.recollection import Recollection

START_TIME = datetime(2025, 6, 2, 12, tzinfo=UTC)
LONG_TEXT = "I moved to Lisbon in May, into a flat near the river, with my sister Rita and her two old cats."
QUESTION_TEXT = "Where did you say that you would like to live?"


def turns(*said: str) -> list[Memory]:
    """One a minute, by two speakers in turns."""
    times = [START_TIME + timedelta(minutes=n) for n in range(len(said))]
    return [
        Memory(id=f"t{n}", kind="turn", text=text, speaker="ana" if n % 2 else "bob", occurred_at=at, recorded_at=at)
        for n, (text, at) in enumerate(zip(said, times, strict=True))
    ]


def recollection(flow: list[Memory], *places: int, used: list[str] | None = None) -> Recollection:
    """A recollection of some turns of a conversation, best first."""
    hits = [Hit(memory=flow[i], score=1 - n / 10, why={}) for n, i in enumerate(places)]
    beside = {flow[i].id: [flow[j] for j in (i - 1, i + 1) if 0 <= j < len(flow)] for i in places}
    return Recollection(hits, beside=beside, on_use=None if used is None else used.extend)


def shown(block: str) -> list[str]:
    """The lines below the day's."""
    return block.split("\n")[3:-1]


def test_an_answer_is_shown_with_its_question() -> None:
    flow = turns("Fine weather today, isn't it, and so warm.", QUESTION_TEXT, LONG_TEXT, "I see.")
    assert shown(recollection(flow, 2).prompt(1000)) == [f'12:01 ana: "{QUESTION_TEXT}"', f'12:02 bob: "{LONG_TEXT}"']


def test_a_question_is_shown_with_its_answer() -> None:
    flow = turns("I see.", f"{LONG_TEXT} And where do you live?", "In Porto.")
    assert shown(recollection(flow, 1).prompt(1000))[1:] == ['12:02 bob: "In Porto."']


def test_a_short_hit_is_shown_with_what_is_around_it() -> None:
    flow = turns("I sold the car.", "Great!", "Now I take the tram.")
    assert [line[:9] for line in shown(recollection(flow, 1).prompt(1000))] == ["12:00 bob", "12:01 ana", "12:02 bob"]


def test_a_long_hit_that_stands_for_itself_is_shown_alone() -> None:
    flow = turns("Good morning.", LONG_TEXT, "I see.")
    assert shown(recollection(flow, 1).prompt(1000)) == [f'12:01 ana: "{LONG_TEXT}"']


def test_the_question_before_an_answer_comes_before_the_other_neighbours() -> None:
    flow = turns("Well.", "Yes, I did that.", "Oh.", "Hm.", QUESTION_TEXT, LONG_TEXT)
    needed = len(Recollection([*recollection(flow, 1, 5)]).prompt(1000, count_tokens=len)) + len(QUESTION_TEXT) + 18
    block = recollection(flow, 1, 5).prompt(needed, count_tokens=len)
    assert QUESTION_TEXT in block
    assert "Well." not in block


def test_no_hit_is_left_out_or_cut_for_a_neighbour() -> None:
    flow = turns(QUESTION_TEXT, "In Porto.", "And I like it.", "Where is the tram?", "Around the corner.", "Thanks.")
    both, alone = recollection(flow, 1, 4), Recollection([*recollection(flow, 1, 4)])
    assert QUESTION_TEXT in both.prompt(1000, count_tokens=len)
    for budget in range(1000):
        lines = set(shown(both.prompt(budget, count_tokens=len)))
        assert set(shown(alone.prompt(budget, count_tokens=len))) - {"..."} <= lines


def test_nothing_stands_twice_where_two_hits_are_neighbours() -> None:
    flow = turns(QUESTION_TEXT, "In Porto.", "And I like it.")
    lines = shown(recollection(flow, 1, 0, 2).prompt(1000))
    assert [line[:5] for line in lines] == ["12:00", "12:01", "12:02"]


def test_a_repetition_of_the_hit_beside_it_is_not_shown() -> None:
    assert len(shown(recollection(turns("Great!", "Great!", "Really great."), 0).prompt(1000))) == 1


def test_turns_that_followed_each_other_have_no_gap_between_them() -> None:
    flow = turns(QUESTION_TEXT, "In Porto.", "Hm.", "Oh.", "Where is the tram?", "Around the corner.")
    lines = shown(recollection(flow, 1, 5).prompt(1000))
    assert lines.index("...") == 3
    assert lines.count("...") == 1


def test_the_end_of_a_long_question_is_shown_and_the_beginning_of_what_follows() -> None:
    flow = turns(f"{'Well, as you know. ' * 100}So where do you live?", "In Porto.", "So I thought. " * 100)
    before, hit, after = shown(recollection(flow, 1).prompt(400))
    assert before.startswith('12:00 bob: (cut) "')
    assert before.endswith('So where do you live?"')
    assert hit == '12:01 ana: "In Porto."'
    assert after.startswith('12:02 bob: "So I thought.')
    assert after.endswith('" (cut)')


def test_a_hit_that_has_no_place_brings_no_neighbours() -> None:
    flow = turns("Hm.", LONG_TEXT, "Who?", "Rhododendron and bougainvillea " * 20)
    blocks = [recollection(flow, 1, 3).prompt(budget) for budget in range(400)]
    assert any(LONG_TEXT in block and "Rhodo" not in block for block in blocks)
    assert all("Rhodo" in block for block in blocks if "Who?" in block)


def test_only_hits_count_as_used() -> None:
    used: list[str] = []
    block = recollection(turns(QUESTION_TEXT, "In Porto.", "Nice."), 1, used=used).prompt(1000)
    assert QUESTION_TEXT in block
    assert used == ["t1"]


def test_hits_keep_their_neighbours_in_slices_and_among_other_banks() -> None:
    first, other = (
        recollection(turns(QUESTION_TEXT, LONG_TEXT), 1),
        recollection(turns("Who has the key?", LONG_TEXT.upper()), 1),
    )
    assert QUESTION_TEXT in first[:1].prompt(1000)
    moved = Recollection.best([first, other], 2)
    assert QUESTION_TEXT in moved.prompt(1000)


def test_messages_show_the_same_as_the_prompt() -> None:
    [message] = recollection(turns(QUESTION_TEXT, "In Porto."), 1).messages()
    assert QUESTION_TEXT in str(message.content)


def test_turns_beside_hits_without_room_are_not_looked_at() -> None:
    flow = turns(*[f"{n} {LONG_TEXT}" for n in range(200)])
    looked_at: list[str] = []

    class Beside(dict[str, list[Memory]]):
        def get(self, id: str, default: object = None) -> list[Memory]:
            looked_at.append(id)
            return []

    block = Recollection([Hit(memory=m, score=0.5, why={}) for m in flow], beside=Beside()).prompt(400)
    assert block.count(LONG_TEXT[:24]) <= len(looked_at) <= block.count(LONG_TEXT[:24]) + 2


def test_no_line_is_counted_twice() -> None:
    counted: list[str] = []
    recollection(turns(*[f"{n} {LONG_TEXT}" for n in range(30)]), *range(30)).prompt(
        400, count_tokens=lambda text: counted.append(text) or len(text.split())
    )
    assert len(counted) == len(set(counted))
