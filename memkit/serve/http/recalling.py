"""The answer of a recall, with the block for a prompt where it is asked for."""

from memkit.bank import MemoryBank
from memkit.recall.present.recollection import Recollection
from memkit.serve.http.forms.recall import PromptRequest, RecallRequest
from memkit.serve.http.forms.recollection import RecollectionForm


def recollection_form(bank: MemoryBank, recollection: Recollection, request: RecallRequest) -> RecollectionForm:
    """The form of a bank's recollection, everything read."""
    prompt = None if request.prompt is None else _block(bank, recollection, request, request.prompt)
    return RecollectionForm.of(recollection, prompt)


def _block(bank: MemoryBank, recollection: Recollection, request: RecallRequest, wanted: PromptRequest) -> str:
    plans = bank.upcoming(request.now) if wanted.upcoming else []
    return recollection.prompt(wanted.max_tokens, upcoming=plans, **wanted.options("max_tokens", "upcoming"))
