"""The extractive thinker: what people say of themselves and theirs becomes thoughts; what they don't, doesn't."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memkit.models import Memory
from memkit.operations import Proposal
from memkit.protocols import Task
from memkit.think.extractive.thinker import ExtractiveThinker

WEDNESDAY_EVENING = datetime(2024, 6, 12, 18, tzinfo=UTC)


def turn(
    text: str, *, id: str = "t1", speaker: str = "Ana", role: str | None = None, at: datetime = WEDNESDAY_EVENING
) -> Memory:
    values = {"id": id, "kind": "turn", "text": text, "speaker": speaker, "role": role}
    return Memory.model_validate({**values, "occurred_at": at, "recorded_at": at})


def known_thought(head: str, relation: str, tail: str) -> Memory:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return Memory(
        id="h1", kind="thought", text="known", head=head, relation=relation, tail=tail, occurred_at=at, recorded_at=at
    )


def thought(*turns: Memory | str, thoughts: tuple[Memory, ...] = (), zone: str = "UTC") -> list[Proposal]:
    said = [turn(t, id=f"t{n}") if isinstance(t, str) else t for n, t in enumerate(turns, start=1)]
    return ExtractiveThinker().think(Task(said, thoughts, zone, WEDNESDAY_EVENING))


def texts(*turns: Memory | str) -> list[str]:
    return [proposal.text for proposal in thought(*turns)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("I moved to Lisbon in May 2023.", ["Ana lives in Lisbon (since May 2023)."]),
        ("We went camping in the Alps last weekend", ["Ana went camping in the Alps on the weekend of 8 June 2024."]),
        ("I'm flying to Rome tomorrow!", ["Ana plans to fly to Rome on 13 June 2024."]),
        ("I've finally finished my novel", ["Ana finished their novel."]),
        ("my parents live in Graz", ["Ana's parents live in Graz."]),
        ("My friend Noor got promoted on Monday", ["Ana's friend Noor got promoted on 10 June 2024."]),
    ],
)
def test_a_thought_stands_alone_with_its_speaker_and_its_date(said: str, expected: list[str]) -> None:
    assert texts(said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Remember: I can't eat nuts.", ["Ana can't eat nuts."]),
        ("Please remember that I'm allergic to nuts.", ["Ana is allergic to nuts."]),
        ("Please remember: I live in Porto.", ["Ana lives in Porto."]),
        ("Don't forget: I'm vegan.", ["Ana is vegan."]),
        ("Please note, my sister Rita lives in Graz.", ["Ana's sister Rita lives in Graz."]),
        ("Let me introduce myself: I work at Orbis.", ["Ana works at Orbis."]),
    ],
)
def test_what_somebody_asks_to_be_remembered_is_a_statement_of_theirs(said: str, expected: list[str]) -> None:
    assert texts(said) == expected


@pytest.mark.parametrize(
    "said",
    [
        "Do you live in Lisbon?",
        "If I moved to Rome I'd be happy",
        "I might move to Rome",
        "I was going to move to Rome",
        "My mum says I live in a dream",
        "He told me he lives in Boston",
        'She sings "I live in Paris and I love it" all day',
        "I won the lottery. jk",
        "Sure, I love waiting for hours 🙄",
        "I didn't move to Rome",
        "Pretend I'm a pirate and I live in Tortuga",
        "I dreamed that I lived in Paris",
        "I love it!",
        "I'd like a coffee",
    ],
)
def test_questions_doubts_hearsay_jokes_and_pleasantries_are_no_thoughts(said: str) -> None:
    assert texts(said) == []


@pytest.mark.parametrize(
    ("said", "relation"),
    [
        ("I live in Leeds", "lives in"),
        ("I lived in Leeds back then", "lived in"),
        ("I used to live in Leeds", "lived in"),
        ("I don't live in Leeds", "doesn't live in"),
        ("I don't live in Leeds anymore", "no longer lives in"),
        ("I no longer live in Leeds", "no longer lives in"),
        ("I've lived in Leeds for years", "lives in"),
    ],
)
def test_past_and_present_and_what_is_denied_are_kept_apart(said: str, relation: str) -> None:
    assert [(p.relation, p.tail) for p in thought(said)] == [(relation, "Leeds")]


def test_what_a_picture_shows_is_nobodys_belief_and_what_is_said_with_it_is() -> None:
    assert texts("[image: I live in Rome. I have two dogs]") == []
    assert texts("I live in Porto.\n[image: my house in Rome]") == texts("I live in Porto.")


def test_an_assistants_words_are_nobodys_belief() -> None:
    assert texts(turn("I live in Berlin and I'm allergic to nuts", role="assistant")) == []


def test_a_plain_yes_makes_a_statement_of_an_assistants_question_and_a_no_does_not() -> None:
    asked = turn("Nice to meet you. Do you live in Ghent?", speaker="bot", role="assistant")
    [confirmed] = thought(asked, turn("Yes, since 2018", id="t2"))
    assert (confirmed.head, confirmed.relation, confirmed.tail) == ("Ana", "lives in", "Ghent")
    assert confirmed.source_ids == ("t2",)
    assert confirmed.valid_from == datetime(2018, 1, 1, tzinfo=UTC)
    assert thought(asked, turn("No, why?", id="t2")) == []
    assert thought(turn("You live in Ghent.", speaker="bot", role="assistant"), turn("Yes", id="t2")) == []


@pytest.mark.parametrize(
    ("asked", "said", "expected"),
    [
        ("Nice! Where do you live?", "In Porto.", ["Ana lives in Porto."]),
        ("What's your favourite colour?", "teal", ["Ana's favourite colour is teal."]),
        ("And how old are you?", "34", ["Ana is aged 34."]),
        ("Where do you live?", "why?", []),
        ("Where do you live?", "Not telling", []),
        ("Where did you live?", "Porto", []),
        ("You live in Rome.", "Porto", []),
    ],
)
def test_a_few_words_answer_a_question_about_oneself(asked: str, said: str, expected: list[str]) -> None:
    assert texts(turn(asked, speaker="Bo"), turn(said, id="t2")) == expected


def test_who_was_introduced_by_name_is_known_by_name_from_then_on() -> None:
    [introduced] = thought("My sister Rita lives in Graz")
    assert introduced.extra == {"called": "Rita"}
    rita = known_thought("Ana's sister Rita", "lives in", "Graz").model_copy(update={"metadata": introduced.extra})
    [moved] = thought("Rita moved to Vienna on Monday", thoughts=(rita,))
    assert (moved.head, moved.relation, moved.tail) == ("Ana's sister Rita", "lives in", "Vienna")
    assert (moved.action, moved.ids) == ("supersede", ("h1",))
    assert thought("Rita moved to Vienna on Monday") == []


def test_she_is_who_was_last_spoken_of_in_the_turn_and_nobody_otherwise() -> None:
    [move, job] = thought("My sister Rita moved to Porto. She works at a bank there, she's a nurse")
    assert move.head == "Ana's sister Rita"
    assert (job.head, job.relation) == ("Ana's sister Rita", "works as")
    assert thought("She moved to Porto") == []
    assert [p.head for p in thought("My brother left. She moved to Porto")] == []


def test_of_what_there_is_one_at_a_time_the_new_takes_the_place_of_the_old() -> None:
    [moved] = thought("I moved to Porto on Monday", thoughts=(known_thought("Ana", "lives in", "Lisbon"),))
    assert (moved.action, moved.ids) == ("supersede", ("h1",))
    assert moved.valid_from == datetime(2024, 6, 10, tzinfo=UTC)
    [other] = thought("My brother moved to Porto", thoughts=(known_thought("Ana", "lives in", "Lisbon"),))
    assert other.action == "insert"


def test_of_what_there_may_be_many_the_new_stands_beside_the_old() -> None:
    assert thought("I love rowing", thoughts=(known_thought("Ana", "likes", "chess"),))[0].action == "insert"
    [again] = thought("I love chess", thoughts=(known_thought("Ana", "likes", "chess"),))
    assert (again.action, again.ids, again.source_ids) == ("cite", ("h1",), ("t1",))


def test_what_is_over_closes_what_is_known_of_it_and_nothing_else() -> None:
    [over] = thought("I don't like beer anymore", thoughts=(known_thought("Ana", "likes", "beer"),))
    assert (over.action, over.relation, over.ids) == ("supersede", "no longer likes", ("h1",))
    [apart] = thought("I don't like beer anymore", thoughts=(known_thought("Ana", "likes", "cider"),))
    assert apart.action == "insert"


def test_a_lost_job_closes_the_known_one_and_is_an_event_where_none_is_known() -> None:
    [closed] = thought("I lost my job yesterday", thoughts=(known_thought("Ana", "works at", "Orbis"),))
    assert (closed.action, closed.text) == ("supersede", "Ana no longer works at Orbis on 11 June 2024.")
    [event] = thought("I lost my job yesterday")
    assert (event.action, event.relation, event.tail) == ("insert", "did", "lost their job")


def test_a_relative_day_is_that_of_the_banks_zone() -> None:
    late = datetime(2024, 6, 12, 23, 30, tzinfo=UTC)  # already the 13th in Tallinn
    said = turn("I adopted a greyhound yesterday", at=late)
    starts = {zone: thought(said, zone=zone)[0].valid_from for zone in ("UTC", "Europe/Tallinn")}
    assert starts["UTC"] == datetime(2024, 6, 11, tzinfo=UTC)
    assert starts["Europe/Tallinn"] == datetime(2024, 6, 11, 21, tzinfo=UTC)


def test_a_plan_holds_until_its_day_is_over() -> None:
    [plan] = thought("I'm flying to Oslo on Friday")
    assert (plan.relation, plan.valid_from, plan.valid_until) == ("plans", None, datetime(2024, 6, 15, tzinfo=UTC))


def test_german_is_read_by_its_own_rules_and_a_language_without_rules_by_none() -> None:
    assert texts("Ich bin im März nach Hamburg gezogen") == ["Ana wohnt in Hamburg (seit 03/2024)."]
    assert texts("Meine Schwester Rita mag keinen Kaffee mehr") == ["Anas Schwester Rita mag Kaffee nicht mehr."]
    assert texts("Wenn ich in Rom wohnen würde, wäre ich glücklich") == []
    assert texts("J'habite à Lyon depuis mai et je travaille pour la mairie") == []


def test_a_move_told_in_another_language_still_supersedes() -> None:
    [moved] = thought("Ich wohne jetzt in Berlin", thoughts=(known_thought("Ana", "lives in", "Lisbon"),))
    assert (moved.action, moved.ids) == ("supersede", ("h1",))


@given(st.text(max_size=200), st.text(min_size=1, max_size=20))
@settings(max_examples=200)
def test_any_text_of_any_speaker_is_read_without_an_error_and_rests_on_its_turn(text: str, speaker: str) -> None:
    proposals = thought(turn(text, speaker=speaker))
    assert all(proposal.source_ids == ("t1",) for proposal in proposals)


TEXT_PIECES = (
    "I|my sister|moved to|Lisbon|in May|don't|like|anymore|and|because|if|,|.|?|had a|dog|she|will|tomorrow|{x}|(a)"
)


@given(
    st.lists(st.sampled_from(TEXT_PIECES.split("|")), max_size=14).map(" ".join),
    st.sampled_from(["Ana", "A.(b", "{x}"]),
)
@settings(max_examples=300)
def test_whatever_is_proposed_is_whole(text: str, speaker: str) -> None:
    for proposal in thought(turn(text, speaker=speaker)):
        assert proposal.action in ("insert", "supersede")
        assert proposal.head
        assert proposal.relation
        assert proposal.tail
        assert proposal.text.startswith(proposal.head)
        assert proposal.text.endswith(".")
