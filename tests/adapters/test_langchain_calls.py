"""Calls of a model with memory: what it is shown, answers that are given again, tools and schemas."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from memkit_adapters.langchain import MemkitChatMessageHistory, PostThinking, WithMemory, with_memory
from pydantic import BaseModel, Field

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import InputError
from memkit.testing import FrozenClock

TALK = {"configurable": {"session_id": "talk", "speaker": "Ana"}}
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Scripted(BaseChatModel):
    """A chat model that answers from a script, and notes what it was asked and with what it was bound."""

    script: list[AIMessage]
    prompts: list[list[BaseMessage]] = Field(default_factory=list)
    bound: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        self.prompts.append(messages)
        self.bound.append(kwargs | ({"stop": stop} if stop else {}))
        return ChatResult(generations=[ChatGeneration(message=self.script[len(self.prompts) - 1])])

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(tools=[getattr(given, "name", given) for given in tools], **kwargs)


def scripted(*answers: str | AIMessage) -> Scripted:
    return Scripted(script=[AIMessage(answer) if isinstance(answer, str) else answer for answer in answers])


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOON)


@pytest.fixture
def bank(clock: FrozenClock) -> Iterator[memkit.MemoryBank]:
    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock) as store:
        yield store.bank("acme", "ana")


def shown(model: Scripted, call: int = -1) -> str:
    return "\n".join(str(message.text) for message in model.prompts[call])


def texts(bank: memkit.MemoryBank, session: str | None = "talk") -> list[str]:
    return [turn.text for turn in bank.session(session)]


def taken_back(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(states=("forgotten",))]


# what the call holds is left out of the block


def test_a_turn_stands_before_the_model_once(bank: memkit.MemoryBank) -> None:
    model = scripted("Noted.", "In the drawer.")
    chat = with_memory(model, bank)
    told = HumanMessage("The garden shears lie in the drawer of the green cupboard.")
    chat.invoke([told], TALK)
    chat.invoke([told, AIMessage("Noted."), HumanMessage("Where do the garden shears lie?")], TALK)
    assert shown(model).count("green cupboard") == 1
    assert shown(model).count("Where do the garden shears lie?") == 1


def test_what_the_call_does_not_hold_is_recalled(bank: memkit.MemoryBank) -> None:
    model = scripted("Noted.", "In the drawer.")
    chat = with_memory(model, bank)
    chat.invoke("The garden shears lie in the drawer of the green cupboard.", TALK)
    chat.invoke("Where do the garden shears lie?", TALK)
    assert "green cupboard" in shown(model)


def test_a_thought_of_what_the_call_holds_is_not_told_again(bank: memkit.MemoryBank) -> None:
    model = scripted("Noted.", "In Lisbon.")
    chat = with_memory(model, bank)
    chat.invoke("I live in Lisbon.", TALK)
    bank.think()
    chat.invoke([HumanMessage("I live in Lisbon."), AIMessage("Noted."), HumanMessage("Where do I live?")], TALK)
    assert shown(model).count("Lisbon") == 1


def test_messages_of_blocks_are_known_again_too(bank: memkit.MemoryBank) -> None:
    model = scripted("Lovely.", "A kite.")
    chat = with_memory(model, bank)
    picture = HumanMessage(
        [{"type": "text", "text": "Look!"}, {"type": "image", "url": "https://example.org/k.png", "alt": "a red kite"}]
    )
    chat.invoke([picture], TALK)
    assert bank.session("talk")[0].text == "Look!\n[image: a red kite]"
    chat.invoke([picture, AIMessage("Lovely."), HumanMessage("What red thing was in the image?")], TALK)
    assert [message.type for message in model.prompts[-1]] == ["human", "ai", "human"]


# an answer that is given again


def test_an_answer_to_the_same_message_takes_the_place_of_the_one_before(bank: memkit.MemoryBank) -> None:
    model = scripted("A curry with lentils.", "A risotto with lemon.")
    chat = with_memory(model, bank)
    for _ in range(2):
        chat.invoke("What can I cook tonight?", TALK)
    assert texts(bank) == ["What can I cook tonight?", "A risotto with lemon."]
    assert "curry" not in str(bank.window(500, session="talk"))
    assert "curry" not in bank.recall("cook a curry with lentils", min_score=0).prompt(500)
    assert taken_back(bank) == ["A curry with lentils."]
    assert "curry" not in shown(model)  # the discarded answer is no help to the next one


async def test_the_awaited_call_does_the_same(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("A curry.", "A risotto."), bank)
    for _ in range(2):
        await chat.ainvoke([HumanMessage("What can I cook tonight?")], TALK)
    assert texts(bank) == ["What can I cook tonight?", "A risotto."]


def test_a_stream_does_the_same_and_asks_for_a_third_answer(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("A curry.", "A risotto.", "A salad."), bank)
    for _ in range(3):
        assert list(chat.stream("What can I cook tonight?", TALK))
    assert texts(bank) == ["What can I cook tonight?", "A salad."]


def test_regenerating_within_a_longer_talk_changes_its_last_answer_alone(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("Hello!", "Lentils.", "Figs."), bank)
    chat.invoke([HumanMessage("Hi there")], TALK)
    talk = [HumanMessage("Hi there"), AIMessage("Hello!"), HumanMessage("What is in season?")]
    chat.invoke(talk, TALK)
    chat.invoke(talk, TALK)
    assert texts(bank) == ["Hi there", "Hello!", "What is in season?", "Figs."]


def test_ids_decide_where_both_messages_have_one(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("One.", "Two.", "Three."), bank)
    for id in ("m1", "m1", "m2"):
        chat.invoke([HumanMessage("Next", id=id)], TALK)
    assert texts(bank) == ["Next", "Two.", "Next", "Three."]


def test_the_same_words_said_again_after_the_answer_are_no_regeneration(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("One.", "Two.", "Two and a half."), bank)
    talk: list[BaseMessage] = [HumanMessage("Next")]
    for answer in ("One.", "Two."):
        chat.invoke(talk, TALK)
        talk += [AIMessage(answer), HumanMessage("Next")]
    assert texts(bank) == ["Next", "One.", "Next", "Two."]
    chat.invoke(talk[:3], TALK)  # the second answer again
    assert texts(bank) == ["Next", "One.", "Next", "Two and a half."]


def test_the_same_answer_to_another_question_stays(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("Yes, of course.", "Yes, of course."), bank)
    chat.invoke("Are figs ripe in August?", TALK)
    chat.invoke("Are plums ripe in August?", TALK)
    assert texts(bank).count("Yes, of course.") == 2
    assert taken_back(bank) == []


def test_the_same_answer_again_changes_nothing(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("Yes, of course.", "Yes, of course."), bank)
    for _ in range(2):
        chat.invoke("Are figs ripe in August?", TALK)
    assert texts(bank) == ["Are figs ripe in August?", "Yes, of course."]


def test_the_same_question_in_another_session_is_another(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("A curry.", "A risotto."), bank)
    for session in ("one", "two"):
        chat.invoke("What can I cook tonight?", {"configurable": {"session_id": session}})
    assert (texts(bank, "one")[1], texts(bank, "two")[1]) == ("A curry.", "A risotto.")


def test_without_a_session_the_same_question_is_another_once_the_sitting_is_over(
    bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    chat = with_memory(scripted("Rain.", "Hail.", "Sun."), bank)
    chat.invoke("What will the weather be?")
    chat.invoke("What will the weather be?")
    assert taken_back(bank) == ["Rain."]
    clock.advance(timedelta(days=1))
    chat.invoke("What will the weather be?")
    assert taken_back(bank) == ["Rain."]
    assert texts(bank, None) == ["What will the weather be?", "Sun."]


def test_a_question_that_failed_is_not_stored_twice(bank: memkit.MemoryBank) -> None:
    model = scripted("Here.")

    def fail(_: Any) -> AIMessage:
        raise RuntimeError("no model")

    with pytest.raises(RuntimeError):
        with_memory(RunnableLambda(fail), bank).invoke("Are you there?", TALK)
    with_memory(model, bank).invoke("Are you there?", TALK)
    assert texts(bank) == ["Are you there?", "Here."]


def test_a_loop_of_tools_is_no_regeneration_and_is_taken_back_as_a_whole(bank: memkit.MemoryBank) -> None:
    call = {"name": "weather", "args": {"city": "Porto"}, "id": "c1", "type": "tool_call"}
    using = AIMessage("", tool_calls=[call])
    chat = with_memory(scripted(using, "It will rain.", "Take an umbrella."), bank)
    talk: list[BaseMessage] = [HumanMessage("Will it rain in Porto?")]
    chat.invoke(talk, TALK)
    chat.invoke([*talk, using, ToolMessage("8 mm", tool_call_id="c1", name="weather")], TALK)
    assert texts(bank) == ["Will it rain in Porto?", "", "8 mm", "It will rain."]
    assert taken_back(bank) == []
    chat.invoke(talk, TALK)
    assert texts(bank) == ["Will it rain in Porto?", "Take an umbrella."]


def test_several_answers_in_a_row_all_stay(bank: memkit.MemoryBank) -> None:
    history = MemkitChatMessageHistory(bank, "talk")
    history.add_messages([HumanMessage("Tell me more."), AIMessage("First."), AIMessage("Second.")])
    history.add_messages([AIMessage("Third.")])
    assert [message.text for message in history.messages] == ["Tell me more.", "First.", "Second.", "Third."]


def test_the_updater_takes_an_answer_that_is_given_again_in_the_same_way(bank: memkit.MemoryBank) -> None:
    think = PostThinking(bank, session="talk")
    for answer in ("How nice!", "What a lovely town!"):
        think.invoke({"input": "I moved to Lisbon in May 2024.", "output": answer})
    assert texts(bank) == ["I moved to Lisbon in May 2024.", "What a lovely town!"]


# messages that come back from a history


def test_a_history_gives_messages_back_with_what_they_had(bank: memkit.MemoryBank) -> None:
    url = {"type": "image_url", "image_url": {"url": "https://example.org/k.png"}}
    data = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9000}}
    call = {"name": "weather", "args": {"city": "Porto"}, "id": "c1", "type": "tool_call"}
    history = MemkitChatMessageHistory(bank, "talk")
    history.add_messages(
        [
            HumanMessage([{"type": "text", "text": "Look!"}, url], id="h1", name="Ana"),
            HumanMessage([{"type": "text", "text": "And this!"}, data], id="h2"),
            AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"text": "One moment."}], tool_calls=[call], id="a1"),
            ToolMessage("no such city", tool_call_id="c1", status="error", name="weather", id="t1"),
        ]
    )
    first, second, answer, result = history.messages
    assert (first.content, first.id, first.name) == ([{"type": "text", "text": "Look!"}, url], "h1", "Ana")
    assert (second.content, second.id) == ("And this!", "h2")
    assert isinstance(answer, AIMessage)
    assert (answer.content, answer.tool_calls[0]["args"], answer.id) == ("One moment.", {"city": "Porto"}, "a1")
    assert isinstance(result, ToolMessage)
    assert (result.status, result.name, result.tool_call_id, result.id) == ("error", "weather", "c1", "t1")


def test_a_message_whose_id_comes_again_with_other_words_is_not_lost(bank: memkit.MemoryBank) -> None:
    MemkitChatMessageHistory(bank, "talk").add_messages([AIMessage("one", id="x"), AIMessage("two", id="x")])
    assert texts(bank) == ["one", "two"]


async def test_a_history_is_read_beside_the_event_loop(bank: memkit.MemoryBank) -> None:
    history = MemkitChatMessageHistory(bank, "talk")
    await history.aadd_messages([HumanMessage("hello")])
    assert [message.text for message in await history.aget_messages()] == ["hello"]


# a name that becomes known


NAMELESS = {"configurable": {"session_id": "talk"}}


def test_who_had_no_name_yet_stays_one_person_once_the_call_says_it(bank: memkit.MemoryBank) -> None:
    model = scripted("Noted.", "Noted, too.", "Porto.")
    chat = with_memory(model, bank)
    chat.invoke("I live in Lisbon.", NAMELESS)
    bank.think()
    chat.invoke("I live in Porto.", TALK)
    bank.think()
    assert {turn.speaker for turn in bank.list(kinds=["turn"]) if turn.role == "user"} == {"Ana"}
    assert [thought.text for thought in bank.list(kinds=["thought"])] == ["Ana lives in Porto."]


async def test_the_awaited_call_and_the_updater_learn_the_name_as_well(bank: memkit.MemoryBank) -> None:
    await with_memory(scripted("Noted."), bank).ainvoke("I live in Lisbon.", NAMELESS)
    await with_memory(scripted("Oh."), bank).ainvoke("I am 40 years old.", TALK)
    await PostThinking(bank).ainvoke({"input": "I like figs.", "output": "Good."}, TALK)
    assert {turn.speaker for turn in bank.list(kinds=["turn"]) if turn.role == "user"} == {"Ana"}


def test_a_question_that_is_answered_again_under_the_name_is_the_same(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("A curry.", "A risotto."), bank)
    chat.invoke("What can I cook tonight?", NAMELESS)
    chat.invoke("What can I cook tonight?", TALK)
    assert texts(bank) == ["What can I cook tonight?", "A risotto."]


def test_two_people_with_names_stay_two(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted("Hello, Ana.", "Hello, Bo."), bank)
    for name in ("Ana", "Bo"):
        chat.invoke(f"Hello, I am {name}.", {"configurable": {"session_id": "talk", "speaker": name}})
    assert [turn.speaker for turn in bank.session("talk")] == ["Ana", "assistant", "Bo", "assistant"]


# tools and schemas


@tool
def weather(city: str) -> str:
    """Weather of a city."""
    return "rain"


class Dish(BaseModel):
    """A dish."""

    name: str


DISH_CALL = AIMessage("", tool_calls=[{"name": "Dish", "args": {"name": "risotto"}, "id": "c1", "type": "tool_call"}])
BOUND: list[tuple[str, Callable[[WithMemory], Any], dict[str, Any]]] = [
    ("tools", lambda chat: chat.bind_tools([weather]), {"tools": ["weather"]}),
    ("tools, bound again", lambda chat: chat.bind_tools([]).bind_tools([weather]), {"tools": ["weather"]}),
    ("a stop", lambda chat: chat.bind(stop=["."]), {"stop": ["."]}),
    ("a stop, then tools", lambda chat: chat.bind(stop=["."]).bind_tools([weather]), {"tools": ["weather"]}),
    ("a config", lambda chat: chat.with_config(tags=["x"]), {}),
    ("retries", lambda chat: chat.with_retry(), {}),
    ("fallbacks", lambda chat: chat.with_fallbacks([RunnableLambda(str)]), {}),
]


@pytest.mark.parametrize(("case", "bind", "bound"), BOUND, ids=[case for case, *_ in BOUND])
def test_a_model_with_memory_is_bound_as_the_model_itself(
    bank: memkit.MemoryBank, case: str, bind: Callable[[WithMemory], Any], bound: dict[str, Any]
) -> None:
    model = scripted("Rain.")
    answer = bind(with_memory(model, bank)).invoke("Will it rain?", TALK)
    assert answer.content == "Rain."
    assert bound.items() <= model.bound[0].items()
    assert texts(bank) == ["Will it rain?", "Rain."]


@pytest.mark.parametrize("include_raw", [False, True])
def test_a_schemas_answer_is_given_parsed_and_kept_as_the_message_that_it_was(
    bank: memkit.MemoryBank, include_raw: bool
) -> None:
    chat = with_memory(scripted(DISH_CALL), bank).with_structured_output(Dish, include_raw=include_raw)
    answer = chat.invoke("What can I cook tonight?", TALK)
    assert (answer["parsed"] if include_raw else answer) == Dish(name="risotto")
    kept = bank.session("talk")[-1]
    assert (kept.role, kept.text, kept.metadata["tool_calls"][0]["args"]) == ("assistant", "", {"name": "risotto"})


async def test_a_schemas_answer_is_streamed_whole_and_awaited(bank: memkit.MemoryBank) -> None:
    chat = with_memory(scripted(DISH_CALL, DISH_CALL, DISH_CALL), bank).with_structured_output(Dish)
    assert list(chat.stream("What can I cook?", TALK)) == [Dish(name="risotto")]
    assert [part async for part in chat.astream("And tomorrow?", TALK)] == [Dish(name="risotto")]
    assert await chat.ainvoke("And on Friday?", TALK) == Dish(name="risotto")
    assert len(bank.session("talk")) == 6


def test_an_answer_that_does_not_fit_its_schema_is_an_error_and_is_kept(bank: memkit.MemoryBank) -> None:
    wrong = AIMessage("", tool_calls=[{"name": "Dish", "args": {"title": 3}, "id": "c1", "type": "tool_call"}])
    with pytest.raises(ValueError, match="name"):
        with_memory(scripted(wrong), bank).with_structured_output(Dish).invoke("What can I cook?", TALK)
    assert len(bank.session("talk")) == 2


def test_what_has_no_tools_says_so(bank: memkit.MemoryBank) -> None:
    with pytest.raises(InputError, match="bind_tools"):
        with_memory(RunnableLambda(lambda messages: AIMessage("ok")), bank).bind_tools([weather])


def test_the_systems_words_come_first_whatever_is_bound(bank: memkit.MemoryBank) -> None:
    model = scripted("Noted.", "A risotto.")
    chat = with_memory(model, bank).bind_tools([weather])
    chat.invoke("I can't eat nuts, nuts make me ill.", TALK)
    chat.invoke([SystemMessage("Be kind."), HumanMessage("Which nuts can't I eat?")], TALK)
    assert [message.type for message in model.prompts[-1]] == ["system", "system", "human"]
    assert "can't eat nuts" in shown(model)
