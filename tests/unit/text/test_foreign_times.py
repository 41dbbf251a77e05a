"""Times told in other languages than English, as intervals of whole days."""

from datetime import UTC, datetime, timedelta

import pytest

from memkit.text.terms.language import common_words
from memkit.text.times.dates import first_mentioned_time
from memkit.text.times.other_languages import spaced_times, spaceless_times, times_in
from memkit.text.times.time_words import spaceless_words, time_words

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)  # a Wednesday
YESTERDAY, LAST_WEEK, LAST_MONTH = ("2026-03-17", 1), ("2026-03-09", 7), ("2026-02-01", 28)
THREE_DAYS_AGO, LAST_MONDAY, TUESDAY = ("2026-03-15", 1), ("2026-03-16", 1), ("2026-03-17", 1)
LAST_WEEKEND, TUESDAY_OF_LAST_WEEK = ("2026-03-14", 2), ("2026-03-10", 1)


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


@pytest.mark.parametrize(
    "text",
    [
        "¿Qué hice antes de ayer?",
        "Was habe ich vorgestern gemacht?",
        "Qu'ai-je fait avant hier ?",
        "Qu'ai-je fait avant-hier ?",
        "O que fiz antes de ontem?",
        "Cosa ho fatto l'altro ieri?",
        "Cosa ho fatto ieri l'altro?",
        "Wat deed ik eergisteren?",
        "Vad gjorde jag i förrgår?",
        "Hvad lavede jeg i forgårs?",
        "Hva gjorde jeg i forgårs?",
        "Mitä tein toissapäivänä?",
        "Evvelsi gün ne yaptım?",
        "Co robiłem przedwczoraj?",
        "Co jsem dělal předevčírem?",
        "Ce am făcut alaltăieri?",
        "Mit csináltam tegnapelőtt?",
        "Què vaig fer abans d'ahir?",
        "Apa yang saya lakukan kemarin lusa?",
        "Apa yang saya lakukan kemarin dulu?",
        "Mida ma tegin üleeile?",
        "Ką aš dariau užvakar?",
        "Zer egin nuen herenegun?",
        "Cad a rinne mé arú inné?",
        "Kion mi faris antaŭhieraŭ?",
        "Šta sam radio prekjuče?",
        "Что я делала позавчера?",
        "Ужин позавчера?",
        "Τι έκανα προχθές;",
        "परसों क्या हुआ?",
        "ماذا فعلت أول أمس؟",
        "ماذا فعلت أول من أمس؟",
        "おととい何をしましたか？",
        "一昨日何をしましたか？",
        "그저께 뭐 했어?",
        "เมื่อวานซืนฉันทำอะไร",
    ],
)
def test_the_day_before_yesterday_is_never_yesterday(text: str) -> None:
    time = first_mentioned_time(text, NOW, "UTC")
    assert time is not None
    assert (time.start, time.end) == (NOW.replace(day=16, hour=0), NOW.replace(day=17, hour=0))


