"""Forms of verbs: a word's lemma and tense, and a lemma's past."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from memkit.text.terms.tokens import stem
from memkit.think.extractive.rule_file import VerbRules, VerbTense


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

    def is_verb(self, word: str) -> bool:
        """Whether a word is a form of a verb that the rules know."""
        return self.verb(word).lemma in self.lemmas

    def past(self, lemma: str) -> str | None:
        """The past form of an irregular verb."""
        return self._pasts.get(lemma)

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
    def _pasts(self) -> dict[str, str]:
        return {lemma: forms[1].split()[0] for lemma, forms in self._forms if len(forms) > 1 and forms[1].split()}

    @cached_property
    def _forms(self) -> list[tuple[str, list[str]]]:
        lines = (line.partition(":") for line in self._rules.irregular.strip().splitlines())
        return [(lemma.strip(), forms.split("|")) for lemma, _, forms in lines]
