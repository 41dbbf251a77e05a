"""The answer of a recall, with the block for a prompt where it is asked for."""

from fastapi.concurrency import run_in_threadpool

from memkit.bank import MemoryBank
from memkit.recall.present.recollection import Recollection
from memkit.serve.http.forms.recall import RecallRequest
from memkit.serve.http.forms.recollection import RecollectionForm


async def recollection_form(
    bank: MemoryBank | None, recollection: Recollection, request: RecallRequest
) -> RecollectionForm:
    """The form of a recollection, everything read; `bank`: None where it is of several."""
    return await run_in_threadpool(_form, bank, recollection, request)


def _form(bank: MemoryBank | None, recollection: Recollection, request: RecallRequest) -> RecollectionForm:
    wanted = request.prompt
    if wanted is None:
        return RecollectionForm.of(recollection)
    plans = bank.upcoming(request.now) if wanted.upcoming and bank is not None else []
    options = wanted.options("max_tokens", "upcoming")
    return RecollectionForm.of(recollection, recollection.prompt(wanted.max_tokens, upcoming=plans, **options))
