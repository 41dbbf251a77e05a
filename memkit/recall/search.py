"""The search of a bank: candidates, then scores, refinement, calibration, results. Pure: no SQL, no clock."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from memkit.batches import NO_VALUE
from memkit.models import TIME_UNITS
from memkit.protocols import FloatArray, VectorSource
from memkit.recall.index.bank_index import BankIndex
from memkit.recall.index.columns import Bools, among
from memkit.recall.index.seq_array import Ints, distinct
from memkit.recall.ranking.calibration import absolute_evidence, relevance, result_count, sureness
from memkit.recall.ranking.candidates import Candidates, Fading, RowFeatures, UnseenChunks, row_features
from memkit.recall.ranking.chunk_attention import evidence_parts
from memkit.recall.ranking.completion import completed_lexical
from memkit.recall.ranking.cues import (
    Cues,
    Windows,
    cue_parts,
    event_windows,
    inside,
    mentioned_shares,
    read_cues,
    values_of,
)
from memkit.recall.ranking.evidence import LexicalEvidence, SearchTerm, greatest, lexical_evidence, standardised_cosines
from memkit.recall.ranking.late_interaction import compare_words
from memkit.recall.ranking.links import adjacent_turns, attach_thoughts, order_superseded
from memkit.recall.ranking.open_questions import MAX_GATHERED, TOPIC_RELEVANCE, spread_best, told_first
from memkit.recall.ranking.query import Query, is_eligible, is_visible, last_said, matches_filters
from memkit.recall.ranking.session_share import follow_sessions
from memkit.settings import RankingSettings
from memkit.text.curve import Curve
from memkit.text.terms.forms import without_marks
from memkit.text.terms.keys import key_hash
from memkit.text.terms.tokens import stem
from memkit.times import from_micros, to_micros

LEXICAL_CANDIDATES = 400  # by their words; by sketches, `SketchSearch.candidate_count` says how many
NEIGHBOUR_ROWS = 4  # on each side of a candidate, that are scored with it
MAX_ROUNDS = 4  # of refinement; nearly always one is enough
LEADING_ROWS, BESIDE_ROWS, NEAREST_ROWS = 50, 2, 100  # compared exactly: the best, so many on each side, the nearest
MIN_RELEVANCE = 0.01  # below which nothing is given back, though the bank can answer the question
NO_ROWS = np.empty(0, np.int64)
FEATURE_BYTES = 60  # that the features of a row take, about


class ScoredRow(NamedTuple):
    """One result: `score` in 0..1 is how relevant it is, `parts` are the summands of its rank."""

    seq: int
    score: float
    parts: dict[str, float]
    words: tuple[str, ...] = ()  # terms of the question that it holds
    name: str | None = None  # the question's word for its speaker, where that is another name
    thoughts: tuple[int, ...] = ()
    older: int | None = None  # the turn with an older value, in front of which it was put
    beside: tuple[int, ...] = ()  # the turns just before and after it in its session
    around: tuple[int, ...] = ()  # as many on each side as were asked for
    last_said: int | None = None  # when a person said it again for the last time, in microseconds
    gathered: int = 0  # rows of the time or about the topic, where the question asks for all of them
    further: bool = False  # beyond the results that were asked for: for the prompt


class Searcher:
    """Searches a bank's index. `zone`: the bank's; `retention_weight`: how far retention may move a score."""

    def __init__(
        self,
        index: BankIndex,
        *,
        zone: str,
        curve: Curve,
        retention_weight: float,
        ranking: RankingSettings,
    ) -> None:
        self.index = index
        self._zone, self._curve, self._retention_weight, self._weights = zone, curve, retention_weight, ranking
        self._features: RowFeatures | None = None  # of all rows of a small bank
        self._featured = index.version
        self._fading: Fading | None = None  # of the same rows

    @property
    def nbytes(self) -> int:
        """Bytes in RAM, about: of the index, and of what is remembered from question to question."""
        return self.index.nbytes + (FEATURE_BYTES * self.index.size if self.index.vectors.exact else 0)

    def search(self, query: Query, source: VectorSource) -> list[ScoredRow]:
        """The best rows for a question, best first, those below the floor left out."""
        cues = self._cues(query)
        cues = self._with_mentioned(cues, source)
        if cues.is_open and (query.whole or cues.span or query.options.since or query.options.until):
            return self._said_in_time(query, cues, source)
        candidates = self._candidates(query, cues, source)
        if not candidates.eligible.any():
            return []
        self._score(candidates, cues, query)
        self._refine(candidates, query, source)
        self._compare_words(candidates, query, source)
        self._calibrate(candidates, cues)
        self._follow_links(candidates, query)
        if query.whole is not None:
            return self._about_topic(candidates, query, cues, source)
        best = self._best(candidates, query, self._given(candidates, query, cues, source))
        return self._results(candidates, best, query, cues)

    def _cues(self, query: Query) -> Cues:
        day_first = self._weights.day_first
        return read_cues(query.question, query.speakers, query.now, self._zone, self._holds, day_first=day_first)

    def _said_in_time(self, query: Query, cues: Cues, source: VectorSource) -> list[ScoredRow]:
        """The most telling rows of the time that is asked about, where nothing else is."""
        columns = self.index.columns
        rows = self._said_inside(cues) if cues.span else columns.rows
        rows = distinct(self._mentioning(cues)) if cues.mentioning else rows
        features = self._features_of(rows, query, source)
        eligible, unknown = is_eligible(columns, features.rows, query), np.full(len(features), np.nan, np.float32)
        if cues.named:
            eligible &= among(features.speaker, cues.named)
        evidence = self._lexical(())
        exact = np.ones(len(features), dtype=bool)
        scores = features.telling + self._weights.date * values_of(features.seqs, cues.mentioning)
        none = np.zeros_like(scores)
        candidates = Candidates(features, eligible, evidence, none, None, unknown, exact, unknown)
        candidates.parts, candidates.relevance = features.traits, np.ones_like(scores)
        best = spread_best(scores, features.occurred_at, eligible, query.options.k)
        rest = eligible.copy()
        rest[best] = False
        more = spread_best(scores, features.occurred_at, rest, max(MAX_GATHERED - len(best), 0))
        return self._gathered(candidates, np.concatenate([best, more]), int(eligible.sum()), query, cues)

    def _about_topic(self, candidates: Candidates, query: Query, cues: Cues, source: VectorSource) -> list[ScoredRow]:
        """The rows about the topic of a question about the whole bank, best first."""
        if not self._given(candidates, query, cues, source):
            return []
        least = query.options.min_score
        floor = TOPIC_RELEVANCE if least is None else least
        every = told_first(candidates, floor, addressed=query.whole is not None and query.whole.addressed)
        return self._gathered(candidates, every[: max(query.options.k, MAX_GATHERED)], len(every), query, cues)

    def _gathered(self, candidates: Candidates, places: Ints, count: int, query: Query, cues: Cues) -> list[ScoredRow]:
        """Results at these places of the `count` that answer; those beyond the k asked for are for the prompt."""
        rows = self._results(candidates, places, query, cues)
        return [row._replace(gathered=count, further=i >= query.options.k) for i, row in enumerate(rows)]

    def _with_mentioned(self, cues: Cues, source: VectorSource) -> Cues:
        """The cues with the rows that mention the time that is asked about, where nothing was said in it."""
        if not cues.windows or len(self._said_inside(cues)):
            return cues
        ((start, end),) = cues.windows
        mentions = source.mentions(TIME_UNITS, (from_micros(start), from_micros(end)))
        return cues._replace(mentioning=mentioned_shares(mentions, cues.windows))

    def _mentioning(self, cues: Cues) -> Ints:
        """Rows that mention the time that is asked about, those first of whose times most lies in it."""
        if not cues.mentioning:
            return NO_ROWS
        best = sorted(cues.mentioning, key=lambda seq: -cues.mentioning[seq])[:LEADING_ROWS]
        return self.index.columns.rows_of(np.array(best, dtype=np.int64))[0]

    def _said_inside(self, cues: Cues) -> Ints:
        """Rows of what was said in the time that is asked about, for the first time or again."""
        columns = self.index.columns
        repeated = columns.statistics.repetitions
        again = repeated.originals[inside(columns.column("occurred_at")[repeated.rows], cues.windows)]
        said = np.flatnonzero(inside(columns.column("occurred_at"), cues.windows))
        return distinct(np.concatenate([said, columns.rows_of(again)[0]]))

    # candidates

    def is_candidate(self, seq: int, query: Query, source: VectorSource) -> bool:
        """Whether a search for what `query` asks compares this memory."""
        cues = self._cues(query)
        return seq in self._candidates(query, cues, source).features.seqs

    def _candidates(self, query: Query, cues: Cues, source: VectorSource) -> Candidates:
        """The rows that are scored, with their cosines and the words of the question that they hold."""
        evidence = self._lexical(cues.terms, query.context_terms)
        features = self._features_for(query, evidence, source, self._mentioning(cues))
        cosines = sample = np.full(len(features.rows), np.nan, np.float32)
        if query.vector is not None:
            cosines, sample = self.index.vectors.cosines(query.vector, features.seqs, source)
        return Candidates(
            features=features,
            eligible=is_eligible(self.index.columns, features.rows, query),
            words=evidence,
            lexical=evidence.scores(features.rows),
            reranked=values_of(features.seqs, query.reranked) if query.reranked else None,
            cosines=cosines,
            sample=sample,
            exact=np.full(len(features.rows), self.index.vectors.all_in_ram),
            reading=query.reading,
            meaning=query.meaning,
        )

    def _holds(self, word: str) -> bool:
        """Whether any memory holds a word."""
        forms = {stem(word), stem(without_marks(word))}
        return any(self.index.lexical.holds(key_hash(self.index.key, form)) for form in forms)

    def _lexical(self, terms: Sequence[SearchTerm], context: Sequence[str] = ()) -> LexicalEvidence:
        index = self.index
        return lexical_evidence(index.lexical, index.columns, index.key, terms, list(dict.fromkeys(context)))

    def _features_for(
        self, query: Query, evidence: LexicalEvidence, source: VectorSource, mentioning: Ints
    ) -> RowFeatures:
        """Features of the rows that are scored: of a small bank all, the same from question to question."""
        if not self.index.vectors.exact:
            chosen = distinct(np.concatenate([self._chosen(query, evidence, source), mentioning]))
            return self._features_of(self._with_context(chosen), query, source)
        if query.options.as_of is not None:
            return self._features_of(self.index.columns.rows, query, source)
        if self._features is None or self._featured != self.index.version:
            self._features, self._fading = self._features_of(self.index.columns.rows, query, source), None
            self._featured = self.index.version
        return self._features

    def _features_of(self, rows: Ints, query: Query, source: VectorSource) -> RowFeatures:
        visible = rows[self._is_visible(rows, query)]
        return row_features(self.index.columns, visible, self.index.cohesion(source), self._weights)

    def _is_visible(self, rows: Ints, query: Query) -> Bools:
        echoes = self.index.columns.at("echo_of", rows) != NO_VALUE
        return np.asarray(is_visible(self.index.columns, rows, query) & ~echoes, dtype=bool)

    def _chosen(self, query: Query, evidence: LexicalEvidence, source: VectorSource) -> Ints:
        """Rows of a large bank that the question's words or its vector lead to."""
        rows = evidence.best(LEXICAL_CANDIDATES)
        if query.vector is None:
            return rows
        vectors = self.index.vectors
        seqs = vectors.sketch_search.candidates(query.vector, query.result_count, vectors.fetcher(source))
        return distinct(np.concatenate([rows, self.index.columns.rows_of(seqs)[0]]))

    def _with_context(self, chosen: Ints) -> Ints:
        """The chosen rows with the members of their episodes and four neighbours on each side, in order.

        The nearer two are often results, and their evidence needs the other two.
        """
        near = (chosen[:, None] + np.arange(-NEIGHBOUR_ROWS, NEIGHBOUR_ROWS + 1)).ravel()
        episodes = self.index.columns.column("episode")
        own = distinct(episodes[chosen])
        wanted = np.zeros(self.index.size, dtype=bool)
        wanted[near[(near >= 0) & (near < self.index.size)]] = True
        wanted[self.index.columns.statistics.episodes.members(own[own >= 0], episodes)] = True
        return np.flatnonzero(wanted)

    # scores

    def _score(self, candidates: Candidates, cues: Cues, query: Query) -> None:
        """Score the candidates by evidence, traits, cues and retention."""
        if not self.index.vectors.exact:
            candidates.unseen_episodes, candidates.unseen_sessions = self._unseen(candidates)
        follow_sessions(candidates, self._weights)
        candidates.fixed_parts = {
            **candidates.traits(asks_assistant=cues.asks_assistant),
            **cue_parts(cues, candidates.features, self._event_windows(cues, candidates.features), self._weights),
            "retention": self._retention(candidates.features, to_micros(query.now)),
        }
        candidates.completed = completed_lexical(candidates, self._weights)
        self._rank(candidates)

    def _rank(self, candidates: Candidates) -> None:
        """Add up the parts: those that follow from the cosines, which refinement changes, and the fixed ones."""
        candidates.parts = {**evidence_parts(candidates, self._weights), **candidates.fixed_parts}
        candidates.score = np.asarray(sum(candidates.parts.values()), dtype=np.float32)

    def _unseen(self, candidates: Candidates) -> tuple[UnseenChunks, UnseenChunks]:
        """Episodes and sessions as far as a search among candidates leaves them out."""
        standardised = standardised_cosines(candidates.sample, candidates.sample)
        sample = self._weights.dense * candidates.reading * candidates.meaning * standardised
        statistics, features = self.index.columns.statistics, candidates.features
        episodes, sessions = (
            UnseenChunks(chunks.visible_of(groups.numbers), sample, len(chunks), chunks.row_count)
            for chunks, groups in ((statistics.episodes, features.episodes), (statistics.sessions, features.sessions))
        )
        return episodes, sessions

    def _event_windows(self, cues: Cues, features: RowFeatures) -> Windows:
        if cues.relative is None:
            return ()
        event = self._lexical(cues.event).scores(features.rows)
        return event_windows(event, features.occurred_at, cues.relative, self._zone)

    def _retention(self, features: RowFeatures, now: int) -> FloatArray:
        """Retention as a part of the score: at most `retention_weight`, up or down; `now` in microseconds."""
        fading = self._fading if features is self._features else None
        fading = fading or Fading.of(features, self.index.columns, self._curve)
        self._fading = fading if features is self._features else self._fading
        lost = np.minimum((fading.used_at - now) * fading.rates, 0)
        retention = np.exp(lost.astype(np.float32))
        retention *= 2 * self._retention_weight
        retention -= self._retention_weight
        return retention

    # refinement: exact cosines in the place of estimates

    def _refine(self, candidates: Candidates, query: Query, source: VectorSource) -> None:
        """Compare exactly what may be a result, and rank anew, until the k best are exact."""
        if query.vector is None or self.index.vectors.all_in_ram:
            return
        for _ in range(MAX_ROUNDS):
            if candidates.exact[greatest(candidates.score, query.result_count)].all():
                return
            rows = self._inexact(candidates, max(LEADING_ROWS, 2 * query.result_count))
            seqs = candidates.features.seqs[rows]
            candidates.cosines[rows] = self.index.vectors.exact_cosines(query.vector, seqs, source)
            candidates.exact[rows] = True
            self._rank(candidates)

    def _inexact(self, candidates: Candidates, leading: int) -> Ints:
        """Places of the leading candidates, of those around them, and of the nearest in meaning, as far as inexact."""
        best = greatest(candidates.score, leading)
        around = (best[:, None] + np.arange(-BESIDE_ROWS, BESIDE_ROWS + 1)).ravel()
        near = greatest(np.nan_to_num(candidates.cosines, nan=-1.0), NEAREST_ROWS)
        chosen = distinct(np.concatenate([around[(around >= 0) & (around < len(candidates.score))], near]))
        return chosen[~candidates.exact[chosen]]

    def _compare_words(self, candidates: Candidates, query: Query, source: VectorSource) -> None:
        """Compare the question's words with those of the best rows, and rank anew."""
        if query.words is not None and self._weights.tokens:
            compare_words(candidates, query.words, self.index, source)
            self._rank(candidates)

    # calibration and thoughts

    def _calibrate(self, candidates: Candidates, cues: Cues) -> None:
        candidates.evidence = absolute_evidence(candidates, cues.named)
        candidates.relevance = relevance(candidates.evidence)

    def _follow_links(self, candidates: Candidates, query: Query) -> None:
        """Follow links: from thoughts to the turns they rest on, from superseded memories to their replacements."""
        columns = self.index.columns
        if columns.sources and query.options.kinds is None:
            attach_thoughts(candidates, columns, query)
        if self._weights.superseded and (query.past or columns.has("superseded_by")):
            order_superseded(candidates, columns, query)

    # results

    def _best(self, candidates: Candidates, query: Query, k: int) -> Ints:
        """Places of the k results among the candidates, best first."""
        floor = MIN_RELEVANCE if query.options.min_score is None else query.options.min_score
        return candidates.best(floor, k)

    def _given(self, candidates: Candidates, query: Query, cues: Cues, source: VectorSource) -> int:
        """Number of results given: fewer than are wanted, or none, where it isn't sure that the bank can answer."""
        if query.options.min_score is not None:
            return query.result_count
        probes = query.probes if len(self.index.vectors) else None
        chance = None if probes is None else self.index.chance(probes, source)
        sure = sureness(candidates, chance, self._searched(candidates), cues)
        return result_count(sure, query.result_count)

    def _searched(self, candidates: Candidates) -> int:
        """About how many memories the best were chosen from: as large a share of all as of the candidates."""
        visible = self.index.columns.count - self.index.columns.statistics.hidden_count
        return round(visible * np.count_nonzero(candidates.eligible) / len(candidates.eligible))

    def _results(self, candidates: Candidates, best: Ints, query: Query, cues: Cues) -> list[ScoredRow]:
        rows = candidates.features.rows[best]
        beside, around = self._near(rows, query, 1), self._near(rows, query, query.options.around)
        seqs = candidates.features.seqs[best].tolist()
        scores = candidates.relevance[best].astype(np.float64).round(4).tolist()
        parts, terms = (
            candidates.rounded_parts(best),
            candidates.words.terms_of(candidates.saturations.take(best, axis=1)),
        )
        names = [cues.likened.get(speaker) for speaker in candidates.features.speaker[best].tolist()]
        again = last_said(self.index.columns, seqs, query)
        return [
            ScoredRow(
                seq=seq,
                score=scores[i],
                parts=parts[i],
                words=terms[i],
                name=names[i],
                thoughts=tuple(candidates.thoughts.get(seq, ())),
                beside=beside.get(row, ()),
                around=around.get(row, ()),
                last_said=again.get(seq),
            )
            for i, (row, seq) in enumerate(zip(rows.tolist(), seqs, strict=True))
        ]

    def _near(self, rows: Ints, query: Query, reach: int) -> dict[int, tuple[int, ...]]:
        """Seqs of the turns before and after each row, by row, without those that the query may not see."""
        if not reach or not len(rows):
            return {}
        columns, near_rows = self.index.columns, adjacent_turns(self.index.columns, rows, reach)
        every = np.array(list(chain.from_iterable(near_rows.values())), dtype=np.int64)
        allowed = is_visible(columns, every, query) & matches_filters(columns, every, query)
        if not allowed.all():
            every = every[allowed]
        seqs = dict(zip(every.tolist(), columns.column("seq").take(every).tolist(), strict=True))
        return {row: tuple([seqs[r] for r in near if r in seqs]) for row, near in near_rows.items()}
