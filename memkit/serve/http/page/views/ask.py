"""Ask: a question's results with their reasons, what a model is shown of them, and why a memory isn't among them."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from memkit.bank import MemoryBank
from memkit.models import MEMORY_KINDS, Hit, Kind, Memory
from memkit.recall.present.explanation import ExplainStep, Explanation
from memkit.recall.present.reasons import PART_NAMES, matched_words
from memkit.recall.present.recollection import Recollection
from memkit.recall.present.token_bound import token_bound
from memkit.serve.http.page.visits import ReadVisit

router = APIRouter()
CANDIDATES_SHOWN = 8  # memories to pick one from
LEAST_PART = 0.005  # of a score, to be drawn
STEP_NAMES: dict[ExplainStep, str] = {
    "unknown": "It is in this bank",
    "hidden": "It holds: not forgotten, replaced or archived",
    "echo": "It was said here first",
    "kind": "It is of a kind that is asked for",
    "filters": "It fits the filters",
    "request": "It is more than a request to forget",
    "time": "It is of the time that is asked about",
    "candidates": "It shares words with the question, or meaning",
    "unanswerable": "The bank can answer the question",
    "floor": "It is relevant enough",
    "rank": "It is among the best",
}  # in the order of the search


class AskQuery(BaseModel):
    """A question as the form sends it. `memory`: an id, or words of one, that is looked for among the results."""

    q: str = ""
    k: int = Field(10, ge=1, le=100)
    kind: list[Kind] = []
    speaker: str = ""
    since: str = ""
    until: str = ""
    budget: int = Field(400, ge=16, le=100_000)
    memory: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The question as options of `recall`."""
        given = {
            "k": self.k, "kinds": self.kind, "speaker": self.speaker, "since": self.since, "until": self.until
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}

    @property
    def parameters(self) -> dict[str, Any]:
        """The question as parameters of an address, without the memory."""
        return {"q": self.q, "k": self.k, "speaker": self.speaker, "since": self.since, "until": self.until}


class Part(NamedTuple):
    """Part of a score, in words; `other` is the same part of the result that it is compared with."""

    name: str
    value: float
    other: float | None = None


class Reasons(NamedTuple):
    """Reasons for a hit: the parts of its score, the greatest first, the words that matched, other remarks."""

    parts: list[Part]
    words: list[str]
    remarks: dict[str, str]


class Answer(NamedTuple):
    """Answer to a question: hits with their reasons, `scale` for all bars, and the block for a model."""

    recollection: Recollection
    reasons: list[Reasons]
    scale: float
    block: str
    tokens: int


@router.get("/ask")
def ask(visit: ReadVisit, question: Annotated[AskQuery, Query()]) -> Response:
    """Ask a question, and see why each result is one."""
    answer = answered(visit.bank, question) if question.q.strip() else None
    why_not = explained(visit.bank, question) if answer and question.memory.strip() else {}
    return visit.show(
        "ask.html",
        "ask",
        question=question,
        answer=answer,
        kinds=MEMORY_KINDS,
        steps=STEP_NAMES,
        **NOTHING_EXPLAINED | why_not,
    )


NOTHING_EXPLAINED: dict[str, Any] = {"explanation": None, "explained": None, "compared": [], "candidates": None}


def answered(bank: MemoryBank, question: AskQuery) -> Answer:
    """The results of a question and what is made of them; looking strengthens nothing."""
    recollection = bank.recall(question.q, reinforce=False, **question.options)
    reasons = [reasons_for(hit) for hit in recollection]
    scale = max((abs(part.value) for each in reasons for part in each.parts), default=1.0)
    block = recollection.prompt(question.budget)
    return Answer(recollection, reasons, scale, block, token_bound(block) if block else 0)


def reasons_for(hit: Hit) -> Reasons:
    """The reasons for a hit in words."""
    numbers = {name: float(value) for name, value in hit.why.items() if isinstance(value, int | float)}
    cosine = {"cosine": f"{numbers['cosine']:.2f}"} if "cosine" in numbers else {}
    remarks = {name: value for name, value in hit.why.items() if isinstance(value, str)}
    return Reasons(parts_of(numbers), matched_words(hit), {**cosine, **remarks})


def parts_of(numbers: Mapping[str, float], others: Mapping[str, float] | None = None) -> list[Part]:
    """The parts of a score that count, the greatest first; the cosine is no summand."""
    names = dict.fromkeys([*numbers, *(others or {})])
    parts = [
        Part(PART_NAMES.get(name, name), numbers.get(name, 0.0), None if others is None else others.get(name, 0.0))
        for name in names
        if name != "cosine"
    ]
    drawn = [part for part in parts if max(abs(part.value), abs(part.other or 0.0)) >= LEAST_PART]
    return sorted(drawn, key=lambda part: -max(abs(part.value), abs(part.other or 0.0)))


def explained(bank: MemoryBank, question: AskQuery) -> dict[str, Any]:
    """Why a memory isn't among the results; where it is named by words, the memories to pick from."""
    wanted = question.memory.strip()
    memory = bank.get(wanted)
    if memory is None:
        return {"candidates": candidates(bank, wanted)}
    explanation = bank.explain(question.q, memory.id, **question.options)
    return {"explanation": explanation, "explained": memory, "compared": compared(explanation)}


def compared(explanation: Explanation) -> list[Part]:
    """The parts of its score beside those of the last result."""
    others = explanation.last_parts if explanation.last_id not in (None, explanation.id) else None
    return parts_of(explanation.parts, others)


def candidates(bank: MemoryBank, words: str) -> list[Memory]:
    """Memories that these words lead to, whatever they are."""
    hits = bank.recall(words, k=CANDIDATES_SHOWN, min_score=0, reinforce=False)
    return [hit.memory for hit in hits]