@pytest.mark.parametrize(
    "text",
    [
        "¿Qué hago pasado mañana?",
        "Was mache ich übermorgen?",
        "Que fais-je après demain ?",
        "O que faço depois de amanhã?",
        "Cosa faccio dopodomani?",
        "Wat doe ik overmorgen?",
        "Vad gör jag i övermorgon?",
        "Hvad skal jeg i overmorgen?",
        "Hva skal jeg i overmorgen?",
        "Mitä teen ylihuomenna?",
        "Öbür gün ne yapacağım?",
        "Co zrobię pojutrze?",
        "Co budu dělat pozítří?",
        "Què faig demà passat?",
        "Apa yang akan saya lakukan lusa?",
        "Что будет послезавтра?",
        "Τι θα κάνω μεθαύριο;",
        "ماذا سأفعل بعد غد؟",
        "後天有什麼事？",
        "あさって何をしますか？",
        "모레 뭐 해?",
        "내일모레 뭐 해?",
        "มะรืนนี้มีอะไร",
    ],
)
def test_the_day_after_tomorrow_is_never_tomorrow(text: str) -> None:
    time = first_mentioned_time(text, NOW, "UTC")
    assert time is not None
    assert (time.start, time.end) == (NOW.replace(day=20, hour=0), NOW.replace(day=21, hour=0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("¿Qué hice el fin de semana pasado?", LAST_WEEKEND),
        ("¿Qué hice anoche?", YESTERDAY),
        ("Was war am letzten Wochenende?", LAST_WEEKEND),
        ("Was war letztes Wochenende?", LAST_WEEKEND),
        ("Was haben wir vorletzte Woche gemacht?", ("2026-03-02", 7)),
        ("Was war am Dienstag?", TUESDAY),
        ("Was war am 5. Februar?", ("2026-02-05", 1)),
        ("Was war im Februar?", LAST_MONTH),
        ("Que s'est-il passé mardi ?", TUESDAY),
        ("Que s'est-il passé l'an dernier ?", ("2025-01-01", 365)),
        ("O que aconteceu há duas semanas?", ("2026-03-01", 7)),
        ("O que combinei para terça-feira?", TUESDAY),
        ("Cosa ho fatto martedì?", TUESDAY),
        ("Cosa è successo una settimana fa?", ("2026-03-08", 7)),
        ("Wat deed ik dinsdag?", TUESDAY),
        ("Wat gebeurde er vorig weekend?", LAST_WEEKEND),
        ("Vad gjorde jag i tisdags?", TUESDAY),
        ("Hvad lavede jeg i går?", YESTERDAY),
        ("Mitä tein kolme päivää sitten?", THREE_DAYS_AGO),
        ("Mitä tein tiistaina?", TUESDAY),
        ("Salı günü ne yaptım?", TUESDAY),
        ("Pazar günü ne yaptım?", THREE_DAYS_AGO),
        ("Co zrobiłem pięć dni temu?", ("2026-03-13", 1)),
        ("Co było we wtorek?", TUESDAY),
        ("Co jsem dělal před třemi dny?", THREE_DAYS_AGO),
        ("Apa yang terjadi tiga hari yang lalu?", THREE_DAYS_AGO),
        ("Kion mi faris hieraŭ?", YESTERDAY),
        ("Ужин вчера", YESTERDAY),
        ("Что случилось три дня назад?", THREE_DAYS_AGO),
        ("Что случилось пять дней назад?", ("2026-03-13", 1)),
        ("Что было неделю назад?", ("2026-03-08", 7)),
        ("Что было две недели назад?", ("2026-03-01", 7)),
        ("Что было во вторник?", TUESDAY),
        ("Что было на выходных?", LAST_WEEKEND),
        ("Τι έκανα πριν τρεις μέρες;", THREE_DAYS_AGO),
        ("Τι έκανα την Τρίτη;", TUESDAY),
        ("कल क्या हुआ?", YESTERDAY),
        ("तीन दिन पहले क्या हुआ?", THREE_DAYS_AGO),
        ("ماذا حدث يوم الثلاثاء؟", TUESDAY),
        ("ماذا حدث الثلاثاء؟", TUESDAY),
        ("عم تحدثنا الأسبوع الماضي؟", LAST_WEEK),
        ("ماذا حدث البارحة؟", YESTERDAY),
        ("ماذا قلت قبل ثلاثة أيام؟", THREE_DAYS_AGO),
        ("ماذا حدث نهاية الأسبوع الماضي؟", LAST_WEEKEND),
        ("ماذا حدث قبل أسبوع؟", ("2026-03-08", 7)),
        ("三天前我做了什么？", THREE_DAYS_AGO),
        ("十二天前发生了什么？", ("2026-03-06", 1)),
        ("二月有什么事？", LAST_MONTH),
        ("二月五号我做了什么？", ("2026-02-05", 1)),
        ("上星期我们聊了什么？", LAST_WEEK),
        ("上周二我做了什么？", TUESDAY_OF_LAST_WEEK),
        ("上个星期五我做了什么？", ("2026-03-13", 1)),
        ("上周一直下雨吗？", LAST_WEEK),
        ("上周末我做了什么？", LAST_WEEKEND),
        ("大前天我做了什么？", THREE_DAYS_AGO),
        ("上週我做了什麼？", LAST_WEEK),
        ("一个星期前发生了什么？", ("2026-03-08", 7)),
        ("前年发生了什么？", ("2024-01-01", 366)),
        ("昨晚我做了什么？", YESTERDAY),
        ("きのう何がありましたか？", YESTERDAY),
        ("三日前に何を言いましたか？", THREE_DAYS_AGO),
        ("先週の火曜日に何をしましたか？", TUESDAY_OF_LAST_WEEK),
        ("一昨年何がありましたか？", ("2024-01-01", 366)),
        ("先々週何をしましたか？", ("2026-03-02", 7)),
        ("지난 주에 뭐 했어?", LAST_WEEK),
        ("지난주 화요일에 뭐 했어?", TUESDAY_OF_LAST_WEEK),
        ("3일 전에 뭐 했어?", THREE_DAYS_AGO),
        ("사흘 전에 뭐 했어?", THREE_DAYS_AGO),
        ("재작년에 뭐 했어?", ("2024-01-01", 366)),
        ("เมื่อวานฉันทำอะไร", YESTERDAY),
        ("สามวันก่อนฉันทำอะไร", THREE_DAYS_AGO),
        ("อาทิตย์ที่แล้วฉันทำอะไร", LAST_WEEK),
        ("¿Qué pasó el martes de la semana pasada?", TUESDAY_OF_LAST_WEEK),
        ("Was war letzte Woche Dienstag?", TUESDAY_OF_LAST_WEEK),
        ("Que s'est-il passé mardi de la semaine dernière ?", TUESDAY_OF_LAST_WEEK),
        ("Что было во вторник на прошлой неделе?", TUESDAY_OF_LAST_WEEK),
        ("ماذا حدث يوم الثلاثاء الأسبوع الماضي؟", TUESDAY_OF_LAST_WEEK),
        ("What did I do the week before last?", ("2026-03-02", 7)),
        ("What did I do on Tuesday of last week?", TUESDAY_OF_LAST_WEEK),
        ("Co zrobiłem dwa dni temu?", ("2026-03-16", 1)),
        ("Ce am făcut acum două zile?", ("2026-03-16", 1)),
        ("两天前呢？", ("2026-03-16", 1)),
    ],
)
def test_units_weekdays_and_numbers_in_words_are_read_as_a_whole(text: str, expected: tuple[str, int]) -> None:
    time = first_mentioned_time(text, NOW, "UTC")
    assert time is not None
    day, days = expected
    assert (time.start, time.end - time.start) == (datetime.fromisoformat(f"{day}T00:00+00:00"), timedelta(days=days))


