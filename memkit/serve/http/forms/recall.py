"""Forms of recall: the question with its options, and the block for a prompt that is made with it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from memkit.models import Kind
from memkit.recall.ranking.query import MAX_RESULTS
from memkit.serve.http.forms.basics import (
    BankParts,
    Flag,
    JsonMoment,
    MemoryIds,
    PrefixParts,
    RequestForm,
    TurnInput,
)

Count = Annotated[int, Field(strict=True)]


class BlockRequest(RequestForm):
    """The block for a model's prompt, made on the server: what it shows is strengthened there.

    Without a model's own counter, `max_tokens` is an upper bound that holds for common tokenizers.
    """

    max_tokens: Annotated[Count, Field(ge=0)]


class PromptRequest(BlockRequest):
    """The block for a model's prompt, from one bank; `upcoming`: with what people told of days to come."""

    portrait: Flag = True
    summaries: Flag = True
    standing: Flag = True
    upcoming: Flag = False


class QuestionForm(RequestForm):
    """A question and the options of a recall, as `MemoryBank.recall` takes them."""

    query: str
    k: Annotated[Count, Field(ge=1, le=MAX_RESULTS)] = 10
    kinds: list[Kind] | None = None
    where: dict[str, Any] | None = None
    speaker: str | None = None
    since: JsonMoment | None = None
    until: JsonMoment | None = None
    context: list[TurnInput | str] = []
    without: list[TurnInput | str] = []
    around: Annotated[Count, Field(ge=0, le=MAX_RESULTS)] = 0
    min_score: Annotated[float | None, Field(ge=-1, le=1, strict=True)] = None
    now: JsonMoment | None = None
    valid_at: JsonMoment | None = None
    as_of: JsonMoment | None = None
    reinforce: Flag = True
    rerank: Flag | None = None
    by: Literal["cosine"] | None = None

    def recall_options(self, *left_out: str) -> dict[str, Any]:
        """Options of the recall but for the question itself, as the library takes them."""
        options = self.options("query", *left_out)
        for name in options.keys() & {"context", "without"}:
            options[name] = [turn.root if isinstance(turn, TurnInput) else turn for turn in options[name]]
        return options


class RecallRequest(QuestionForm):
    """A question to one bank."""

    prompt: PromptRequest | None = None


class ExplainRequest(QuestionForm):
    """A question, and the memory of which is asked why it is, or isn't, among the results."""

    id: str


class StoreRecallRequest(QuestionForm):
    """A question to several banks: those named, or all whose names begin so."""

    prompt: BlockRequest | None = None
    banks: list[BankParts] | None = None
    under: PrefixParts | None = None


class ReinforceRequest(RequestForm):
    """Memories that were used where the server didn't see it."""

    ids: MemoryIds
    now: JsonMoment | None = None
