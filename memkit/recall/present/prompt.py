"""Recalled memories as a block for a model's prompt: quoted, dated, named, within a budget of tokens."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from memkit.errors import InputError
from memkit.recall.present.page import BlockRow, Page, Shown
from memkit.recall.present.prompt_material import Key, PromptMaterial
from memkit.recall.present.token_bound import token_bound

Counter = Callable[[str], int]

HIT_SHARE = 4  # the first look at a long hit shows at most this part of the budget ...
FIRST_LOOK_TOKENS = 80  # ... or as many tokens
GATHERED_LOOK_TOKENS = 160  # at each of the many turns that answer together
STABLE_SHARE = 4  # so do the portrait, and the summaries together
MIN_EXCERPT_CHARS = 24  # characters: less of a text isn't worth a line
EMPTY_QUOTE = '""'
LEAST_LINE = f"  noted: {EMPTY_QUOTE}"  # nothing gets a line where there is no room for as much


class PromptBlock(NamedTuple):
    """The rendered block, and the quotes of the memories that it shows."""

    text: str
    quotes: Mapping[Key, str]


class State(NamedTuple):
    """A step of the filling: what is shown, and what that costs, in tokens."""

    shown: Shown
    cost: int


class Slot(NamedTuple):
    """The place of a memory in the block: what stands before its quote, and the cost of all other lines, in tokens."""

    start: str
    others: int


def render(material: PromptMaterial, max_tokens: int, count_tokens: Counter | None = None) -> PromptBlock:
    """The block, at most `max_tokens` long by `count_tokens` (default: an upper bound, `token_bound`).

    The best hits get in first, long ones as an excerpt; then more of those, the thoughts that belong to
    them, the turns beside them that they need to be understood, and all of `hit.around`. Empty where not
    even one memory fits. Raises InputError.
    """
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 0:
        raise InputError("prompt: max_tokens must be a whole number of tokens, 0 or more.")
    return _Writer(material, max_tokens, count_tokens or token_bound).write()


class _Writer:
    """Fills the budget step by step; every step's state stays, to go back where the sum is too much."""

    def __init__(self, material: PromptMaterial, budget: int, count: Counter) -> None:
        self.material, self.budget, self.count = material, budget, count
        self.page = Page(material)
        self.hits = self.page.hits
        self.costs: dict[str, int] = {}
        self.overhead = count("")
        self.first_look = GATHERED_LOOK_TOKENS if material.gathered else max(budget // HIT_SHARE, FIRST_LOOK_TOKENS)
        self.states = [State({}, self._cost(self.page.rows({}), {}))]
        self.least = self._line_cost(LEAST_LINE)
        self.titles: set[str] = set()  # under which something is shown
        self.too_little = 0  # tokens of room in which a text found none

    @property
    def shown(self) -> Shown:
        return self.states[-1].shown

    @property
    def cost(self) -> int:
        return self.states[-1].cost

    def write(self) -> PromptBlock:
        """Place everything by priority, then hold strictly to the budget."""
        page, hits = self.page, self.hits
        self._excerpts(page.standing_keys, self.budget // STABLE_SHARE, together=True)
        self._excerpts(page.portrait_keys, self.budget // STABLE_SHARE)
        self._excerpts(page.summary_keys, self.budget // STABLE_SHARE, together=True)
        self._excerpts(page.upcoming_keys, self.budget // STABLE_SHARE, together=True)
        self._excerpts(hits, self.first_look)
        if not self.material.gathered or all(key in self.shown for key in hits):
            self._excerpts(hits, self.budget)
        self._add_thoughts()
        self._add_neighbours()
        return self._checked()

    def _add_thoughts(self) -> None:
        for key in self.page.thought_keys(self.shown):
            if self.page.is_below_shown(key, self.shown):
                self._try(key)

    def _add_neighbours(self) -> None:
        for key in self.page.needed_keys(self.shown):
            if key not in self.shown:
                self._excerpts([key], self.first_look)
        for key in self.page.neighbour_keys() if self.budget - self.cost >= self.least else ():
            self._try(key)

    def _checked(self) -> PromptBlock:
        """Counters need not be additive: count the whole, and take steps back until it fits."""
        while self.shown:
            text = "\n".join(self.page.line(row, self.shown) for row in self.page.rows(self.shown))
            if self.count(text) <= self.budget:
                return PromptBlock(text, {key: self.page.quoted(key, length) for key, length in self.shown.items()})
            self.states.pop()
        return PromptBlock("", {})

    def _excerpts(self, keys: Iterable[Key], most: int, *, together: bool = False) -> None:
        """Show as much of each as fits into `most` tokens, or of all of them together."""
        start = self.cost
        for key in keys:
            before = start if together else self.cost
            if self._may_grow(key):
                self._widest(key, min(self.budget, before + most))
            if self.material.gathered and key not in self.shown:
                return  # full: the many after it needn't be tried

    def _may_grow(self, key: Key) -> bool:
        """Whether more of a memory may find room, as far as can be told without looking at its text."""
        left, length = self.budget - self.cost, self.page.length(key)
        if key in self.shown:
            return left > 0 and self.shown[key] < length
        if left < self.least:
            return False
        room = self._room(key, self.budget)
        return room > self.too_little or (room > 0 and length < MIN_EXCERPT_CHARS)

    def _room(self, key: Key, limit: int) -> int:
        """Tokens that are left for a text beside its line's beginning, and the title that it needs."""
        entry = self.page.entry(key)
        title = self.page.title(entry)
        title_cost = self._line_cost(title) if key in self.hits and title not in self.titles else 0
        return limit - self.cost - title_cost - self._line_cost(entry.start + EMPTY_QUOTE)

    def _widest(self, key: Key, limit: int) -> None:
        """Show as much of a memory as fits."""
        slot, low = self._slot(key), self.shown.get(key, 0)
        length = self._fitting(slot, key, limit)
        if length > low:
            self._show(slot, key, length)
        elif not low:
            self.too_little = max(self.too_little, self._room(key, limit))

    def _fitting(self, slot: Slot, key: Key, limit: int) -> int:
        """The greatest length that fits; of what isn't shown yet, at least MIN_EXCERPT_CHARS, else 0."""
        low, high = self.shown.get(key, 0), self.page.length(key)
        least = low or min(high, MIN_EXCERPT_CHARS)
        if self._cost_in(slot, key, high) <= limit:
            return high
        if self._cost_in(slot, key, least) > limit:
            return low
        while least < high - 1:
            middle = (least + high) // 2
            fits = self._cost_in(slot, key, middle) <= limit
            least, high = (middle, high) if fits else (least, middle)
        return least

    def _try(self, key: Key) -> None:
        """Show a memory whole, where it fits and isn't shown yet."""
        if key in self.shown or not self._may_grow(key):
            return
        slot, length = self._slot(key), self.page.length(key)
        if self._cost_in(slot, key, length) <= self.budget:
            self._show(slot, key, length)

    def _show(self, slot: Slot, key: Key, length: int) -> None:
        self.titles.add(self.page.title(self.page.entry(key)))
        self.states.append(State({**self.shown, key: length}, self._cost_in(slot, key, length)))

    # costs, each line's counted once

    def _slot(self, key: Key) -> Slot:
        """The place of a memory beside what is shown."""
        self.page.join(key)
        shown = {**self.shown, key: self.page.length(key)}
        rows = self.page.rows(shown)
        start = next(row.start for row in rows if row.key == key)
        return Slot(start, self._cost([row for row in rows if row.key != key], shown))

    def _cost_in(self, slot: Slot, key: Key, length: int) -> int:
        return slot.others + self._line_cost(slot.start + self.page.quoted(key, length))

    def _cost(self, rows: Sequence[BlockRow], shown: Shown) -> int:
        return self.overhead + sum(self._line_cost(self.page.line(row, shown)) for row in rows)

    def _line_cost(self, line: str) -> int:
        if line not in self.costs:
            self.costs[line] = self.count(line + "\n") - self.overhead
        return self.costs[line]
