"""A bank's index in memory: kept up to date from the storage, asked by recall. Pure: no SQL, no clock."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

from memkit.batches import NONE, RowBatch, SketchBatch, TermBatch
from memkit.protocols import FloatArray, VectorSource
from memkit.recall.index.bank_statistics import BankStatistics
from memkit.recall.index.cohesion import cohesion
from memkit.recall.index.columns import Bools, Columns, Ints, among, only
from memkit.recall.index.lsh import Sketcher
from memkit.recall.index.postings import LexicalIndex
from memkit.recall.index.seq_array import distinct
from memkit.recall.index.sketch_search import WANTED
from memkit.recall.index.vectors import VectorIndex
from memkit.recall.ranking import cues as cue_reading
from memkit.recall.ranking.adjacent_turns import turns_around
from memkit.recall.ranking.calibration import evidence, is_answerable, relevance
from memkit.recall.ranking.candidates import Pool
from memkit.recall.ranking.chunk_attention import Unseen
from memkit.recall.ranking.event_dates import Windows, told_windows
from memkit.recall.ranking.evidence import Lexical, greatest, lexical_evidence, standardised_cosines
from memkit.recall.ranking.query import Query, eligible, is_visible, matches_filters
from memkit.recall.ranking.results import ScoredRow, whys
from memkit.recall.ranking.row_features import RowFeatures, row_features
from memkit.recall.ranking.scores import Scope, by_cues, by_evidence
from memkit.recall.ranking.thoughts import attach_thoughts, fresh_first
from memkit.settings import RankingSettings
from memkit.text.curve import Curve
from memkit.text.terms.keys import TIME_TERM, key_hash
from memkit.text.terms.tokens import words
from memkit.times import to_micros

CANDIDATES = 400  # by their words; by sketches, `SketchSearch.count` says how many
SAMPLED = 2000  # rows on which the cohesion of a large bank is measured
GROWN = 1.1  # times as large: then it is measured anew there
FLOOR = 0.01  # the relevance below which nothing is given back, though the bank knows of the question
NEIGHBOURS = 4  # rows on each side of a candidate that are scored with it
ROUNDS = 4  # of comparing exactly what ranks best by then; nearly always one is enough
LEADING, BESIDE, NEAREST = 50, 2, 100  # results, rows on each side of them, vectors: compared exactly
SCENE = 60  # bytes that a scene has for a row, about
DAY = 86_400_000_000  # microseconds


def _around(query: Query) -> list[str]:
    """Terms of the turns that the question follows."""
    return list(dict.fromkeys(word.term for text in query.context for word in words(text)))


class BankIndex:
    """Everything that recall needs of one bank, in memory; `room`: for how many memories there is space at first."""

    def __init__(
        self,
        *,
        key: bytes,
        zone: str,
        sketcher: Sketcher,
        curve: Curve,
        retention_weight: float,
        ranking: RankingSettings,
        room: int = 0,
    ) -> None:
        self._key, self._zone = key, zone
        self._columns = Columns(room)
        self._lexical = LexicalIndex(room)
        self._vectors = VectorIndex(sketcher, ranking, room)
        self._curve, self._retention_weight = curve, retention_weight
        self._weights = ranking
        self._cohesion: float | None = None  # None: to be measured
        self._measured_at = 0
        self._standing = BankStatistics()
        self._whole: RowFeatures | None = None  # of a small bank

    @property
    def size(self) -> int:
        """How many memories it holds."""
        return len(self._columns)

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        scene = SCENE * self.size if self._vectors.exact else 0
        return self._columns.nbytes + self._lexical.nbytes + self._vectors.nbytes + scene

    @property
    def exact(self) -> bool:
        """True while the bank is small enough for exact search; beyond that, sketches choose what is scored."""
        return self._vectors.exact

    def candidates(self, source: VectorSource) -> int:
        """How many sketches a search takes, or would take: see `candidates_for`."""
        return self._vectors.sketch_search.count(self._vectors.fetching(source))

    def sketch_recall(self, source: VectorSource, queries: FloatArray | None = None, k: int = WANTED) -> float | None:
        """The share of exact search's k best that sketches find, or would find; reads every vector once."""
        return self._vectors.sketch_search.recall(self._vectors.fetching(source), queries, k)

    def update(
        self,
        rows: Iterable[RowBatch],
        sketches: Iterable[SketchBatch],
        terms: Iterable[TermBatch],
        source: VectorSource,
    ) -> None:
        """Take in what was added or changed; rows with known seqs are replaced."""
        self._columns.put(rows)
        self._lexical.add(terms)
        self._stand()
        self._vectors.add(sketches, source, self._columns.column("length"))
        if self._vectors.exact or self.size > GROWN * self._measured_at:
            self._cohesion = None

    def prepare(self, source: VectorSource) -> None:
        """Measure what the first question would wait for."""
        self._measured_cohesion(source)
        if not self._vectors.exact:
            self.candidates(source)

    def remove(self, seqs: Iterable[int]) -> bool:
        """Take out what was erased: as if it had never been here. False where the index must be built anew."""
        gone = np.unique(np.fromiter(seqs, dtype=np.int64))
        self._columns.remove(gone)
        self._lexical.remove(gone)
        self._stand()
        self._cohesion = None
        return self._vectors.remove(gone, self._columns.column("length"))

    def _stand(self) -> None:
        timed, _ = self._lexical.postings(key_hash(self._key, TIME_TERM))
        self._standing.update(self._columns, timed)
        self._whole = None

    def search(self, query: Query, source: VectorSource) -> list[ScoredRow]:
        """The best rows for a question, best first, those below the floor left out."""
        pool = self._pool(query, source)
        if not pool.eligible.any():
            return []
        scope = self._scope(pool, query)
        retention = self._retention(pool.rows, query.now)
        fixed = {**pool.scene.traits, **by_cues(scope, pool.cues, self._weights), "retention": retention}
        self._rank(pool, scope, fixed)
        if query.vector is not None and not self._vectors.keeps_all:
            for _ in range(ROUNDS):
                if not self._refine(pool, query.vector, source, query.k):
                    break
                scope.dense = standardised_cosines(pool.cosine, pool.sample)
                self._rank(pool, scope, fixed)
        self._judge(pool)
        attach_thoughts(pool, self._columns, query)
        if self._weights.superseded:
            fresh_first(pool, self._columns, query)
        return self._best(pool, query)

    # which rows

    def _pool(self, query: Query, source: VectorSource) -> Pool:
        cues = cue_reading.read(query.text, query.speakers, query.now, self._zone)
        lexical = lexical_evidence(self._lexical, self._columns, self._key, cues.terms, _around(query))
        scene = self._scene(query, lexical, source)
        cosine = sample = np.full(len(scene), np.nan, np.float32)
        if query.vector is not None:
            cosine, sample = self._vectors.cosines(query.vector, scene.seqs, source)
        compared = np.full(len(scene), self._vectors.keeps_all)
        return Pool(scene, eligible(self._columns, scene.rows, query), cosine, sample, lexical, cues, compared)

    def _scene(self, query: Query, lexical: Lexical, source: VectorSource) -> RowFeatures:
        """The rows that are scored: of a small bank all, and these stay the same from question to question."""
        if not self._vectors.exact:
            return self._seen(self._with_context(self._candidates(query, lexical, source)), query, source)
        if query.as_of is not None:
            return self._seen(np.arange(self.size), query, source)
        if self._whole is None:
            self._whole = self._seen(np.arange(self.size), query, source)
        return self._whole

    def _seen(self, rows: Ints, query: Query, source: VectorSource) -> RowFeatures:
        live = rows[self._live(rows, query)]
        return row_features(self._columns, self._standing, live, self._measured_cohesion(source), self._weights)

    def _candidates(self, query: Query, lexical: Lexical, source: VectorSource) -> Ints:
        chosen = lexical.best(CANDIDATES)
        if query.vector is not None:
            fetch = self._vectors.fetching(source)
            found = self._vectors.sketch_search.candidates(query.vector, query.k, fetch)
            chosen = distinct(np.concatenate([chosen, self._columns.rows_of(found)[0]]))
        return chosen

    def _with_context(self, chosen: Ints) -> Ints:
        """The chosen rows with the members of their episodes and four neighbours on each side, in order.

        The nearer two are often results, and their evidence needs the other two.
        """
        near = (chosen[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1)).ravel()
        episodes = self._columns.column("episode")
        own = distinct(episodes[chosen])
        wanted = np.zeros(self.size, dtype=bool)
        wanted[near[(near >= 0) & (near < self.size)]] = True
        wanted[self._standing.episodes.members(own[own >= 0], episodes)] = True
        return np.flatnonzero(wanted)

    def _live(self, rows: Ints, query: Query) -> Bools:
        return np.asarray(
            is_visible(self._columns, rows, query) & (self._columns.at("echo_of", rows) == NONE), dtype=bool
        )

    # in which order

    def _rank(self, pool: Pool, scope: Scope, fixed: Mapping[str, FloatArray]) -> None:
        """By what follows from the cosines, which may be put right, and by what is fixed."""
        pool.parts = {**by_evidence(scope, self._weights), **fixed}
        pool.score = np.asarray(sum(pool.parts.values()), dtype=np.float32)

    def _judge(self, pool: Pool) -> None:
        named = among(pool.scene.speaker, pool.cues.named).astype(np.float32)
        pool.evidence = evidence(pool.cosine, self._coverage(pool), named)
        pool.relevance = relevance(pool.evidence)

    def _refine(self, pool: Pool, vector: FloatArray, source: VectorSource, k: int) -> bool:
        """Exact cosines for what may be a result, for what lies around that, and for what is nearest in meaning.

        False, and nothing is done, where the k best are exact already.
        """
        if pool.compared[greatest(pool.score, k)].all():
            return False
        leading = greatest(pool.score, max(LEADING, 2 * k))
        around = (leading[:, None] + np.arange(-BESIDE, BESIDE + 1)).ravel()
        near = greatest(np.nan_to_num(pool.cosine, nan=-1.0), NEAREST)
        chosen = distinct(np.concatenate([around[(around >= 0) & (around < len(pool.rows))], near]))
        chosen = chosen[~pool.compared[chosen]]
        seqs = self._columns.column("seq")[pool.rows[chosen]]
        pool.cosine[chosen] = self._vectors.exactly(vector, seqs, source)
        pool.compared[chosen] = True
        return True

    def _scope(self, pool: Pool, query: Query) -> Scope:
        dense = np.zeros(len(pool.rows), np.float32)
        if query.vector is not None:
            dense = standardised_cosines(pool.cosine, pool.sample)
        return Scope(pool.scene, dense, pool.lexical.scores(pool.rows), self._windows(pool), *self._unseen(pool))

    def _unseen(self, pool: Pool) -> tuple[Unseen | None, Unseen | None]:
        """What a search among candidates leaves out of episodes and of sessions; None where everything is scored."""
        if self._vectors.exact:
            return None, None
        sample = self._weights.dense * standardised_cosines(pool.sample, pool.sample)
        scene, standing = pool.scene, self._standing
        episodes, sessions = (
            Unseen(chunks.live_of(groups.numbers), sample, len(chunks), chunks.rows)
            for chunks, groups in ((standing.episodes, scene.episodes), (standing.sessions, scene.sessions))
        )
        return episodes, sessions

    def _windows(self, pool: Pool) -> Windows:
        if pool.cues.relative is None:
            return ()
        event = lexical_evidence(self._lexical, self._columns, self._key, pool.cues.event)
        return told_windows(event.scores(pool.rows), pool.scene.occurred_at, pool.cues.relative, self._zone)

    def _measured_cohesion(self, source: VectorSource) -> float:
        """Measured anew when the bank has changed, or has grown by a tenth where not all are scored."""
        if self._cohesion is None:
            seqs, vectors = self._vectors.kept_or(self._whole_sessions, source)
            rows, inside = self._columns.rows_of(seqs)
            sessions = self._columns.column("session")[rows]
            placed = sessions >= 0
            self._cohesion = cohesion(only(only(vectors, inside), placed), only(sessions, placed))
            self._measured_at = self.size
        return self._cohesion

    def _whole_sessions(self) -> Ints:
        """Seqs of about SAMPLED rows: of whole sessions, evenly taken."""
        numbers = self._standing.sessions.numbers
        wanted = max(1, len(numbers) * SAMPLED // max(self.size, 1))
        chosen = numbers[:: max(1, len(numbers) // wanted)]
        rows = self._standing.sessions.members(chosen, self._columns.column("session"))
        return self._columns.column("seq")[rows][: 2 * SAMPLED]

    def _coverage(self, pool: Pool) -> FloatArray:
        """The share of the question's information in a row, or at half in the row before or after it."""
        own, adjacent = pool.lexical.coverage(pool.rows) * pool.scene.open_to_words, pool.scene.adjacent
        most, half = own.copy(), own / 2
        most[1:] = np.maximum(most[1:], half[:-1] * adjacent)
        most[:-1] = np.maximum(most[:-1], half[1:] * adjacent)
        return np.asarray(most)

    def _retention(self, rows: Ints, now: datetime) -> FloatArray:
        """Bounded: it moves a score by at most `retention_weight`."""
        column = self._columns.at
        since = column("occurred_at", rows)
        if self._columns.has("recalled_at"):
            recalled = column("recalled_at", rows)
            since = np.where(recalled == NONE, since, recalled)
        kept = self._curve.retention((to_micros(now) - since) / DAY, column("strength", rows))
        kept[column("pinned", rows)] = 1.0
        return (self._retention_weight * (2 * kept - 1)).astype(np.float32)

    # what is given back

    def _best(self, pool: Pool, query: Query) -> list[ScoredRow]:
        found = pool.eligible.copy()
        if query.min_score is not None:
            found &= pool.relevance >= query.min_score
        elif not is_answerable(pool.evidence, pool.eligible, self._searched(pool)):
            return []
        else:
            found &= pool.relevance >= FLOOR
        rows = np.flatnonzero(found)
        if len(rows) > query.k:
            least = np.partition(pool.score[rows], -query.k)[-query.k]
            rows = rows[pool.score[rows] >= least]
        order = rows[np.lexsort((-pool.rows[rows], -pool.score[rows]))][: query.k]
        return self._results(pool, order, query)

    def _near(self, rows: Ints, query: Query, reach: int) -> dict[int, tuple[int, ...]]:
        """By row, the seqs of the turns before and after it, without those that the query may not see."""
        if not reach:
            return {}
        found = turns_around(self._columns, self._standing.sessions, rows, reach)
        every = np.array([row for near in found.values() for row in near], dtype=np.int64)
        seen = is_visible(self._columns, every, query) & matches_filters(self._columns, every, query)
        told = zip(every.tolist(), self._columns.column("seq")[every].tolist(), seen.tolist(), strict=True)
        allowed = {row: seq for row, seq, visible in told if visible}
        return {row: tuple(allowed[r] for r in near if r in allowed) for row, near in found.items()}

    def _searched(self, pool: Pool) -> int:
        """About how many memories the best were chosen from: as large a share of all as of the pool."""
        return round((self.size - self._standing.hidden) * float(pool.eligible.mean()))

    def _results(self, pool: Pool, best: Ints, query: Query) -> list[ScoredRow]:
        rows = pool.rows[best]
        beside, around = self._near(rows, query, 1), self._near(rows, query, query.around)
        seqs = self._columns.column("seq")[rows].tolist()
        scores = pool.relevance[best].astype(np.float64).round(4).tolist()
        return [
            ScoredRow(
                seq, score, why, words, tuple(pool.thoughts.get(seq, ())), beside.get(row, ()), around.get(row, ())
            )
            for row, seq, score, why, words in zip(
                rows.tolist(), seqs, scores, whys(pool, best), pool.lexical.terms_of(rows), strict=True
            )
        ]
