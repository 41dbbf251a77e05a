"""A bank's index in memory: columns, postings, vectors; brought up to date from the storage. Pure: no SQL, no clock."""

from collections.abc import Iterable

import numpy as np

from memkit.batches import RowBatch, SketchBatch, TermBatch
from memkit.models import TURN_ROLES
from memkit.protocols import FloatArray, VectorSource
from memkit.recall.index.chance import ChanceCosines, measured_size
from memkit.recall.index.cohesion import cohesion
from memkit.recall.index.columns import Columns
from memkit.recall.index.lsh import Sketcher
from memkit.recall.index.postings import LexicalIndex
from memkit.recall.index.seq_array import Ints
from memkit.recall.index.sketch_search import WANTED_RESULTS
from memkit.recall.index.token_rows import TokenRows, unpacked
from memkit.recall.index.vectors import VectorIndex
from memkit.settings import RankingSettings
from memkit.text.terms.keys import TIME_TERM, key_hash

COHESION_ROWS = 2000  # on which the cohesion of a large bank is measured
MIN_READ_SHARE = 0.5  # of a bank's memories, on whose vectors its cohesion is measured
SAMPLED_ROWS = 200  # whose words tell what is usual in a bank
COHESION_GROWTH = 1.1  # times as large: then it is measured anew there


class BankIndex:
    """Everything that recall needs of one bank. `key`: its terms are hashed under it.

    `room`: for how many memories there is space at first.
    """

    def __init__(self, *, key: bytes, sketcher: Sketcher, ranking: RankingSettings, room: int = 0) -> None:
        self.key = key
        self.columns = Columns(room)
        self.lexical = LexicalIndex(room)
        self.vectors = VectorIndex(sketcher, ranking, room)
        self.version = 0  # goes up with each change
        self._cohesion: float | None = None  # None: to be measured
        self._measured_size = 0
        self._chance: ChanceCosines | None = None  # None: to be measured
        self._token_sample: TokenRows | None = None

    @property
    def size(self) -> int:
        """Number of memories."""
        return self.columns.count

    @property
    def nbytes(self) -> int:
        """Bytes in RAM, about."""
        return self.columns.nbytes + self.lexical.nbytes + self.vectors.nbytes

    @property
    def exact(self) -> bool:
        """True while the bank is small enough for exact search; beyond that, sketches choose what is scored."""
        return self.vectors.exact

    def update(
        self,
        rows: Iterable[RowBatch],
        sketches: Iterable[SketchBatch],
        terms: Iterable[TermBatch],
        source: VectorSource,
    ) -> None:
        """Take in what was added or changed; rows whose seqs are here already are replaced."""
        self.columns.put(rows)
        self.lexical.add(terms)
        self._measure()
        self.vectors.add(sketches, source, self.columns.column("length"))
        if self.exact or self.size > COHESION_GROWTH * self._measured_size:
            self._cohesion = None

    def remove(self, seqs: Iterable[int]) -> bool:
        """Take out what was erased: as if it had never been here. False where the index must be built anew."""
        gone = np.unique(np.fromiter(seqs, dtype=np.int64))
        self.columns.remove(gone)
        self.lexical.remove(gone)
        self._measure()
        self._cohesion = self._chance = None
        return self.vectors.remove(gone, self.columns.column("length"))

    def _measure(self) -> None:
        timed, _ = self.lexical.postings(key_hash(self.key, TIME_TERM))
        self.columns.measure(timed)
        self._token_sample = None
        self.version += 1

    def token_sample(self, source: VectorSource, dimension: int) -> TokenRows:
        """The words of rows that lie evenly over the bank, of those of them that have any."""
        if self._token_sample is None:
            seqs = self.columns.column("seq")
            chosen = np.linspace(0, max(len(seqs) - 1, 0), min(SAMPLED_ROWS, len(seqs))).astype(np.int64)
            self._token_sample = unpacked(source.tokens(seqs[chosen].tolist()), dimension)
        return self._token_sample

    def prepare(self, source: VectorSource) -> None:
        """Measure what the first question would wait for."""
        self.cohesion(source)
        if not self.exact:
            self.sketch_candidates(source)

    def cohesion(self, source: VectorSource) -> float:
        """Cohesion of the bank, measured anew when it has changed, or has grown by a tenth where not all is scored."""
        if self._cohesion is None and not (self._has_assistant() and self._is_read()):
            self._cohesion, self._measured_size = 0.0, self.size
        if self._cohesion is None:
            seqs, vectors = self.vectors.everything() if self.exact else self._sampled(source)
            rows, inside = self.columns.rows_of(seqs)
            sessions = self.columns.column("session")[rows]
            in_session = sessions >= 0
            if not inside.all():
                vectors = vectors[inside]
            if not in_session.all():
                vectors, sessions = vectors[in_session], sessions[in_session]
            self._cohesion = cohesion(vectors, sessions)
            self._measured_size = self.size
        return self._cohesion

    def chance(self, probes: FloatArray, source: VectorSource) -> ChanceCosines:
        """Cosines that the probes (n, dimension) find by chance, measured anew when the bank has grown by a tenth."""
        size = measured_size(len(self.vectors))
        if self._chance is None or self._chance.bank_size != size:
            cosines = [self.vectors.first_cosines(probe, size, source) for probe in probes]
            self._chance = ChanceCosines.measured(cosines, size)
        return self._chance

    def _has_assistant(self) -> bool:
        """Whether an assistant speaks: between people the measure follows the length of their sessions."""
        return bool((self.columns.column("role") == TURN_ROLES.index("assistant")).any())

    def _is_read(self) -> bool:
        """Whether most memories have vectors: those few that have one in a bank that isn't read stand for nothing."""
        return len(self.vectors) >= MIN_READ_SHARE * self.size

    def _sampled(self, source: VectorSource) -> tuple[Ints, FloatArray]:
        """Seqs of about COHESION_ROWS rows that have vectors, of whole sessions, evenly taken; their vectors."""
        sessions = self.columns.statistics.sessions
        wanted = max(1, len(sessions) * COHESION_ROWS // max(self.size, 1))
        chosen = sessions.numbers[:: max(1, len(sessions) // wanted)]
        rows = sessions.members(chosen, self.columns.column("session"))
        seqs = self.columns.column("seq")[rows][: 2 * COHESION_ROWS]
        vectors = self.vectors.fetcher(source)(seqs.tolist())
        encoded = vectors.any(axis=1)
        return seqs[encoded], vectors[encoded]

    def sketch_candidates(self, source: VectorSource) -> int:
        """Number of sketches that a search takes, or would take: see `candidates_for`."""
        return self.vectors.sketch_search.candidate_count(self.vectors.fetcher(source))

    def sketch_recall(
        self, source: VectorSource, queries: FloatArray | None = None, k: int = WANTED_RESULTS
    ) -> float | None:
        """The share of exact search's k best that sketches find, or would find; reads every vector once."""
        return self.vectors.sketch_search.recall(self.vectors.fetcher(source), queries, k)
