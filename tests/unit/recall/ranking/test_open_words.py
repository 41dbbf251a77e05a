"""Questions that ask for whatever was said or done in a time, or in the whole bank, in every language that is told."""

from datetime import UTC, datetime

import pytest

from memkit.recall.ranking.cues import Cues, read_cues
from memkit.recall.ranking.whole_bank import whole_bank_question

ASKED_AT = datetime(2026, 3, 18, 15, tzinfo=UTC)  # a Wednesday


def cues_of(question: str) -> Cues:
    return read_cues(question, {}, ASKED_AT, "UTC", lambda word: False)


@pytest.mark.parametrize(
    "question",
    [
        "What did we talk about yesterday?",
        "¿Qué hicimos ayer?",
        "¿De qué hablamos la semana pasada?",
        "Was habe ich vorgestern gemacht?",
        "Was war am Dienstag?",
        "Was war am 5. Oktober?",
        "Was haben wir gestern besprochen?",
        "Qu'est-ce que j'ai fait hier ?",
        "Que s'est-il passé mardi ?",
        "O que fizemos ontem?",
        "Che cosa ho fatto ieri?",
        "Wat heb ik gisteren gedaan?",
        "Vad gjorde jag igår?",
        "Hvad lavede jeg i går?",
        "Hva gjorde jeg i går?",
        "Mitä tein eilen?",
        "Dün ne yaptım?",
        "Salı günü ne yaptık?",
        "Co robiłam wczoraj?",
        "Co jsem dělal včera?",
        "Ce am făcut ieri?",
        "Miről beszéltünk tegnap?",
        "Què vam fer ahir?",
        "Apa yang saya lakukan kemarin?",
        "Что я рассказывала вчера?",
        "Что я делала вчера?",
        "Τι έκανα χθες;",
        "कल क्या हुआ?",
        "ماذا حدث أمس؟",
        "ماذا حدث يوم الثلاثاء؟",
        "عم تحدثنا الأسبوع الماضي؟",
        "昨天发生了什么？",
        "上周我们聊了什么？",
        "昨日何がありましたか？",
        "先週、私たちは何を話しましたか？",
        "어제 무슨 일이 있었어?",
        "지난주에 우리 무슨 얘기 했어?",
        "เมื่อวานฉันทำอะไร",
    ],
)
def test_a_question_without_content_besides_its_time_is_open(question: str) -> None:
    cues = cues_of(question)
    assert cues.span is not None
    assert cues.is_open


@pytest.mark.parametrize(
    "question",
    [
        "¿Qué llaves perdí ayer?",
        "Was habe ich gestern gekauft?",
        "Was war am Dienstag mit dem Auto?",
        "Какие ключи я потеряла вчера?",
        "أي مفاتيح أضعت أمس؟",
        "昨天我弄丢了哪把钥匙？",
        "昨天我吃了什么？",
        "昨日何を食べましたか？",
        "昨日はとがいましたか？",  # a pigeon
        "어제 뭐 먹었어?",
    ],
)
def test_a_word_with_content_makes_it_a_question_about_that(question: str) -> None:
    cues = cues_of(question)
    assert cues.span is not None
    assert not cues.is_open


@pytest.mark.parametrize(
    "question",
    [
        "Summarise everything I told you.",
        "Fasse alles zusammen.",
        "Fasse alles zusammen, was ich erzählt habe.",
        "Gib mir eine Zusammenfassung von allem.",
        "Resume todo lo que te conté.",
        "Haz un resumen de todo.",
        "Résume tout.",
        "Fais un résumé de tout.",
        "Riassumi tutto.",
        "Fammi un riassunto di tutto.",
        "Faz um resumo de tudo.",
        "Vat alles samen wat ik heb verteld.",
        "Vat alles samen.",
        "Подведи итог всему.",
        "Подведи итог всему, что я рассказывала.",
        "Подытожь всё.",
        "总结一下我说过的所有事。",
        "列出所有事情。",
        "全部まとめてください。",
        "私が話したことを全部まとめて。",
    ],
)
def test_everything_is_no_topic_of_a_question_about_the_whole_bank(question: str) -> None:
    whole = whole_bank_question(question)
    assert whole is not None
    assert cues_of(whole.topic).is_open


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Fais un résumé du voyage.", "du voyage."),
        ("Dame un resumen de la mudanza.", "la mudanza."),
        ("Fammi un riassunto del viaggio.", "del viaggio."),
        ("Faz um resumo da mudança.", "da mudança."),
        ("Fasse den Umzug zusammen.", "den Umzug."),
        ("总结一下旅行。", "旅行。"),
    ],
)
def test_what_else_is_asked_about_is_its_topic(question: str, topic: str) -> None:
    whole = whole_bank_question(question)
    assert whole is not None
    assert whole.topic == topic
    assert not cues_of(whole.topic).is_open
