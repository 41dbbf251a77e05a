"""Questions about what the assistant said are told from questions about anything else."""

import pytest

from memkit.recall.ranking.assistant_questions import asks_assistant


@pytest.mark.parametrize(
    "question",
    [
        "What did you recommend against moths?",
        "Which hotel did you suggest for Porto?",
        "What was the recipe you gave me?",
        "I'm back. How had you worded the letter that you wrote for me?",
        "Have you told me the dose?",
        "Was hast du mir gegen Motten empfohlen?",
        "¿Qué me recomendaste para la tos?",
        "Qu'est-ce que tu as proposé pour le dîner ?",
        "Что ты посоветовал от моли?",
        "你推荐的餐厅叫什么？",
    ],
)
def test_what_is_asked_about_its_words_is_told(question: str) -> None:
    assert asks_assistant(question)


@pytest.mark.parametrize(
    "question",
    [
        "What did Rita recommend against moths?",
        "Where do I live?",
        "Can you suggest a dinner?",
        "You mentioned a podcast. I liked it.",
        "I did what the doctor suggested, and what's next?",
        "Did you know that cats sleep a lot?",
        "Was hat Rita empfohlen?",
    ],
)
def test_what_is_asked_of_others_or_not_at_all_is_not(question: str) -> None:
    assert not asks_assistant(question)
