"""The form of a language's file of rules, `rules/<code>.toml`: what may stand in it, and what it means."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from memkit.models import TimeUnit

ContextMeaning = Literal[
    "skip", "drop", "plan", "duty", "wish", "used", "ended", "anymore", "negated", "cannot", "perfect", "was", "is"
]
PhraseEffect = Literal["state", "became", "ceased", "ceased_any", "cannot"]
VerbTense = Literal["now", "past", "progressive"]


class RuleSection(BaseModel):
    """A part of a rule file; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class VerbContext(RuleSection):
    """Words that may stand around the verb, and what they make of the clause."""

    means: ContextMeaning
    form: str


class RelationRule(RuleSection):
    """A relation by its names: as it holds now, as it held, as it doesn't, as it no longer does.

    `key`: relations with the same key tell of the same thing; of a `single` one there is one at a time
    (nothing else says so).
    `state` phrases hold while their verb is in the present, `became` make it hold, `ceased` end it
    (`ceased_any` without saying of what), `cannot` follow "can't"; `own` follow "my"; `whole` are whole
    clauses that tell it of the speaker, `asked` what demands and questions tell of it ("could you call me ...").
    "…" in a name is where the tail stands.
    """

    key: str
    now: str
    past: str | None = None
    negated: str | None = Field(None, alias="not")
    ended: str | None = None
    text: str = "{head} {name} {tail}."
    single: bool = False
    also: list[str] = []  # what it may be called besides, by a model or by a user
    opposite: bool = False  # it says the opposite of the other relations with its key
    future: bool = False  # it tells of what is to come
    state: list[str] = []
    became: list[str] = []
    ceased: list[str] = []
    ceased_any: list[str] = []
    cannot: list[str] = []
    own: list[str] = []
    whole: list[str] = []
    asked: list[str] = []


class GenericRule(RuleSection):
    """Statements of any content: the verbs that make them worth keeping, always or where a date is told."""

    name: str
    text: str
    verbs: str = ""
    dated: str = ""
    progressive: str = ""  # verbs whose present progressive, with a date to come, tells a plan
    present: str = ""  # and whose simple present does
    nouns: list[str] = []
    loose: str | None = None  # the text where the tail is a noun
    when: str = ""
    idle: str = ""
    arranged: str = ""  # verbs of which a date tells when what they arrange will be
    alone: str = ""  # verbs that say enough with nothing after them


class SubjectRules(RuleSection):
    """Subjects of clauses: the speaker, people and things of theirs, pronouns."""

    self: str
    own: str
    bare: str = ""  # whom one speaks of without "my"
    female: str = ""
    male: str = ""
    persons: str = ""
    pets: str = ""
    things: str = ""
    describing: str = ""
    company: str = "(?!)"  # who may be named with the subject
    pronouns: dict[str, str] = {}
    naming: str = ""
    possessed: str = ""  # "my dog's name is ...", after the dog
    plural: str = ""
    omitted: str = ""  # verbs before which "I" may be left out
    inverted: str = "(?!)"  # a `verb` that comes before `who` does it


class VerbRules(RuleSection):
    """Forms of verbs: endings, and irregular ones ("lemma: present | past | participle | progressive")."""

    endings: dict[str, VerbTense] = {}
    irregular: str = ""
    contracted: list[tuple[str, str]] = []
    stative: str = ""  # verbs whose progressive tells something else


class MarkerRules(RuleSection):
    """Signs that words are no statement of the speaker's: jokes, doubt, what others said, questions."""

    joke: str
    doubt: str
    reported: str
    questions: str
    connectors: str
    subordinate: str
    carrying: str  # the connectors after which the subject may be left out
    relative: str = ""  # words after which what others do is told, up to the end of the clause and what it carries


class SpeakerRules(RuleSection):
    """Words that change where a sentence tells of its speaker."""

    self: dict[str, str]
    other: dict[str, str]
    whose: str
    third: list[tuple[str, str]] = []
    plural: dict[str, str] = {}  # a relation's first word, said of several
    refused: str


class ConfirmationRules(RuleSection):
    """Few words that make a statement of what was said before: of a question, or in place of the words just said."""

    yes: str
    questions: list[tuple[str, str]]
    turned: dict[str, str]
    answers: list[tuple[str, str]] = []  # other questions, and how a short answer is made a statement
    fragment: str = "(?!)"  # a short answer: its group is what it says
    mended: str = (
        "(?!)"  # what puts right the words just said: `tail` in their place, `meant` where nothing else can be meant
    )


class RuleFile(RuleSection):
    """A language's file as it is written."""

    stemmer: str
    dates: dict[str, str] = {}
    dated: list[tuple[str, str]] = []  # other forms of times, as patterns, and their English
    function_words: str
    openers: str
    trailing: str
    leading: str = "(?!)"  # what may stand before the subject, besides
    markers: MarkerRules
    subject: SubjectRules
    verbs: VerbRules
    before: list[VerbContext] = []
    inside: list[VerbContext] = []
    slots: dict[str, str]
    lists: dict[str, str] = {}
    relation: list[RelationRule]
    generic: dict[str, GenericRule] = {}
    requests: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}  # words that are often misspelt
    people: SpeakerRules
    named: dict[TimeUnit, str]  # how an interval is called, by its unit
    seasons: list[str]  # winter, spring, summer, autumn
    shown: dict[str, str]  # how its name is put into a sentence, by its unit, and since, until or within it
    confirm: ConfirmationRules
    since: str
    weak_dates: str
    unfinished: str = ""  # tails that don't stand alone
    trivial: str  # what may follow a verb without being worth keeping
    be: str
    naming_relation: str


def join_lines(form: str) -> str:
    """A form that is written over several lines, in one."""
    return "".join(line if line.startswith(" ") else line.strip() for line in form.strip("\n").splitlines())
