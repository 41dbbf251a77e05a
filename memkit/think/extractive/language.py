"""Languages of the extractive thinker: their rules, read from `rules/<code>.toml`, compiled once.

Rules are data, so that a language can be added without code: patterns are regular expressions in which the
names of `slots` and `lists` stand for what is defined there once.
"""

import importlib.resources
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache, cached_property

from pydantic import ValidationError

from memkit.errors import InputError
from memkit.think.extractive.rule_file import (
    ContextMeaning,
    PhraseEffect,
    RelationRule,
    RuleFile,
    join_lines,
)
from memkit.think.extractive.verb_forms import VerbForms

PHRASE_EFFECTS: tuple[PhraseEffect, ...] = ("state", "became", "ceased", "ceased_any", "cannot")
VERB_PATTERN = re.compile(r"\(\?:([\w|'-]+)\) |([\w'-]+)(?: |$)")


@dataclass(frozen=True)
class Phrase:
    """A form of what follows a verb, and its effect on the relation of `rule`."""

    form: re.Pattern[str]
    rule: RelationRule
    effect: PhraseEffect


@dataclass(eq=False)
class Language:
    """A language's rules, compiled."""

    code: str
    file: RuleFile
    phrases: dict[str, list[Phrase]] = field(default_factory=dict)
    owned: list[tuple[re.Pattern[str], RelationRule]] = field(default_factory=list)
    whole: list[tuple[re.Pattern[str], RelationRule]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for rule in self.file.relation:
            self.owned += [(self.pattern(form), rule) for form in rule.own]
            self.whole += [(self.pattern(form), rule) for form in rule.whole]
            for effect in PHRASE_EFFECTS:
                for phrase in getattr(rule, effect):
                    self._add(phrase, rule, effect)

    def _add(self, phrase: str, rule: RelationRule, effect: PhraseEffect) -> None:
        head = VERB_PATTERN.match(phrase)
        if head is None:
            raise InputError(f"rules/{self.code}.toml, relation {rule.key!r}: a phrase must begin with its verb.")
        form = self.pattern(phrase[head.end() :])
        for lemma in (head[1] or head[2]).split("|"):
            self.phrases.setdefault(lemma, []).append(Phrase(form, rule, effect))

    def pattern(self, form: str) -> re.Pattern[str]:
        """A form with its slots filled in. Case counts only where the form says so."""
        try:
            return re.compile(self.filled(join_lines(form)), re.IGNORECASE)
        except re.error as error:
            raise InputError(f"rules/{self.code}.toml: {error.msg}, in {form[:80]!r}.") from None

    def filled(self, form: str) -> str:
        """The names of slots and lists replaced by what they stand for."""
        return self._names.sub(lambda m: self.filled(self._form_by_name[m[0]]), form)

    @cached_property
    def _form_by_name(self) -> dict[str, str]:
        forms = {**self.file.slots, **self.file.lists, "PETS": self.file.subject.pets}
        return {name: join_lines(form) for name, form in forms.items()}

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(sorted(self._form_by_name, key=len, reverse=True))})\b")

    def word(self, form: str) -> re.Pattern[str]:
        """A list of alternatives as one pattern of whole words; it matches nothing where the list is empty."""
        return self.pattern(rf"(?<!\w)(?:{join_lines(form)})(?!\w)") if form else re.compile(r"(?!)")

    @cached_property
    def openers(self) -> re.Pattern[str]:
        """Words that open a sentence and say nothing, with the punctuation after them."""
        return self.pattern(rf"(?:(?:{join_lines(self.file.openers)})(?!['’\w])[\s,:;!.…—–-]*)+")

    @cached_property
    def leading(self) -> re.Pattern[str]:
        """Words that may stand before the subject of a clause."""
        return self.pattern(self.file.leading)

    @cached_property
    def trailing(self) -> re.Pattern[str]:
        """Words that end a clause and say nothing."""
        return self.pattern(rf"(?:[\s,]+(?:{join_lines(self.file.trailing)}))+$")

    @cached_property
    def joke(self) -> re.Pattern[str]:
        """Signs that a turn was not meant."""
        return self.word(self.file.markers.joke)

    @cached_property
    def doubt(self) -> re.Pattern[str]:
        """Words of doubt: the sentence doesn't state that something is so."""
        return self.word(self.file.markers.doubt)

    @cached_property
    def reported(self) -> re.Pattern[str]:
        """Verbs after which a sentence tells what somebody said or thought."""
        return self.word(self.file.markers.reported)

    @cached_property
    def questions(self) -> re.Pattern[str]:
        """Beginnings of questions and demands."""
        return self.word(self.file.markers.questions)

    @cached_property
    def connectors(self) -> re.Pattern[str]:
        """Connectors: a clause ends here, and the next statement may begin."""
        signs, _, words = join_lines(self.file.markers.connectors).partition("|WORDS|")
        return self.pattern(rf"\s*(?:{signs})\s*(?:(?:{words})\s+)?|\s+(?:{words})\s+")

    @cached_property
    def subordinate(self) -> re.Pattern[str]:
        """Words after which a clause goes on with what isn't stated."""
        return self.word(self.file.markers.subordinate)

    @cached_property
    def subject(self) -> re.Pattern[str]:
        """A clause's subject: groups `self`, `own` (with `noun`, `name`), `pronoun`."""
        s = self.file.subject
        parts = (s.female, s.male, s.persons, s.pets, s.things)
        nouns = "|".join(sorted("|".join(join_lines(p) for p in parts if p).split("|"), key=len, reverse=True))
        adjectives = rf"(?:(?:{join_lines(s.describing)}) )*" if s.describing else ""
        name = r"(?: (?P<name>NAME)(?!['’]))?"
        bare = f"(?={join_lines(s.bare)})" if s.bare else "(?!)"
        kin = rf"(?P<noun>{adjectives}(?P<kind>{nouns}))(?![\w-]){name}(?: {s.company})?"
        return self.pattern(
            rf"(?:(?P<self>{join_lines(s.self)})(?=['’\s])"
            rf"|(?:(?:{join_lines(s.own)}) |{bare}){kin}(?=['’\s])"
            rf"|(?P<pronoun>{'|'.join(s.pronouns)})(?=['’\s]))\s*"
        )

    @cached_property
    def called(self) -> re.Pattern[str]:
        """A name as a clause's subject."""
        return self.pattern(r"(?P<name>NAME)(?=['’\s])\s*")

    @cached_property
    def own(self) -> re.Pattern[str]:
        """ "My", and what follows it."""
        return self.pattern(rf"(?:{join_lines(self.file.subject.own)})\s+")

    @cached_property
    def possessed(self) -> re.Pattern[str]:
        """Words that tell the name of a subject, after it."""
        return self.pattern(self.file.subject.possessed or "(?!)")

    @cached_property
    def several(self) -> re.Pattern[str]:
        """The end of a head that stands for several people."""
        return self.pattern(rf"(?<!\w)(?:{join_lines(self.file.subject.plural) or '(?!)'})$")

    def spelt(self, text: str) -> str:
        """A text with its common misspellings put right."""
        return self._spelling.sub(lambda m: self.file.spelling[m[0].casefold()], text) if self.file.spelling else text

    @cached_property
    def _spelling(self) -> re.Pattern[str]:
        return self.word("|".join(self.file.spelling))

    @cached_property
    def omitted(self) -> re.Pattern[str]:
        """The verbs before which "I" may be left out."""
        return self.pattern(rf"(?=(?:{join_lines(self.file.subject.omitted) or '(?!)'})(?!\w))")

    def uninverted(self, text: str) -> str:
        """A clause whose verb comes before its subject, the other way round."""
        match = self._inverted.match(text)
        return f"{match['who']} {match['verb']} {text[match.end() :]}" if match else text

    @cached_property
    def _inverted(self) -> re.Pattern[str]:
        return self.pattern(rf"(?:{self.file.subject.inverted})\s*")

    @cached_property
    def naming(self) -> re.Pattern[str]:
        """ "Her name is ..." """
        return self.pattern(self.file.subject.naming or "(?!)")

    @cached_property
    def before(self) -> list[tuple[ContextMeaning, re.Pattern[str]]]:
        """Words that may stand before the verb, in order, with their meanings."""
        return [(b.means, self.pattern(rf"(?:{join_lines(b.form)})(?:(?!['’\w])\s*)")) for b in self.file.before]

    @cached_property
    def inside(self) -> list[tuple[ContextMeaning, re.Pattern[str]]]:
        """Words that may stand anywhere after the verb; they are taken out of the clause."""
        return [(b.means, self.word(b.form)) for b in self.file.inside]

    @cached_property
    def function_words(self) -> frozenset[str]:
        """Words by which the language is identified."""
        return frozenset(self.file.function_words.split())

    @cached_property
    def genders(self) -> dict[str, str]:
        """Genders of nouns: "female", "male", "pet", "thing" or "any"."""
        s = self.file.subject
        kinds = {"thing": s.things, "any": s.persons, "pet": s.pets, "female": s.female, "male": s.male}
        return {noun: gender for gender, nouns in kinds.items() for noun in join_lines(nouns).split("|")}

    @cached_property
    def confirmed(self) -> re.Pattern[str]:
        """A plain "yes"."""
        return self.pattern(rf"(?:{join_lines(self.file.confirm.yes)})(?!\w)[\s,.!:)-]*")

    @cached_property
    def carrying(self) -> re.Pattern[str]:
        """The connectors after which the subject may be left out."""
        return self.word(self.file.markers.carrying)

    @cached_property
    def relative(self) -> re.Pattern[str]:
        """A clause that ends in what others do; what is carried on then is theirs."""
        return self.pattern(
            rf".*(?<!\w)(?:{self.file.markers.relative})(?!\w)[^,]*$" if self.file.markers.relative else "(?!)"
        )

    @cached_property
    def plan_nouns(self) -> list[re.Pattern[str]]:
        """Plans that are named by a noun."""
        return [self.pattern(form) for form in self.file.generic["plan"].nouns] if "plan" in self.file.generic else []

    @cached_property
    def names_people(self) -> RelationRule | None:
        """The relation of a name."""
        return next((r for r in self.file.relation if r.key == self.file.naming_relation), None)

    @cached_property
    def requests(self) -> re.Pattern[str]:
        """Beginnings of requests to be reminded."""
        forms = "|".join(join_lines(form) for forms in self.file.requests.values() for form in forms)
        return (
            self.pattern(rf"(?:{join_lines(self.file.openers)}|[\s,])*(?:{forms})\s+") if forms else re.compile("(?!)")
        )

    @cached_property
    def refused(self) -> re.Pattern[str]:
        """Words that speak to somebody."""
        return self.word(self.file.people.refused)

    @cached_property
    def shifted(self) -> re.Pattern[str]:
        """Words that change where a sentence tells of its speaker ("my" to "Ana's")."""
        people = self.file.people
        return self.word("|".join(sorted({*people.self, *people.other}, key=len, reverse=True)))

    @cached_property
    def dates(self) -> dict[str, str]:
        """Names of times in English, by how they are named in this language."""
        return {word.casefold(): english for word, english in self.file.dates.items()}

    @cached_property
    def times(self) -> re.Pattern[str]:
        """The names of times that have one in English."""
        return self.word("|".join(sorted(map(re.escape, self.file.dates), key=len, reverse=True)))

    @cache  # noqa: B019  a handful of languages, never dropped
    def _list(self, form: str, *, whole: bool) -> re.Pattern[str]:
        return self.pattern(rf"(?:{join_lines(form)})" + ("$" if whole else r"(?!\w)")) if form else re.compile("(?!)")

    def begins(self, form: str, text: str) -> bool:
        """Whether a text begins with one of a list."""
        return self._list(form, whole=False).match(text) is not None

    def fully(self, form: str, text: str) -> bool:
        """Whether a text is one of a list."""
        return self._list(form, whole=True).match(text) is not None

    def trivial(self, rest: str) -> bool:
        """Whether what follows a verb isn't worth keeping."""
        return self._list(self.file.trivial, whole=True).match(rest) is not None

    def contracted(self, text: str) -> str:
        """A clause's beginning in its fuller form."""
        for form, full in self._contracted:
            text, count = form.subn(full, text, count=1)
            if count:
                break
        return text

    @cached_property
    def _contracted(self) -> list[tuple[re.Pattern[str], str]]:
        return [(self.pattern(rf"^(?:{form})"), full) for form, full in self.file.verbs.contracted]

    def third(self, lemma: str) -> str:
        """The verb as it is said of somebody."""
        for form, full in self.file.people.third:
            third, count = re.subn(form, full, lemma, count=1)
            if count:
                return third
        return lemma

    @cached_property
    def questions_confirmed(self) -> list[tuple[re.Pattern[str], str]]:
        """Yes-or-no questions, and how what they ask is stated."""
        return [(self.pattern(form), full) for form, full in self.file.confirm.questions]

    @cached_property
    def answers(self) -> list[tuple[re.Pattern[str], str]]:
        """Questions that a few words answer, and how these are made a statement."""
        return [(self.pattern(form), full) for form, full in self.file.confirm.answers]

    @cached_property
    def fragment(self) -> re.Pattern[str]:
        """An answer of a few words."""
        return self.pattern(self.file.confirm.fragment)

    def turned(self, text: str) -> str:
        """A question's words as the one who was asked would say them."""
        names = self.file.confirm.turned
        return self.word("|".join(names)).sub(lambda m: names[m[0].casefold()], text)

    def tells_past(self, text: str) -> bool:
        """Whether a text begins with the past form of a verb that the rules know, and with no other form of it."""
        verb = self.verb_forms.verb(word := text.split(maxsplit=1)[0].casefold())
        return verb.tense == "past" and verb.lemma in self.verb_forms.lemmas and word != verb.lemma

    def is_verb(self, text: str) -> bool:
        """Whether a text begins with a verb that the rules know, or with what stands before one."""
        word = text.split(maxsplit=1)[0].casefold()
        return self.verb_forms.is_verb(word) or any(form.match(text) for _, form in self.before)

    @cached_property
    def verb_forms(self) -> VerbForms:
        """The forms of all verbs in the rules."""
        lemmas = set(self.phrases)
        for rule in self.file.generic.values():
            for part in (rule.verbs, rule.dated, rule.progressive, rule.present):
                lemmas |= set(re.findall(r"(?:^|\|)([\w'-]+)(?=[ |]|$)", join_lines(part)))
        return VerbForms(self.file.verbs, self.file.stemmer, lemmas)


@cache
def languages() -> dict[str, Language]:
    """The languages with rules, by code. Raises InputError where a file of rules is wrong."""
    folder = importlib.resources.files("memkit.think.extractive") / "rules"
    texts = {f.name.removesuffix(".toml"): f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".toml")}
    return {code: compile_rules(code, texts[code]) for code in sorted(texts)}


def compile_rules(code: str, text: str) -> Language:
    """The language that a file's text describes. Raises InputError; the message names the place."""
    try:
        return Language(code, RuleFile.model_validate(tomllib.loads(text)))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"rules/{code}.toml: {error}") from None
