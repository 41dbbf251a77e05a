"""Languages of the extractive thinker: their rules, read from `rules/<code>.toml`, compiled once.

Rules are data, so that a language can be added without code: patterns are regular expressions in which the
names of `slots` and `lists` stand for what is defined there once.
"""

import importlib.resources
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property

from pydantic import ValidationError

from memkit.errors import InputError
from memkit.text.terms.tokens import stem
from memkit.think.extractive.rule_file import (
    ContextMeaning,
    PhraseEffect,
    RelationRule,
    RuleFile,
    VerbRules,
    VerbTense,
    join_lines,
)

PHRASE_EFFECTS: tuple[PhraseEffect, ...] = ("state", "became", "ceased", "ceased_any", "cannot")
VERB_PATTERN = re.compile(r"\(\?:([\w|'-]+)\) |([\w'-]+)(?: |$)")


@dataclass(frozen=True)
class Phrase:
    """A form of what follows a verb, and its effect on the relation of `rule`."""

    form: re.Pattern[str]
    rule: RelationRule
    effect: PhraseEffect


@dataclass(frozen=True)
class Verb:
    """A verb as it stands in a text."""

    lemma: str
    tense: VerbTense


class VerbForms:
    """The verbs of a language: irregular ones by their forms, the others by stem and ending."""

    def __init__(self, rules: VerbRules, stemmer: str, lemmas: Iterable[str]) -> None:
        self._rules, self._stemmer, self._regular = rules, stemmer, lemmas

    def verb(self, word: str) -> Verb:
        """The verb of a word: irregular, known by its stem, or as its ending tells."""
        low = word.casefold().replace("’", "'")
        irregular = self._irregular.get(low)
        if irregular is not None:
            return irregular
        tense: VerbTense = next((t for end, t in self._rules.endings.items() if low.endswith(end)), "now")
        lemma = self.lemmas.get(stem(low, self._stemmer))
        return Verb(low if lemma is None else lemma, "now" if low == lemma else tense)

    @cached_property
    def lemmas(self) -> dict[str, str]:
        """Stem -> lemma, and lemma -> itself; of equal stems the shortest lemma's, the last by alphabet."""
        lemmas = {*self._regular, *(verb.lemma for verb in self._irregular.values())}
        ordered = sorted(lemmas, key=lambda lemma: (-len(lemma), lemma))
        return {**{lemma: lemma for lemma in lemmas}, **{stem(lemma, self._stemmer): lemma for lemma in ordered}}

    @cached_property
    def _irregular(self) -> dict[str, Verb]:
        verbs: dict[str, Verb] = {}
        for lemma, forms in self._forms:
            tenses: tuple[VerbTense, ...] = ("now", "past", "past", "progressive")
            for words, tense in reversed([*zip(forms, tenses, strict=False)]):
                verbs.update((word, Verb(lemma, tense)) for word in words.split())
            if lemma not in forms[1].split():
                verbs[lemma] = Verb(lemma, "now")
        return verbs

    @cached_property
    def pasts(self) -> dict[str, str]:
        """Lemma -> past form, of irregular verbs."""
        return {lemma: forms[1].split()[0] for lemma, forms in self._forms if len(forms) > 1 and forms[1].split()}

    @cached_property
    def _forms(self) -> list[tuple[str, list[str]]]:
        lines = (line.partition(":") for line in self._rules.irregular.strip().splitlines())
        return [(lemma.strip(), forms.split("|")) for lemma, _, forms in lines]


