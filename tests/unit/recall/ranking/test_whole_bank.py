"""Questions about the whole bank are told from all others by their form, and their topic is what is left."""

from pathlib import Path

import pytest

from memkit.evaluation.formats.files import read_conversations
from memkit.evaluation.texts import CONVERSATIONS_FOLDER
from memkit.recall.ranking.whole_bank import whole_bank_question

SETS = Path(__file__).parents[3] / "data" / "conversations"
TAKEN = {  # of all questions of the project's conversations; both do ask for all there is
    "What are all the distances Ines ran while training?",
    "In what order did the various people and firms look after Mum this year, and when did each change happen?",
}


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Summarise what we did about the garden fence.", "what we did about the garden fence."),
        ("Can you please summarize what Lena told me about Oslo?", "what Lena told me about Oslo?"),
        ("In which order did I visit the three museums?", "I visit the three museums?"),
        ("List all the plants that I bought.", "all the plants that I bought."),
        ("What are all the places where we camped?", "all the places where we camped?"),
        ("Hi, could you give me a short overview of the kitchen works?", "the kitchen works?"),
        ("Draw up a timeline of the lawsuit.", "the lawsuit."),
        ("Tell me everything about Rui's knee.", "everything about Rui's knee."),
        ("Walk me through my job search.", "my job search."),
        ("Which boats did I rent? Name them all.", "Which boats did I rent? ."),
        ("How did the flat hunt go, chronologically?", "How did the flat hunt go, ?"),
        ("Fasse bitte zusammen, was wir über den Zaun gesagt haben.", ", was wir über den Zaun gesagt haben."),
        ("In welcher Reihenfolge habe ich die Museen besucht?", "ich die Museen besucht?"),
        ("Kannst du mir auflisten, welche Pflanzen ich gekauft habe?", ", welche Pflanzen ich gekauft habe?"),
        ("Nenne mir alle Orte, an denen wir gezeltet haben.", "alle Orte, an denen wir gezeltet haben."),
        ("¿En qué orden visité los museos?", "visité los museos?"),
        ("Dans quel ordre ai-je visité les musées ?", "ai-je visité les musées ?"),
        ("Riassumi quello che ho detto del giardino.", "quello che ho detto del giardino."),
        ("Em que ordem visitei os museus?", "visitei os museus?"),
        ("In welke volgorde bezocht ik de musea?", "bezocht ik de musea?"),
        ("Перечисли все растения, которые я купил.", "все растения, которые я купил."),
        ("总结一下我们说过的关于花园的事", "我们说过的关于花园的事"),
        ("列出所有我买过的植物", "所有我买过的植物"),
    ],
)
def test_a_form_at_the_beginning_of_a_sentence_asks_for_all_there_is(text: str, topic: str) -> None:
    found = whole_bank_question(text)
    assert found is not None
    assert found.topic == topic


@pytest.mark.parametrize(
    "text",
    [
        "Where is my shopping list?",
        "I summarised the minutes yesterday.",
        "Who gave the order to paint it?",
        "Summarise this text: rain is expected.",
        "Walk me through how to bleed a radiator.",
        "Name the book that Lena lent me.",
        "What did all of them say?",
        "All the tomatoes are ripe.",
        "My boss wants a summary of the year. It is due on Friday. Summarise the sales for me.",
        "Wo ist meine Liste?",
        "Ich habe alles zusammengefasst.",
        "",
    ],
)
def test_other_messages_do_not(text: str) -> None:
    assert whole_bank_question(text) is None


@pytest.mark.parametrize(
    ("text", "addressed"), [("List all the books you suggested.", True), ("List all my books.", False)]
)
def test_what_the_assistant_did_is_told_from_what_people_told(text: str, *, addressed: bool) -> None:
    found = whole_bank_question(text)
    assert found is not None
    assert found.addressed is addressed


def test_ordinary_questions_of_all_sets_are_not_taken_for_such() -> None:
    files = [*CONVERSATIONS_FOLDER.glob("*conversation.jsonl"), *SETS.glob("*-conversation.jsonl")]
    asked = [question for file in files for question in read_conversations(file)[1][0].questions]
    assert len(asked) > 400
    assert {question.text for question in asked if whole_bank_question(question.text)} <= TAKEN