@pytest.mark.parametrize(
    "text",
    [
        "然后天气很好",
        "以前天天下雨吗",
        "他很聪明天才吗",
        "日本周刊怎么样",
        "我过去年轻吗",
        "早上周二狗去哪了",
        "请说明天气",
        "他回去年夜饭呢",
        "基本周期多长",
        "天上月亮圆吗",
        "提前年会吗",
        "Was hat Frau Sonntag gesagt?",
        "Wat eet ik 's morgens?",
        "¿Qué tomo todas las mañanas?",
        "Câte luni a durat?",
        "Sudah beberapa minggu kamu di sana?",
        "Was ist heutzutage anders?",
        "¿Qué hago hoy en día?",
        "من أحد أصدقائي؟",
        "يوم جميل",
        "كم يوم عندي؟",
        "Pazar nerede?",
        "Geçen gün ne oldu?",
        "3 nap alatt",
        "Onde fica a segunda casa?",
        "Plácido Domingo canta bien, ¿no?",
        "Three days in Berlin",
        "3 Tage in Berlin war ich und du nicht",
        "子どものときのうたは何？",
        "พระอาทิตย์ขึ้นเมื่อไหร่",
        "그제서야 알았어?",
        "Was war am Bahnhof?",
        "Ist das ein Haus oder wie?",
        "क्या वह निकला था?",
    ],
)
def test_a_time_word_inside_another_word_or_phrase_is_none(text: str) -> None:
    assert first_mentioned_time(text, NOW, "UTC") is None


@pytest.mark.parametrize(
    "text", ["¿Qué comí ayer y qué comí hoy?", "五月是亏是赚，六月呢？", "Где я была в мае и в июне?"]
)
def test_several_times_of_one_unit_are_no_time_to_look_in_alone(text: str) -> None:
    assert first_mentioned_time(text, NOW, "UTC") is None


@pytest.mark.parametrize("code", sorted(common_words().keys() - {"en"}))
def test_each_phrase_is_read_as_itself_and_not_as_a_shorter_one_in_it(code: str) -> None:
    words = time_words(code)
    written = {phrase: english for phrase, english in words.phrases.items() if " " not in "".join(phrase)}
    for phrase, english in written.items():
        assert [time.english for time in spaced_times(" ".join(phrase), words)] == ([english] if english else []), (
            phrase
        )


@pytest.mark.parametrize("locale", ["zh", "ja", "ko", "th"])
def test_each_phrase_without_spaces_is_read_as_itself(locale: str) -> None:
    for phrase, english in spaceless_words(locale).phrases.items():
        assert [time.english for time in spaceless_times(phrase, locale)] == ([english] if english else []), phrase
