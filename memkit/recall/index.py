"""A bank's index in memory: kept up to date from the storage, asked by recall. Pure: no SQL, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from memkit.models import KINDS, IndexRow, Kind
from memkit.protocols import CodeBatch, FloatArray, TermRow
from memkit.recall import cues as cue_reading
from memkit.recall.columns import NONE, STATES, Bools, Columns, Ints
from memkit.recall.cues import Cues
from memkit.recall.evidence import Lexical, lexical_evidence, standardised_cosines
from memkit.recall.lexical import LexicalIndex
from memkit.recall.lsh import Sketcher
from memkit.recall.ranking import Scope, Weights, score
from memkit.recall.relevance import relevance
from memkit.recall.sketch_search import WANTED, FetchVectors
from memkit.recall.vectors import VectorIndex
from memkit.text.curve import Curve
from memkit.text.terms import TIME, key_hash
from memkit.text.tokens import words
from memkit.times import to_micros

CANDIDATES = 400  # by their words; by sketches, `SketchSearch.count` says how many
RECALLED: tuple[Kind, ...] = ("turn", "thought")
FLOOR = 0.5  # of the best result: below it, the bank knows nothing of the question
SHARE = 0.1  # of the floor, for the results beside the best
SHORT = 300  # characters
THOUGHT = 0.5  # the share of a thought's evidence that its turns take
DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Query:
    """A question with everything that bears on its answer; `MemoryBank.recall` says what the parts mean.

    `vector` is None where there is none: then words decide. `allowed`: seqs, None for all. `speakers`:
    the bank's speakers with their hashes.
    """

    text: str
    now: datetime
    vector: FloatArray | None = None
    k: int = 10
    kinds: tuple[Kind, ...] | None = None
    speaker: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    valid_at: datetime | None = None
    as_of: datetime | None = None
    context: tuple[str, ...] = ()
    min_score: float | None = None
    allowed: frozenset[int] | None = None
    speakers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """One result: `score` in 0..1 is how relevant it is, `parts` what its rank is made of."""

    seq: int
    score: float
    parts: dict[str, float]
    words: tuple[str, ...] = ()
    thoughts: tuple[int, ...] = ()


def _around(query: Query) -> list[str]:
    """Terms of the turns that the question follows."""
    return list(dict.fromkeys(word.term for text in query.context for word in words(text)))


@dataclass
class Pool:
    """The rows that are scored for one question, and what was found for them; arrays are (n,)."""

    rows: Ints
    eligible: Bools
    cosine: FloatArray
    lexical: Lexical
    cues: Cues
    score: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))
    relevance: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))
    parts: dict[str, FloatArray] = field(default_factory=dict)
    thoughts: dict[int, list[int]] = field(default_factory=dict)  # seq of a turn -> seqs of thoughts


class BankIndex:
    """Everything that recall needs of one bank, in memory."""

    def __init__(
        self,
        *,
        key: bytes,
        zone: str,
        sketcher: Sketcher,
        curve: Curve,
        retention_weight: float,
        weights: Weights | None = None,
    ) -> None:
        self._key, self._zone = key, zone
        self._columns = Columns()
        self._lexical = LexicalIndex()
        self._vectors = VectorIndex(sketcher)
        self._curve, self._retention_weight = curve, retention_weight
        self._weights = weights or Weights()

    @property
    def size(self) -> int:
        """How many memories it holds."""
        return len(self._columns)

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return self._columns.nbytes + self._lexical.nbytes + self._vectors.nbytes

    @property
    def exact(self) -> bool:
        """True while the bank is small enough for exact search; beyond that, sketches choose what is scored."""
        return self._vectors.exact

    def candidates(self, fetch: FetchVectors) -> int:
        """How many sketches a search takes, or would take: see `candidates_for`."""
        return self._vectors.sketch_search.count(fetch)

    def sketch_recall(self, fetch: FetchVectors, queries: FloatArray | None = None, k: int = WANTED) -> float | None:
        """The share of exact search's k best that sketches find, or would find; reads every vector once."""
        return self._vectors.sketch_search.recall(fetch, queries, k)

    def update(
        self,
        rows: Iterable[IndexRow],
        codes: Iterable[CodeBatch],
        terms: Iterable[TermRow],
        vectors: FetchVectors,
    ) -> None:
        """Take in what was added or changed; rows with known seqs are replaced."""
        self._columns.put(rows)
        for row in terms:
            self._lexical.add(row)
        self._vectors.add(codes, vectors)

    def search(self, query: Query, fetch: FetchVectors) -> list[Scored]:
        """The best rows for a question, best first, those below the floor left out."""
        pool = self._pool(query, fetch)
        if not pool.eligible.any():
            return []
        self._rank(pool, query, fetch)
        self._attach_thoughts(pool, query)
        self._fresh_first(pool)
        return self._best(pool, query)

    # which rows

    def _pool(self, query: Query, fetch: FetchVectors) -> Pool:
        cues = cue_reading.read(query.text, query.speakers, query.now, self._zone)
        lexical = lexical_evidence(self._lexical, self._columns, self._key, cues.terms, _around(query))
        rows = self._rows(query, lexical, fetch)
        cosine = np.full(len(rows), np.nan, np.float32)
        if query.vector is not None:
            seqs = self._columns.column("seq")[rows]
            cosine = self._vectors.cosines(query.vector, seqs, fetch)
        return Pool(rows, self._eligible(rows, query), cosine, lexical, cues)

    def _rows(self, query: Query, lexical: Lexical, fetch: FetchVectors) -> Ints:
        live = self._live(query)
        if self._vectors.exact:
            return np.flatnonzero(live)
        chosen = np.zeros(len(live), dtype=bool)
        chosen[np.argsort(-lexical.scores, kind="stable")[:CANDIDATES]] = True
        if query.vector is not None:
            near, _ = self._columns.rows_of(self._vectors.sketch_search.candidates(query.vector, query.k, fetch))
            chosen[near] = True
        return np.flatnonzero(self._with_context(chosen) & live)

    def _with_context(self, chosen: Bools) -> Bools:
        """The chosen rows with two neighbours on each side and the members of their episodes."""
        wide = chosen.copy()
        for step in (1, 2):
            wide[step:] |= chosen[:-step]
            wide[:-step] |= chosen[step:]
        episodes = self._columns.column("episode")
        return np.asarray(wide | (np.isin(episodes, np.unique(episodes[chosen])) & (episodes != NONE)), dtype=bool)

    def _live(self, query: Query) -> Bools:
        column = self._columns.column
        state = column("state")
        live = (state == STATES.index("active")) | (state == STATES.index("superseded"))
        live &= column("echo_of") == NONE
        if query.as_of is not None:
            live &= column("recorded_at") <= to_micros(query.as_of)
        return np.asarray(live, dtype=bool)

    def _eligible(self, rows: Ints, query: Query) -> Bools:
        def column(name: str) -> Ints:
            return self._columns.column(name)[rows]

        kinds = [KINDS.index(kind) for kind in query.kinds or RECALLED]
        fits = np.isin(column("kind"), kinds)
        if query.speaker is not None:
            fits &= column("speaker") == query.speakers.get(query.speaker, NONE)
        if query.since is not None:
            fits &= column("occurred_at") >= to_micros(query.since)
        if query.until is not None:
            fits &= column("occurred_at") < to_micros(query.until)
        if query.allowed is not None:
            fits &= np.isin(column("seq"), list(query.allowed))
        if query.valid_at is not None:
            fits &= self._valid(rows, to_micros(query.valid_at))
        return np.asarray(fits, dtype=bool)

    def _valid(self, rows: Ints, moment: int) -> Bools:
        start, end = (self._columns.column(name)[rows] for name in ("valid_from", "valid_until"))
        begun = (start == NONE) | (start <= moment)
        return np.asarray(begun & ((end == NONE) | (end > moment)), dtype=bool)

    # in which order

    def _rank(self, pool: Pool, query: Query, fetch: FetchVectors) -> None:
        scope = self._scope(pool, query, fetch)
        pool.score = score(scope, pool.cues, self._weights)
        pool.parts = scope.parts
        pool.parts["retention"] = self._retention(pool.rows, query.now)
        pool.score = pool.score + pool.parts["retention"]
        named = np.isin(scope.speaker, list(pool.cues.named)).astype(np.float32)
        pool.relevance = relevance(pool.cosine, self._coverage(pool, scope), named)

    def _scope(self, pool: Pool, query: Query, fetch: FetchVectors) -> Scope:
        def column(name: str) -> Any:
            return self._columns.column(name)[pool.rows]

        dense = np.zeros(len(pool.rows), np.float32)
        if query.vector is not None:
            dense = standardised_cosines(pool.cosine, self._vectors.sample(query.vector, fetch))
        return Scope(
            dense=dense,
            lexical=pool.lexical.scores[pool.rows],
            episode=column("episode"),
            session=column("session"),
            speaker=column("speaker"),
            role=column("role"),
            occurred_at=column("occurred_at"),
            length=column("length"),
            asks=column("asks"),
            timed=self._timed()[pool.rows],
            age=((to_micros(query.now) - column("occurred_at")) / DAY).astype(np.float32),
            adjacent=np.append(np.diff(column("seq")) == 1, False),
        )

    def _timed(self) -> Bools:
        """Which rows name a time or a number."""
        timed = np.zeros(len(self._columns), dtype=bool)
        seqs, _ = self._lexical.postings(key_hash(self._key, TIME))
        timed[self._columns.rows_of(seqs)[0]] = True
        return timed

    def _coverage(self, pool: Pool, scope: Scope) -> FloatArray:
        """The share of the question's information in a row, or at half in the row before or after it.

        A long text holds many words by chance: beyond SHORT characters it counts for less.
        """
        own = pool.lexical.coverage[pool.rows] * np.sqrt(np.minimum(1, SHORT / np.maximum(scope.length, 1)))
        beside = np.zeros_like(own)
        beside[1:] = own[:-1] * scope.adjacent[:-1]
        beside[:-1] = np.maximum(beside[:-1], own[1:] * scope.adjacent[:-1])
        return np.maximum(own, beside / 2)

    def _retention(self, rows: Ints, now: datetime) -> FloatArray:
        """Bounded: it moves a score by at most `retention_weight`."""
        column = self._columns.column
        recalled = column("recalled_at")[rows]
        since = np.where(recalled == NONE, column("occurred_at")[rows], recalled)
        days = (to_micros(now) - since) / DAY
        kept = self._curve.retention(days, column("strength")[rows].astype(np.float64))
        kept = np.where(column("pinned")[rows], 1.0, kept)
        return (self._retention_weight * (2 * kept - 1)).astype(np.float32)

    def _attach_thoughts(self, pool: Pool, query: Query) -> None:
        """A thought lifts the turns that it rests on, and is shown with them instead of beside them."""
        if query.kinds is not None or not self._columns.sources:
            return
        seqs = self._columns.column("seq")[pool.rows]
        at = {seq: i for i, seq in enumerate(seqs.tolist())}
        lifted = pool.score.copy()
        thoughts = self._columns.column("kind")[pool.rows] == KINDS.index("thought")
        for thought, sources in self._columns.sources.items():
            turns = [at[s] for s in sources if s in at and pool.eligible[at[s]]]
            if turns and thought in at and thoughts[at[thought]]:
                self._lift(pool, lifted, at[thought], turns, seqs)
        pool.score = lifted

    def _lift(self, pool: Pool, lifted: FloatArray, thought: int, turns: Sequence[int], seqs: Ints) -> None:
        pool.eligible[thought] = False
        evidence = pool.parts["dense"][thought] + pool.parts["lexical"][thought]
        for turn in turns:
            pool.thoughts.setdefault(int(seqs[turn]), []).append(int(seqs[thought]))
            lifted[turn] = max(lifted[turn], pool.score[turn] + THOUGHT * max(float(evidence), 0.0))
            pool.relevance[turn] = max(pool.relevance[turn], pool.relevance[thought])

    def _fresh_first(self, pool: Pool) -> None:
        """What was superseded ranks below what replaced it."""
        column = self._columns.column
        seqs = column("seq")[pool.rows]
        at = {seq: i for i, seq in enumerate(seqs.tolist())}
        successors = column("superseded_by")[pool.rows]
        for old in np.flatnonzero(successors != NONE)[::-1]:
            new = at.get(int(successors[old]))
            if new is not None:
                pool.score[new] = max(pool.score[new], pool.score[old])
                pool.score[old] = min(pool.score[old], pool.score[new] - 0.01)

    # what is given back

    def _best(self, pool: Pool, query: Query) -> list[Scored]:
        found = pool.eligible.copy()
        if query.min_score is not None:
            found &= pool.relevance >= query.min_score
        elif pool.relevance.max(initial=0.0, where=pool.eligible) < FLOOR:
            return []
        else:
            found &= pool.relevance >= FLOOR * SHARE
        rows = np.flatnonzero(found)
        order = rows[np.lexsort((-pool.rows[rows], -pool.score[rows]))][: query.k]
        return [self._scored(pool, int(i)) for i in order]

    def _scored(self, pool: Pool, i: int) -> Scored:
        seq = int(self._columns.column("seq")[pool.rows[i]])
        parts = {name: round(float(values[i]), 4) for name, values in pool.parts.items() if values[i]}
        if not np.isnan(pool.cosine[i]):
            parts["cosine"] = round(float(pool.cosine[i]), 4)
        words = tuple(term for term, rows in pool.lexical.matched.items() if pool.rows[i] in rows)
        thoughts = tuple(pool.thoughts.get(seq, ()))
        return Scored(seq, round(float(pool.relevance[i]), 4), parts, words, thoughts)
