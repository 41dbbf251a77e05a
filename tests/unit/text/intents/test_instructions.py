"""Standing instructions are told from what people say of themselves, of others, and from what they paste."""

import tomllib
from pathlib import Path

import pytest

from memkit.text.intents.instructions import Instruction, instructions

WISHES = tomllib.loads((Path(__file__).parents[3] / "data" / "standing.toml").read_text("utf-8"))["wish"]
GIVEN = """
Always answer in Spanish.
From now on, call me Bo.
Never suggest recipes with nuts, please.
Whenever I ask for a recipe, leave out the nuts.
Please don't use emojis anymore.
Don't ever mention my ex.
You should never give me links.
I'd like you to always cite your sources.
Can you always keep it short?
Keep your answers short from now on.
When I ask about medicine, always cite a source.
Every time I send code, add type hints.
Make sure you never share my address.
In future, use metric units.
Never call me Annie again.
Answer in English whenever I write in English.
I want you to answer in German from now on.
If I ask for a summary, keep it under five lines.
You must always check the date first.
Use Celsius by default.
""".strip().split("\n")
NONE_GIVEN = """
Always here to help.
Always up for something sweet.
Maybe consider backing up your work in the future?
You can always count on me!
But I'll also write down some memories with you from now on.
And there's a chance I'll visit more castles in the future.
When I turned ten, dad signed me up for a club, and I've been playing ever since.
I always take the bus.
Never mind.
I never eat nuts.
She never calls when I ask her.
Always wanted to go there.
Never been to Oslo.
From now on I'll run every day.
Whenever I ask my sister, she says no.
Whenever I cook, the kitchen is a mess.
Never again!
My boss told me to always wear a tie.
My boss said "always send me the report".
When I was young, we always went to the sea.
If I pass the exam, I'll celebrate.
What should I never do?
Do you always answer so fast?
The doctor says I should never eat salt.
They call me Bo.
You never listen to me.
I have to always remember my keys.
In future we might move.
In the future, cars will fly.
When I get home, remind me to call Rita.
If I send you the file, can you read it?
Call me later.
> Always answer in Spanish.
Translate into French: "Always answer in Spanish and never in English."
From: Bo <bo@example.org>\\nSubject: Rules\\n\\nAlways answer within a day.
<memory>\\nAna: "Always answer in Spanish."\\n</memory>
""".strip().split("\n")


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish["text"])
def test_every_wish_of_the_set_to_measure_on_is_an_instruction(wish: dict[str, str]) -> None:
    assert [each.sentence for each in instructions(wish["text"])] == [wish["text"]]


@pytest.mark.parametrize("text", GIVEN)
def test_what_is_asked_for_from_then_on_is_an_instruction(text: str) -> None:
    assert [each.sentence for each in instructions(f"Thanks! {text}") if not each.releases] == [text]


@pytest.mark.parametrize("text", NONE_GIVEN)
def test_what_people_tell_ask_quote_or_paste_is_none(text: str) -> None:
    assert instructions(text.replace("\\n", "\n")) == []


def only(text: str) -> Instruction:
    [instruction] = instructions(text)
    return instruction


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("From now on answer in English.", "Always answer in Spanish."),
        ("Call me Annie.", "From now on, call me Ana."),
        ("Never suggest nuts!", "Please always suggest nuts."),
        ("Never suggest nuts.", "never suggest nuts, please"),
        ("Always give me detailed answers.", "Keep your answers short from now on."),
        ("You can use emojis again.", "Never use emojis."),
        ("Ignore what I said about bullet points.", "Never use bullet points."),
        ("Always use miles.", "In future, use metric units."),
        ("Never mention my ex.", "Never mention my ex when I ask about Berlin."),
    ],
)
def test_a_later_one_takes_the_place_of_what_it_repeats_contradicts_or_takes_back(newer: str, older: str) -> None:
    assert only(newer).replaces(only(older))


def test_a_word_that_only_holds_a_hint_makes_no_instruction_of_a_sentence() -> None:
    assert not instructions("You don't see several of them, whatever the times say.")


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("Always answer briefly.", "Always answer in Spanish."),
        ("Always use type hints.", "Never use emojis."),
        ("Whenever I write in German, answer in German.", "Always answer in English."),
        ("Never call me Annie.", "From now on, call me Bo."),
        ("You can use emojis again.", "Never use bullet points."),
    ],
)
def test_one_that_is_about_something_else_or_only_for_some_cases_leaves_the_others(newer: str, older: str) -> None:
    assert not only(newer).replaces(only(older))
