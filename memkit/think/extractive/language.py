"""What the extractive thinker knows of a language: read from `rules/<code>.toml`, compiled once.

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
from memkit.text.terms.tokens import stem
from memkit.think.extractive.rule_file import Effect, Means, RelationRule, RuleFile, Tense, joined

EFFECTS: tuple[Effect, ...] = ("state", "became", "ceased", "ceased_any", "cannot")
HEAD = re.compile(r"\(\?:([\w|'-]+)\) |([\w'-]+)(?: |$)")


@dataclass(frozen=True)
class Phrase:
    """What may follow a verb, and what it then does to the relation of `rule`."""

    form: re.Pattern[str]
    rule: RelationRule
    effect: Effect


@dataclass(frozen=True)
class Verb:
    """A verb as it stands in a text."""

    lemma: str
    tense: Tense


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
            for effect in EFFECTS:
                for phrase in getattr(rule, effect):
                    self._add(phrase, rule, effect)

    def _add(self, phrase: str, rule: RelationRule, effect: Effect) -> None:
        head = HEAD.match(phrase)
        if head is None:
            raise InputError(f"rules/{self.code}.toml, relation {rule.key!r}: a phrase must begin with its verb.")
        form = self.pattern(phrase[head.end() :])
        for lemma in (head[1] or head[2]).split("|"):
            self.phrases.setdefault(lemma, []).append(Phrase(form, rule, effect))

    def pattern(self, form: str) -> re.Pattern[str]:
        """A form with its slots filled in. Case counts only where the form says so."""
        try:
            return re.compile(self.filled(joined(form)), re.IGNORECASE)
        except re.error as error:
            raise InputError(f"rules/{self.code}.toml: {error.msg}, in {form[:80]!r}.") from None

    def filled(self, form: str) -> str:
        """The names of slots and lists replaced by what they stand for."""
        return self._names.sub(lambda m: self.filled(self._known[m[0]]), form)

    @cached_property
    def _known(self) -> dict[str, str]:
        subject = self.file.subject
        pets = joined(subject.pets)
        known = {name: joined(form) for name, form in (*self.file.slots.items(), *self.file.lists.items())}
        return {**known, "PETS": pets}

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(sorted(self._known, key=len, reverse=True))})\b")

    def word(self, form: str) -> re.Pattern[str]:
        """A list of alternatives as one pattern of whole words; it matches nothing where the list is empty."""
        return self.pattern(rf"(?<!\w)(?:{joined(form)})(?!\w)") if form else re.compile(r"(?!)")

    @cached_property
    def openers(self) -> re.Pattern[str]:
        """What opens a sentence and says nothing, with what follows it."""
        return self.pattern(rf"(?:(?:{joined(self.file.openers)})(?!['’\w])[\s,:;!.…—–-]*)+")

    @cached_property
    def leading(self) -> re.Pattern[str]:
        """What may stand before the subject of a clause."""
        return self.pattern(self.file.leading)

    @cached_property
    def trailing(self) -> re.Pattern[str]:
        """What ends a clause and says nothing."""
        return self.pattern(rf"(?:[\s,]+(?:{joined(self.file.trailing)}))+$")

    @cached_property
    def joke(self) -> re.Pattern[str]:
        """The turn was not meant."""
        return self.word(self.file.markers.joke)

    @cached_property
    def doubt(self) -> re.Pattern[str]:
        """The sentence doesn't state that something is so."""
        return self.word(self.file.markers.doubt)

    @cached_property
    def reported(self) -> re.Pattern[str]:
        """From here on, the sentence tells what somebody said or thought."""
        return self.word(self.file.markers.reported)

    @cached_property
    def questions(self) -> re.Pattern[str]:
        """How a sentence begins that asks or demands."""
        return self.word(self.file.markers.questions)

    @cached_property
    def connectors(self) -> re.Pattern[str]:
        """Where a clause ends and the next statement may begin."""
        signs, _, words = joined(self.file.markers.connectors).partition("|WORDS|")
        return self.pattern(rf"\s*(?:{signs})\s*(?:(?:{words})\s+)?|\s+(?:{words})\s+")

    @cached_property
    def subordinate(self) -> re.Pattern[str]:
        """Where a clause goes on with what isn't stated."""
        return self.word(self.file.markers.subordinate)

    @cached_property
    def subject(self) -> re.Pattern[str]:
        """A clause's subject: groups `self`, `own` (with `noun`, `name`), `pronoun`."""
        s = self.file.subject
        parts = (s.female, s.male, s.persons, s.pets, s.things)
        nouns = "|".join(sorted("|".join(joined(p) for p in parts if p).split("|"), key=len, reverse=True))
        adjectives = rf"(?:(?:{joined(s.describing)}) )*" if s.describing else ""
        name = r"(?: (?P<name>NAME)(?!['’]))?"
        bare = f"(?={joined(s.bare)})" if s.bare else "(?!)"
        kin = rf"(?P<noun>{adjectives}(?P<kind>{nouns}))(?![\w-]){name}(?: {s.company})?"
        return self.pattern(
            rf"(?:(?P<self>{joined(s.self)})(?=['’\s])"
            rf"|(?:(?:{joined(s.own)}) |{bare}){kin}(?=['’\s])"
            rf"|(?P<pronoun>{'|'.join(s.pronouns)})(?=['’\s]))\s*"
        )

    @cached_property
    def called(self) -> re.Pattern[str]:
        """A name as a clause's subject."""
        return self.pattern(r"(?P<name>NAME)(?=['’\s])\s*")

    @cached_property
    def own(self) -> re.Pattern[str]:
        """ "My", and what follows it."""
        return self.pattern(rf"(?:{joined(self.file.subject.own)})\s+")

    @cached_property
    def possessed(self) -> re.Pattern[str]:
        """What tells the name of a subject, after it."""
        return self.pattern(self.file.subject.possessed or "(?!)")

    @cached_property
    def several(self) -> re.Pattern[str]:
        """The end of a head that stands for several people."""
        return self.pattern(rf"(?<!\w)(?:{joined(self.file.subject.plural) or '(?!)'})$")

    def spelt(self, text: str) -> str:
        """A text with its common misspellings put right."""
        return self._spelling.sub(lambda m: self.file.spelling[m[0].casefold()], text) if self.file.spelling else text

    @cached_property
    def _spelling(self) -> re.Pattern[str]:
        return self.word("|".join(self.file.spelling))

    @cached_property
    def omitted(self) -> re.Pattern[str]:
        """The verbs before which "I" may be left out."""
        return self.pattern(rf"(?=(?:{joined(self.file.subject.omitted) or '(?!)'})(?!\w))")

    def upright(self, text: str) -> str:
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
    def before(self) -> list[tuple[Means, re.Pattern[str]]]:
        """What may stand before the verb, in order."""
        return [(b.means, self.pattern(rf"(?:{joined(b.form)})(?:(?!['’\w])\s*)")) for b in self.file.before]

    @cached_property
    def inside(self) -> list[tuple[Means, re.Pattern[str]]]:
        """What may stand anywhere after the verb; it is taken out of the clause."""
        return [(b.means, self.word(b.form)) for b in self.file.inside]

    @cached_property
    def function_words(self) -> frozenset[str]:
        """The words by which the language is told."""
        return frozenset(self.file.function_words.split())

    @cached_property
    def genders(self) -> dict[str, str]:
        """Of people and pets: "female", "male", "pet" or "any"."""
        s = self.file.subject
        kinds = {"thing": s.things, "any": s.persons, "pet": s.pets, "female": s.female, "male": s.male}
        return {noun: gender for gender, nouns in kinds.items() for noun in joined(nouns).split("|")}

    @cached_property
    def confirmed(self) -> re.Pattern[str]:
        """A plain "yes"."""
        return self.pattern(rf"(?:{joined(self.file.confirm.yes)})(?!\w)[\s,.!:)-]*")

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
        """How a sentence begins that asks to be reminded."""
        forms = "|".join(joined(form) for forms in self.file.requests.values() for form in forms)
        return self.pattern(rf"(?:{joined(self.file.openers)}|[\s,])*(?:{forms})\s+") if forms else re.compile("(?!)")

    @cached_property
    def refused(self) -> re.Pattern[str]:
        """Words that speak to somebody."""
        return self.word(self.file.people.refused)

    @cached_property
    def told(self) -> re.Pattern[str]:
        """Words that are another in a sentence that tells of its speaker."""
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

    @cache  # noqa: B019  a handful of languages, each kept for good
    def _list(self, form: str, *, whole: bool) -> re.Pattern[str]:
        return self.pattern(rf"(?:{joined(form)})" + ("$" if whole else r"(?!\w)")) if form else re.compile("(?!)")

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
            found, count = re.subn(form, full, lemma, count=1)
            if count:
                return found
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
        verb = self.verb(word := text.split(maxsplit=1)[0].casefold())
        return verb.tense == "past" and verb.lemma in self.lemmas and word != verb.lemma

    def is_verb(self, text: str) -> bool:
        """Whether a text begins with a verb that the rules know, or with what stands before one."""
        word = text.split(maxsplit=1)[0].casefold()
        return self.verb(word).lemma in self.lemmas or any(form.match(text) for _, form in self.before)

    def verb(self, word: str) -> Verb:
        """The verb of a word: irregular, known by its stem, or as its ending tells."""
        low = word.casefold().replace("’", "'")
        known = self._irregular.get(low)
        if known is not None:
            return known
        tense: Tense = next((t for end, t in self.file.verbs.endings.items() if low.endswith(end)), "now")
        lemma = self.lemmas.get(stem(low, self.file.stemmer))
        return Verb(low if lemma is None else lemma, "now" if low == lemma else tense)

    def past(self, lemma: str) -> str | None:
        """The past form of an irregular verb."""
        return self._pasts.get(lemma)

    @cached_property
    def lemmas(self) -> dict[str, str]:
        """Stem -> lemma, and lemma -> itself, of all verbs in the rules."""
        known = set(self.phrases) | {verb.lemma for verb in self._irregular.values()}
        for rule in self.file.generic.values():
            for part in (rule.verbs, rule.dated, rule.progressive, rule.present):
                known |= set(re.findall(r"(?:^|\|)([\w'-]+)(?=[ |]|$)", joined(part)))
        ordered = sorted(known, key=lambda lemma: (-len(lemma), lemma))
        return {**{lemma: lemma for lemma in known}, **{stem(lemma, self.file.stemmer): lemma for lemma in ordered}}

    @cached_property
    def _irregular(self) -> dict[str, Verb]:
        found: dict[str, Verb] = {}
        for lemma, forms in self._forms:
            tenses: tuple[Tense, ...] = ("now", "past", "past", "progressive")
            for words, tense in reversed([*zip(forms, tenses, strict=False)]):
                found.update((word, Verb(lemma, tense)) for word in words.split())
            if lemma not in forms[1].split():
                found[lemma] = Verb(lemma, "now")
        return found

    @cached_property
    def _pasts(self) -> dict[str, str]:
        return {lemma: forms[1].split()[0] for lemma, forms in self._forms if len(forms) > 1 and forms[1].split()}

    @cached_property
    def _forms(self) -> list[tuple[str, list[str]]]:
        lines = (line.partition(":") for line in self.file.verbs.irregular.strip().splitlines())
        return [(lemma.strip(), forms.split("|")) for lemma, _, forms in lines]


@cache
def languages() -> dict[str, Language]:
    """The languages with rules, by code. Raises InputError where a file of rules is wrong."""
    folder = importlib.resources.files("memkit.think.extractive") / "rules"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): read_rules(f.name.removesuffix(".toml"), f.read_text("utf-8")) for f in files}


def read_rules(code: str, text: str) -> Language:
    """The language that a file's text describes. Raises InputError; the message names the place."""
    try:
        return Language(code, RuleFile.model_validate(tomllib.loads(text)))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"rules/{code}.toml: {error}") from None
