"""Times told in other languages than English, as intervals of whole days."""

from datetime import UTC, datetime, timedelta

import pytest

from memkit.text.terms.language import common_words
from memkit.text.times.dates import first_mentioned_time
from memkit.text.times.other_languages import time_words, times_in

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)  # a Wednesday
YESTERDAY, LAST_WEEK, LAST_MONTH = ("2026-03-17", 1), ("2026-03-09", 7), ("2026-02-01", 28)
THREE_DAYS_AGO, LAST_MONDAY = ("2026-03-15", 1), ("2026-03-16", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("¿Qué hice ayer?", YESTERDAY),
        ("¿Qué pasó la semana pasada?", LAST_WEEK),
        ("¿Qué compré el mes pasado?", LAST_MONTH),
        ("¿Qué compré hace tres días?", THREE_DAYS_AGO),
        ("¿Adónde fui el lunes pasado?", LAST_MONDAY),
        ("¿Qué hicimos en febrero?", LAST_MONTH),
        ("¿Qué pasó el 5 de febrero de 2025?", ("2025-02-05", 1)),
        ("Was haben wir letzte Woche gemacht?", LAST_WEEK),
        ("Was geschah im letzten Monat?", LAST_MONTH),
        ("Wo war Ana letzten Montag?", LAST_MONDAY),
        ("Was habe ich vor drei Tagen gekauft?", THREE_DAYS_AGO),
        ("Was hat Ana vorgestern gesagt?", ("2026-03-16", 1)),
        ("Wo war ich am 5. Februar 2025?", ("2025-02-05", 1)),
        ("Qu'est-ce que j'ai fait hier ?", YESTERDAY),
        ("Où étais-je la semaine dernière ?", LAST_WEEK),
        ("Et lundi dernier, où étions-nous ?", LAST_MONDAY),
        ("Qu'as-tu dit il y a trois jours ?", THREE_DAYS_AGO),
        ("O que fiz ontem?", YESTERDAY),
        ("O que aconteceu na semana passada?", LAST_WEEK),
        ("O que comprei há três dias?", THREE_DAYS_AGO),
        ("Che cosa ho fatto ieri?", YESTERDAY),
        ("Dove sono andato la settimana scorsa?", LAST_WEEK),
        ("Cosa è successo tre giorni fa?", THREE_DAYS_AGO),
        ("Wat deed ik gisteren?", YESTERDAY),
        ("Waar was ik vorige week?", LAST_WEEK),
        ("Waar was ik vorige maandag?", LAST_MONDAY),
        ("Wat heb ik drie dagen geleden gekocht?", THREE_DAYS_AGO),
        ("Vad gjorde jag igår?", YESTERDAY),
        ("Var var jag förra veckan?", LAST_WEEK),
        ("Dün ne yaptım?", YESTERDAY),
        ("Geçen hafta neredeydim?", LAST_WEEK),
        ("Üç gün önce ne aldım?", THREE_DAYS_AGO),
        ("Co było w zeszłym tygodniu?", LAST_WEEK),
        ("Mitä tein viime viikolla?", LAST_WEEK),
        ("Что было в прошлом месяце?", LAST_MONTH),
        ("Где я была на прошлой неделе?", LAST_WEEK),
        ("Что было в прошлый понедельник?", LAST_MONDAY),
        ("Куда мы ездили в феврале?", LAST_MONTH),
        ("上周我做了什么？", LAST_WEEK),
        ("昨天我去了哪里？", YESTERDAY),
        ("3天前我买了什么？", THREE_DAYS_AGO),
        ("2025年2月5日我做了什么？", ("2025-02-05", 1)),
        ("先週何をした？", LAST_WEEK),
        ("지난주에 뭐 했어?", LAST_WEEK),
        ("ماذا فعلت أمس؟", YESTERDAY),
        ("Τι έκανα χθες;", YESTERDAY),
    ],
)
def test_a_time_in_the_texts_own_language_is_read(text: str, expected: tuple[str, int]) -> None:
    time = first_mentioned_time(text, NOW, "UTC")
    assert time is not None
    day, days = expected
    assert (time.start, time.end - time.start) == (datetime.fromisoformat(f"{day}T00:00+00:00"), timedelta(days=days))
    assert text[slice(*time.at)] == time.words


@pytest.mark.parametrize(
    "text",
    [
        "¿Qué tomo por la mañana?",  # in the morning
        "¿Quién vive en el mar?",  # the sea, not March
        "Was esse ich am Morgen?",
        "Na segunda vez foi melhor",  # the second, not Monday
        "Il y a du pain ?",
        "Где живёт моя сестра?",
        "我住在上海",
        "Where is the marzipan from Los Lunes?",
    ],
)
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert list(times_in(text)) == []
    assert first_mentioned_time(text, NOW, "UTC") is None


@pytest.mark.parametrize("code", sorted(common_words().keys() - {"en"}))
def test_each_language_that_is_told_has_words_for_times(code: str) -> None:
    words = time_words(code)
    assert len({*words.months.values()}) >= 10
    assert len({*words.weekdays.values()}) >= 5
