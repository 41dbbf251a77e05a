"""A bank as a retriever."""

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, SkipValidation

import memkit


class MemkitRetriever(BaseRetriever):
    """A bank as a retriever: memories as Documents, best first. `k` may also be given to `invoke`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    bank: SkipValidation[memkit.Bank]
    k: int = 10
    options: dict[str, Any] = {}
    """Further options of `bank.recall`, for example {"speaker": "ana"}."""

    def _asked(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"k": self.k, **self.options, **options}

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        recollection = self.bank.recall(query, **self._asked(options))
        recollection.use()
        return recollection.documents()

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        recollection = await self.bank.aio.recall(query, **self._asked(options))
        recollection.use()
        return recollection.documents()