@dataclass(eq=False)
class Language:
    """A language's rules, compiled."""

    code: str
    file: RuleFile
    phrases: dict[str, list[Phrase]] = field(default_factory=dict)
    owned: list[tuple[re.Pattern[str], RelationRule]] = field(default_factory=list)
    whole: list[tuple[re.Pattern[str], RelationRule]] = field(default_factory=list)
    asked: list[tuple[re.Pattern[str], RelationRule]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for rule in self.file.relation:
            self.owned += [(self.pattern(form), rule) for form in rule.own]
            self.whole += [(self.pattern(form), rule) for form in rule.whole]
            self.asked += [(self.pattern(form), rule) for form in rule.asked]
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

    @cache  # noqa: B019  a handful of languages, never dropped
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
    def patterns(self) -> dict[str, re.Pattern[str]]:
        """Patterns by name, compiled when the first text is read.

        openers: words that open a sentence and say nothing, with the punctuation after them
        leading: words that may stand before the subject of a clause
        trailing: words that end a clause and say nothing
        joke: signs that a turn was not meant
        doubt: words of doubt: the sentence doesn't state that something is so
        reported: verbs after which a sentence tells what somebody said or thought
        questions: beginnings of questions and demands
        subordinate: words after which a clause goes on with what isn't stated
        carrying: the connectors after which the subject may be left out
        refused: words that speak to somebody
        shifted: words that change where a sentence tells of its speaker ("my" to "Ana's")
        times: the names of times that have one in English
        spelling: common misspellings
        relative: a clause that ends in what others do; what is carried on then is theirs
        confirmed: a plain "yes"
        fragment: an answer of a few words
        mended: a few words in place of those just said
        mended_within: the same, at the end of a sentence
        """
        file, markers, people = self.file, self.file.markers, self.file.people
        openers, yes = join_lines(file.openers), join_lines(file.confirm.yes)
        words = {
            "joke": markers.joke,
            "doubt": markers.doubt,
            "reported": markers.reported,
            "questions": markers.questions,
            "subordinate": markers.subordinate,
            "carrying": markers.carrying,
            "refused": people.refused,
            "spelling": "|".join(file.spelling),
            "shifted": _alternatives({*people.self, *people.other}),
            "times": _alternatives(map(re.escape, file.dates)),
        }
        return {
            **{name: self.word(form) for name, form in words.items()},
            "openers": self.pattern(rf"(?:(?:{openers})(?!['’\w])[\s,:;!.…—–-]*)+"),
            "leading": self.pattern(file.leading),
            "trailing": self.pattern(rf"(?:[\s,]+(?:{join_lines(file.trailing)}))+$"),
            "relative": self.pattern(rf".*(?<!\w)(?:{markers.relative or '(?!)'})(?!\w)[^,]*$"),
            "confirmed": self.pattern(rf"(?:{yes})(?!\w)[\s,.!:)-]*"),
            "fragment": self.pattern(file.confirm.fragment),
            "mended": self.pattern(file.confirm.mended),
            "mended_within": self.pattern(rf"(?P<said>.+?)\s*[,;(–—-]\s*(?P<mended>{join_lines(file.confirm.mended)})"),
        }

    @cached_property
    def subjects(self) -> dict[str, re.Pattern[str]]:
        """Patterns of a clause's subject, by name.

        subject: the subject itself: groups `self`, `own` (with `noun`, `name`), `pronoun`
        called: a name as a clause's subject
        own: "my", and what follows it
        possessed: words that tell the name of a subject, after it
        naming: "her name is ..."
        several: the end of a head that stands for several people
        omitted: the verbs before which "I" may be left out
        inverted: a verb that comes before its subject
        """
        s = self.file.subject
        return {
            "subject": self._subject(),
            "called": self.pattern(r"(?P<name>NAME)(?=['’\s])\s*"),
            "own": self.pattern(rf"(?:{join_lines(s.own)})\s+"),
            "possessed": self.pattern(s.possessed or "(?!)"),
            "naming": self.pattern(s.naming or "(?!)"),
            "several": self.pattern(rf"(?<!\w)(?:{join_lines(s.plural) or '(?!)'})$"),
            "omitted": self.pattern(rf"(?=(?:{join_lines(s.omitted) or '(?!)'})(?!\w))"),
            "inverted": self.pattern(rf"(?:{s.inverted})\s*"),
        }

    def _subject(self) -> re.Pattern[str]:
        s = self.file.subject
        parts = (s.female, s.male, s.persons, s.pets, s.things)
        nouns = _alternatives("|".join(join_lines(p) for p in parts if p).split("|"))
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
    def connectors(self) -> re.Pattern[str]:
        """Connectors: a clause ends here, and the next statement may begin."""
        signs, _, words = join_lines(self.file.markers.connectors).partition("|WORDS|")
        return self.pattern(rf"\s*(?:{signs})\s*(?:(?:{words})\s+)?|\s+(?:{words})\s+")

    def spelt(self, text: str) -> str:
        """A text with its common misspellings put right."""
        return self.patterns["spelling"].sub(lambda m: self.file.spelling[m[0].casefold()], text)

    def uninverted(self, text: str) -> str:
        """A clause whose verb comes before its subject, the other way round."""
        match = self.subjects["inverted"].match(text)
        return f"{match['who']} {match['verb']} {text[match.end() :]}" if match else text

    @cached_property
    def before(self) -> list[tuple[ContextMeaning, re.Pattern[str]]]:
        """Words that may stand before the verb, in order, with their meanings."""
        return [(b.means, self.pattern(rf"(?:{join_lines(b.form)})(?:(?!['’\w])\s*)")) for b in self.file.before]

    @cached_property
    def inside(self) -> list[tuple[ContextMeaning, re.Pattern[str]]]:
        """Words that may stand anywhere after the verb; they are taken out of the clause."""
        return [(b.means, self.word(b.form)) for b in self.file.inside]

    @cached_property
    def genders(self) -> dict[str, str]:
        """Genders of nouns: "female", "male", "pet", "thing" or "any"."""
        s = self.file.subject
        kinds = {"thing": s.things, "any": s.persons, "pet": s.pets, "female": s.female, "male": s.male}
        return {noun: gender for gender, nouns in kinds.items() for noun in join_lines(nouns).split("|")}

    @cached_property
    def requests(self) -> re.Pattern[str]:
        """Beginnings of requests to be reminded."""
        forms = "|".join(join_lines(form) for forms in self.file.requests.values() for form in forms)
        return (
            self.pattern(rf"(?:{join_lines(self.file.openers)}|[\s,])*(?:{forms})\s+") if forms else re.compile("(?!)")
        )

    @cached_property
    def dates(self) -> dict[str, str]:
        """Names of times in English, by how they are named in this language."""
        return {word.casefold(): english for word, english in self.file.dates.items()}

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
        return self.fully(self.file.trivial, rest)

    def contracted(self, text: str) -> str:
        """A clause's beginning in its fuller form."""
        forms = ((self.pattern(rf"^(?:{form})"), full) for form, full in self.file.verbs.contracted)
        return _with_first(forms, text)

    def third(self, lemma: str) -> str:
        """The verb as it is said of somebody."""
        return _with_first(self.file.people.third, lemma)

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
        return self.verb_forms.verb(word).lemma in self.verb_forms.lemmas or any(
            form.match(text) for _, form in self.before
        )

    @cached_property
    def verb_forms(self) -> VerbForms:
        """The forms of all verbs in the rules."""
        lemmas = set(self.phrases)
        for rule in self.file.generic.values():
            for part in (rule.verbs, rule.dated, rule.progressive, rule.present):
                lemmas |= set(re.findall(r"(?:^|\|)([\w'-]+)(?=[ |]|$)", join_lines(part)))
        return VerbForms(self.file.verbs, self.file.stemmer, lemmas)


def _alternatives(words: Iterable[str]) -> str:
    """A pattern of words as they stand, the longest first."""
    return "|".join(sorted(words, key=len, reverse=True))


def _with_first(forms: Iterable[tuple[str | re.Pattern[str], str]], text: str) -> str:
    """A text in which the first of these forms that is found is replaced."""
    for form, full in forms:
        changed, count = re.subn(form, full, text, count=1)
        if count:
            return changed
    return text


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
