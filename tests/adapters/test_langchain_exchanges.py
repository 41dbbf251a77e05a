"""The last exchange of an agent's messages: what is observed of it, in a thread and without one."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from memkit_adapters.langchain.exchanges import AgentExchange, ExchangeMessages

import memkit
from memkit.encoders.hashing import HashingEncoder

ASKED = HumanMessage("Can I eat nuts?", id="m3")
EARLIER = [HumanMessage("hello", id="m1"), AIMessage("Hi.", id="m2")]
CALL: Any = {"name": "look_up", "args": {}, "id": "c"}
ANSWER = [
    AIMessage("", id="m4", tool_calls=[CALL]),
    ToolMessage("no", tool_call_id="c", name="look_up", id="m5"),
    AIMessage("Rather not.", id="m6"),
]


@pytest.fixture
def bank() -> Any:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        yield store.bank("ana")


def exchange(bank: memkit.MemoryBank, *messages: BaseMessage, thread: str | None = None) -> AgentExchange:
    return AgentExchange(bank, ExchangeMessages.of(messages), {}, thread=thread, session=None)


def texts(bank: memkit.MemoryBank) -> list[str]:
    return [memory.text for memory in bank.list(kinds=["turn"])]


def test_the_last_exchange_begins_with_all_that_people_said_since_the_last_answer() -> None:
    more = HumanMessage("And eggs?", id="m7")
    assert ExchangeMessages.of([*EARLIER, ASKED, more, *ANSWER]) == (EARLIER[1:], [ASKED, more], ANSWER)
    assert ExchangeMessages.of([ASKED]) == ([], [ASKED], [])
    assert ExchangeMessages.of(EARLIER[1:]) == ([], [], [])


@pytest.mark.parametrize(
    "message",
    [
        SystemMessage("Be kind."),
        HumanMessage("Ana said a lot.", additional_kwargs={"lc_source": "summarization"}),
        ToolMessage("Ana can't eat nuts.", tool_call_id="c", name="search_memory"),
    ],
)
def test_instructions_summaries_and_what_was_recalled_are_no_part_of_it(message: BaseMessage) -> None:
    assert ExchangeMessages.of([message, ASKED, message, *ANSWER]) == ([], [ASKED], ANSWER)


def test_in_a_thread_ids_make_it_once_however_often_it_comes(bank: memkit.MemoryBank) -> None:
    for _ in range(2):
        exchange(bank, *EARLIER, ASKED, thread="t").observe_question()
        exchange(bank, *EARLIER, ASKED, *ANSWER, thread="t").observe_whole()
    assert texts(bank) == ["Can I eat nuts?", "", "no", "Rather not."]
    exchange(bank, *EARLIER, ASKED, *ANSWER, thread="other").observe_whole()
    assert len(texts(bank)) == 8


def test_another_answer_in_a_thread_takes_the_place_of_the_one_before(bank: memkit.MemoryBank) -> None:
    exchange(bank, ASKED, *ANSWER, thread="t").observe_whole()
    exchange(bank, ASKED, AIMessage("Yes.", id="m9"), thread="t").observe_whole()
    assert texts(bank) == ["Can I eat nuts?", "Yes."]


def test_without_a_thread_words_tell_what_was_asked_before(bank: memkit.MemoryBank) -> None:
    exchange(bank, ASKED).observe_question()
    exchange(bank, HumanMessage("Can I eat nuts?", id="another"), *ANSWER).observe_whole()
    exchange(bank, HumanMessage("Can I eat nuts?", id="a third"), AIMessage("Yes.", id="m9")).observe_whole()
    assert texts(bank) == ["Can I eat nuts?", "Yes."]


def test_what_could_not_be_observed_at_first_is_observed_with_its_answer(bank: memkit.MemoryBank) -> None:
    exchange(bank, ASKED, *ANSWER).observe_whole()
    assert texts(bank) == ["Can I eat nuts?", "", "no", "Rather not."]
