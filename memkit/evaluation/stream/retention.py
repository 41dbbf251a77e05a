"""SirLLM's grocery task (arXiv 2405.12528) as a test of retention, without a language model.

A group is one wish ("I have to buy saffron"), twenty questions about other things of about 45 tokens each, and
the question what the wish was. Is the item among the tokens that are kept once that has been asked? An item is
one token, so that it is kept or lost as a whole. Beside it stands a word of the fillers, drawn at random from
those that aren't stop words: it tells whether the item is kept better than anything else that was said.

In the easy form, as in the paper, the item is rare: that nearly decides it. In the hard form it is a thing that
other fillers speak of, as frequent as the word beside it, by what the model knew before it heard anything.
"""

import math
from collections.abc import Container, Iterator, Sequence
from itertools import accumulate, product
from typing import Literal, NamedTuple

import numpy as np

from memkit.evaluation.metrics import MeasuredFigures, bootstrap_interval, mean
from memkit.evaluation.stream.policies import ALL_POLICIES, Pair, Policy, Step, policy_scores, scored_turns, window
from memkit.evaluation.texts import lines_of
from memkit.models import FrozenModel
from memkit.protocols import Token
from memkit.surprisal.background import TOKEN_PATTERN, prior
from memkit.text.terms.language import STOP_WORDS

Form = Literal["easy", "hard"]

TASK_FORMS: tuple[Form, ...] = ("easy", "hard")
FILLERS_PER_GROUP = 20
BUDGET_TOKENS = (256, 512)
NEAREST_THINGS = 5  # things of about the same frequency, of which one is drawn


class Place(NamedTuple):
    """A token of a group: the number of its turn, and where its characters start there."""

    turn: int
    start: int


class Group(NamedTuple):
    """The texts of a group in order, and the places of the item and of the filler's word beside it."""

    texts: tuple[str, ...]
    item: Place
    other: Place


class Retention(FrozenModel):
    """The share of groups in which the item and the filler's word are kept; intervals (95 %) resample groups.

    `lead`: how much oftener the item is, and its interval.
    """

    form: Form
    policy: Policy
    budget: int
    item: float
    item_interval: Pair | None
    other: float
    other_interval: Pair | None
    lead: float
    lead_interval: Pair | None


class Grocery(MeasuredFigures):
    """The figures of all forms, policies and budgets. `draws`: of random keeping, for each group."""

    seed: int
    groups: int
    draws: int
    tokens: float  # in a group, on average
    rows: list[Retention]


def group(form: Form, number: int, seed: int) -> Group:
    """The group with this number; the same seed gives the same group, however many there are."""
    rng = np.random.default_rng((seed, TASK_FORMS.index(form), number))
    fillers = [str(text) for text in rng.choice(lines_of("stream/fillers.txt"), FILLERS_PER_GROUP, replace=False)]
    words = list(_content(fillers))
    turn, start, word = words[rng.integers(len(words))]
    item = _rare(number, seed) if form == "easy" else _as_frequent(word, {said for _, _, said in words}, rng)
    wish = str(rng.choice(lines_of("stream/wishes.txt")))
    texts = (wish.format(item=item), *fillers, str(rng.choice(lines_of("stream/questions.txt"))))
    return Group(texts, Place(0, wish.index("{item}")), Place(turn + 1, start))


def grocery(groups: int, draws: int, seed: int, step: Step = lambda: None) -> Grocery:
    """Measure retention in `groups` groups of each form; `step` is called after each of them."""
    shares: dict[tuple[Form, Policy, int], list[Pair]] = {}
    tokens: list[int] = []
    for form, number in product(TASK_FORMS, range(groups)):
        drawn = group(form, number, seed)
        turns = scored_turns(drawn.texts)
        tokens.append(sum(map(len, turns)))
        for policy, budget in product(ALL_POLICIES, BUDGET_TOKENS):
            rng = np.random.default_rng((seed, TASK_FORMS.index(form), number, budget))
            values = [_survival(drawn, turns, policy, budget, rng) for _ in range(draws if policy == "random" else 1)]
            item, other = map(mean, zip(*values, strict=True))
            shares.setdefault((form, policy, budget), []).append((item, other))
        step()
    return Grocery(
        seed=seed,
        groups=groups,
        draws=draws,
        tokens=mean(tokens),
        rows=[_row(*key, pairs) for key, pairs in shares.items()],
    )


def _content(texts: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """The words that tell something: the number of their text, their start in it, the word."""
    for number, text in enumerate(texts):
        for match in TOKEN_PATTERN.finditer(text):
            word = match[0].casefold()
            if len(word) > 1 and word.isalpha() and word not in STOP_WORDS:
                yield number, match.start(), word


def _rare(number: int, seed: int) -> str:
    """A grocery of its own for each group, as long as there are enough."""
    every = _words_of("stream/groceries.txt")
    return every[int(np.random.default_rng(seed).permutation(len(every))[number % len(every)])]


def _as_frequent(word: str, said: Container[str], rng: np.random.Generator) -> str:
    """A thing that isn't said in these fillers, about as frequent as the word."""
    things = [thing for thing in _words_of("stream/things.txt") if thing not in said]
    things.sort(key=lambda thing: (abs(math.log(prior(thing) / prior(word))), thing))
    return things[rng.integers(NEAREST_THINGS)]


def _words_of(name: str) -> list[str]:
    return " ".join(lines_of(name)).split()


def _survival(
    group: Group, turns: Sequence[Sequence[Token]], policy: Policy, budget: int, rng: np.random.Generator
) -> Pair:
    """1 for each of the item and the filler's word that is kept after all turns."""
    held = window(policy, budget)
    for turn in turns:
        held.feed(policy_scores(policy, turn, rng))
    first = [0, *accumulate(map(len, turns))]
    positions = set(held.positions.tolist())
    item, other = (first[p.turn] + [t.start for t in turns[p.turn]].index(p.start) for p in (group.item, group.other))
    return float(item in positions), float(other in positions)


def _row(form: Form, policy: Policy, budget: int, pairs: Sequence[Pair]) -> Retention:
    items, others = zip(*pairs, strict=True)
    item, other = mean(items), mean(others)
    return Retention(
        form=form,
        policy=policy,
        budget=budget,
        item=item,
        item_interval=_bounds(items),
        other=other,
        other_interval=_bounds(others),
        lead=item - other,
        lead_interval=bootstrap_interval([[item - other] for item, other in pairs]),
    )


def _bounds(shares: Sequence[float]) -> Pair | None:
    """The interval of a mean; where all or none are kept, resampling says nothing: the exact binomial one then."""
    edge = 0.025 ** (1 / len(shares))
    if min(shares) == 1:
        return edge, 1.0
    return (0.0, 1 - edge) if max(shares) == 0 else bootstrap_interval([[share] for share in shares])
