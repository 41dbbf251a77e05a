"""A question as the search takes it: read, encoded, and with what the bank adds to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from memkit.flows.context import BankContext
from memkit.models import Turn
from memkit.observe.intake import as_turns
from memkit.protocols import BankView, FloatArray
from memkit.recall.index.token_rows import word_vectors
from memkit.recall.ranking.late_interaction import QuestionWords
from memkit.recall.ranking.names import named_speakers, without_names
from memkit.recall.ranking.newer_values import COMPARED_RESULTS, asked_value
from memkit.recall.ranking.open_questions import MAX_GATHERED
from memkit.recall.ranking.query import Query, RecallOptions
from memkit.recall.ranking.whole_bank import WholeBankQuestion, whole_bank_question
from memkit.runtime.indexer import echo_key
from memkit.text.reading import MIN_READING
from memkit.text.terms.language import language_of
from memkit.text.terms.tokens import words

CONTEXT_SHARE = 0.2  # of the query's vector, that is the turns' before it


def is_asked(options: RecallOptions) -> bool:
    """Whether anything is asked for: words, or a time."""
    return bool(options.query.strip() or options.since or options.until)


@dataclass(frozen=True)
class EncodedQuestion:
    """A recall's options with what follows from them and the encoder alone; `Query` says what each is."""

    options: RecallOptions
    now: datetime
    whole: WholeBankQuestion | None
    vector: FloatArray | None
    reading: float
    meaning: float
    probes: FloatArray | None
    context: Sequence[str]
    words: QuestionWords | None

    @classmethod
    def of(cls, ctx: BankContext, speakers: Iterable[str], options: RecallOptions) -> "EncodedQuestion":
        """Read and encode what is asked of a bank of these speakers."""
        context = [turn.text for turn in _said(options.context) if turn.text.strip()]
        if options.by == "cosine":
            return cls.plain(ctx, options)
        whole = whole_bank_question(options.query)
        asked = (whole and whole.topic) or options.query
        reading = ctx.services.encoder.question_reading(asked)
        is_read = reading >= MIN_READING
        encoder = ctx.services.encoder
        vectors, words = _query_vectors(ctx, asked, speakers, context) if is_read else (None, None)
        vector = None if vectors is None else _leaning(vectors)
        probes = None if vector is None or options.min_score is not None else encoder.probes()
        return cls(options, options.now or ctx.now(), whole, vector, reading, encoder.meaning, probes, context, words)

    @classmethod
    def plain(cls, ctx: BankContext, options: RecallOptions) -> "EncodedQuestion":
        """The question's vector alone, of its words as they are."""
        vectors = ctx.services.encoder.question_vectors([options.query])
        vector = None if vectors is None else np.asarray(vectors[0])
        return cls(options, options.now or ctx.now(), None, vector, 1.0, 1.0, None, (), None)

    def query(self, speakers: Mapping[str, int], view: BankView) -> Query:
        """The query to a bank of these speakers."""
        options = self.options
        value = None if options.by else asked_value(options.query)
        return Query(
            options,
            now=self.now,
            whole=self.whole,
            vector=self.vector,
            reading=self.reading,
            meaning=self.meaning,
            probes=self.probes,
            words=self.words,
            context=self.context,
            allowed=None if options.where is None else frozenset(view.matching(options.where)),
            left_out=_seqs_without(view, options.without),
            speakers=speakers,
            past={} if options.as_of is None else view.states_at(options.as_of),
            value=value,
            least_results=MAX_GATHERED if self.whole else COMPARED_RESULTS if value else 0,
        )


def _said(items: Sequence[object]) -> list[Turn]:
    """Texts, turns, dicts and messages as turns; without what can't be read."""
    if not items:
        return []
    turns = as_turns([("user", item) if isinstance(item, str) else item for item in items])
    return [turn for turn in turns if isinstance(turn, Turn)]


def _seqs_without(view: BankView, items: Sequence[object]) -> frozenset[int]:
    """Seqs of the turns that say what these say, and of the thoughts that rest on such turns alone."""
    if not items:
        return frozenset()
    keys = [echo_key(view.state, turn.text, turn.speaker) for turn in _said(items)]
    originals = list(view.locate(list(view.same_text(keys).values())).values())
    turns = {*originals, *view.echoes(originals)} if originals else set[int]()
    rows = {m.id for m in view.memories(sorted(turns)).values()}
    derived = view.memories(view.derived_from(sorted(turns))) if turns else {}
    resting = {seq for seq, m in derived.items() if m.kind == "thought" and rows.issuperset(m.sources)}
    return frozenset(turns | resting)


def _query_vectors(
    ctx: BankContext, query: str, speakers: Iterable[str], context: Sequence[str]
) -> tuple[FloatArray | None, QuestionWords | None]:
    """Vectors of the query and its context, (1 + len(context), dimension), None where the encoder fails; its words'.

    A name outshines the rest of a short question, and who spoke is a cue of its own: so the query's vector
    leans towards that of the question without the speakers' names.
    """
    plain = without_names(query, named_speakers(query, speakers))
    is_named = plain != query and bool(plain.strip())
    query_words = _question_words(ctx, query, plain)
    vectors = ctx.services.encoder.question_vectors([query, *context, *([plain] if is_named else [])])
    if vectors is None or not is_named:
        return vectors, query_words
    share = ctx.settings.ranking.nameless
    blend = (1 - share) * vectors[0] + share * vectors[-1]
    return np.concatenate([blend[None] / np.linalg.norm(blend), vectors[1:-1]]), query_words


def _question_words(ctx: BankContext, query: str, plain: str) -> QuestionWords | None:
    """The question's words that it has without the speakers' names, too; None where recall compares no words."""
    if not (ctx.settings.index.tokens and ctx.settings.ranking.tokens):
        return None
    tokens, language = ctx.services.encoder.question_tokens(query), language_of(query)
    if tokens is None:
        return None
    terms = {word.term for word in words(plain, language)}
    content, vectors = word_vectors((word for word in words(query, language) if word.term in terms), tokens)
    return QuestionWords(tuple((word.term, *word.spellings) for word in content), vectors) if content else None


def _leaning(vectors: FloatArray) -> FloatArray:
    """The query's vector, leaning a little towards the turns just before it."""
    if len(vectors) == 1:
        return np.asarray(vectors[0])
    leaning = (1 - CONTEXT_SHARE) * vectors[0] + CONTEXT_SHARE * vectors[1:].mean(axis=0)
    return np.asarray(leaning / max(float(np.linalg.norm(leaning)), 1e-9), dtype=np.float32)
