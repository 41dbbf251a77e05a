"""Rules in data files: every language's are sound, a wrong one is a clear error, and languages are told apart."""

import pytest

from memkit.errors import InputError
from memkit.think.extractive.language import compile_rules, languages
from memkit.think.extractive.language_id import count_languages, language_of
from memkit.think.extractive.relation_names import is_functional

LANGUAGE_CODES = sorted(languages())


def test_there_are_rules_for_english_and_german() -> None:
    assert LANGUAGE_CODES == ["de", "en"]


@pytest.mark.parametrize("code", LANGUAGE_CODES)
def test_every_relation_has_names_and_a_text_that_hold_a_head_and_a_tail(code: str) -> None:
    for rule in languages()[code].file.relation:
        sentence = rule.text.format(head="HEAD", name=rule.now, tail="TAIL", what="WHAT")
        assert sentence.startswith("HEAD")
        assert "TAIL" in sentence


@pytest.mark.parametrize("code", LANGUAGE_CODES)
def test_a_rule_file_says_of_which_relations_there_is_one_at_a_time(code: str) -> None:
    rules = languages()[code].file.relation
    several = {rule.now for rule in rules if not rule.single}
    for rule in rules:
        for name in {rule.now, *rule.also} - (several if rule.single else set()):
            assert is_functional(name.format(what="colour")) is rule.single


def test_what_a_model_calls_a_relation_of_one_is_known_in_any_writing() -> None:
    assert all(map(is_functional, ("Lives_in", "employer", "favorite food", "phone number", "wohnt in")))
    assert not any(map(is_functional, ("likes", "favourite", "has", None)))


@pytest.mark.parametrize("code", LANGUAGE_CODES)
def test_every_list_of_words_and_every_phrase_compiles(code: str) -> None:
    language = languages()[code]
    compiled = {**language.patterns, **language.subjects}
    markers = "openers trailing joke doubt reported questions subordinate carrying confirmed refused shifted"
    assert {*markers.split(), *"subject own omitted naming possessed several".split()} <= compiled.keys()
    for name in ("connectors", "requests", "before", "inside"):
        assert getattr(language, name) is not None
    assert sum(map(len, language.phrases.values())) > 20


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("stemmer = ", "rules/xx.toml"),
        ('stemmer = "english"', "Field required"),
        ("colour = 1", "colour"),
    ],
)
def test_a_wrong_file_of_rules_is_an_error_that_names_it(broken: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        compile_rules("xx", broken)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I moved to Lisbon and I love it there", "en"),
        ("Ich bin nach Lissabon gezogen und es gefällt mir", "de"),
        ("J'ai déménagé à Lisbonne et je suis très contente", "fr"),
        ("Me mudé a Lisboa y estoy muy contenta con la casa", "es"),
        ("Mi sono trasferita a Lisbona e sono molto contenta", "it"),
        ("Mudei para Lisboa e estou muito contente com a casa", "pt"),
        ("Ik ben naar Lissabon verhuisd en het is er erg mooi", "nl"),
        ("Jag har flyttat till Lissabon och trivs mycket bra här", "sv"),
        ("東京に引っ越しました", "ja"),
        ("Lisbon Lisbon Lisbon", None),
    ],
)
def test_a_language_is_told_by_its_function_words(text: str, code: str | None) -> None:
    assert language_of(text) == code


def test_texts_are_counted_by_language_and_those_without_rules_apart() -> None:
    counted = count_languages(["I live in Rome with my dog", "Je suis dans la maison avec lui", "…", "Kaboom"])
    assert counted.counts == {"en": 1, "fr": 1, "?": 1}
    assert counted.unruled == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("我的猫很怕吸尘器。", "zh"),
        ("赤い自転車を買いました。", "ja"),
        ("어제 만났어", "ko"),
        ("Вечером пекла яблочный пирог.", "ru"),
        ("اشتريت دراجة حمراء.", "ar"),
        ("J'ai perdu les clés.", "fr"),
        ("Papá llamó a Inés.", "es"),
        ("I went to 北京 with him", "en"),
    ],
)
def test_a_language_is_told_by_its_script_and_by_what_stands_before_an_apostrophe(text: str, code: str) -> None:
    assert language_of(text) == code


def test_turns_in_a_script_without_rules_are_counted_as_such() -> None:
    counted = count_languages(["我的猫很怕吸尘器。", "赤い自転車を買いました。", "اشتريت دراجة حمراء."])
    assert (counted.counts, counted.unruled) == ({"zh": 1, "ja": 1, "ar": 1}, 3)


def test_a_text_that_may_be_in_several_languages_is_in_that_of_the_others() -> None:
    counted = count_languages(["La casa de mi hermana", "Ella va a casa con ellos", "Papá llamó a Inés."])
    assert counted.counts == {"es": 3}
    counted = count_languages(["La maison de ma sœur", "Elle va à la maison avec eux", "Papa donna à Inès."])
    assert counted.counts == {"fr": 3}
