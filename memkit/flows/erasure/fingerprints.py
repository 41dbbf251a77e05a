"""Fingerprints of erased texts, so that they are recognised when they come again: useless without the caller's key."""

import hmac
from collections.abc import Iterable

from memkit.flows.context import BankContext
from memkit.models import Memory
from memkit.protocols import BankName
from memkit.runtime.indexer import WORDS_OF_AN_ECHO, IndexableText
from memkit.times import to_micros

FINGERPRINT_BYTES = 16
ERASED_REASON = "was erased on request, and is not taken in again"


def fingerprint(key: bytes, bank: BankName, indexable: IndexableText) -> bytes:
    """HMAC-SHA-256 of a text in its bank, whatever its case and spaces; of a short one with speaker and moment.

    "Yes" was said before and will be said again: only that very "yes" is known by it.
    """
    text = " ".join(indexable.text.split()).casefold()
    said = (*bank, text)
    if len(text.split()) <= WORDS_OF_AN_ECHO:
        said = (*said, indexable.speaker or "", str(to_micros(indexable.at)))
    return hmac.digest(key, "\0".join(said).encode(), "sha256")[:FINGERPRINT_BYTES]


def fingerprints(ctx: BankContext, memories: Iterable[Memory]) -> tuple[bytes, ...]:
    """Those of memories that are about to be erased; none without the caller's key."""
    key = ctx.services.erasure_key
    if key is None:
        return ()
    return tuple(sorted({fingerprint(key, ctx.name, IndexableText.of(m)) for m in memories if m.text}))


def erased_before(ctx: BankContext, texts: Iterable[tuple[str, IndexableText]]) -> set[str]:
    """Ids of the texts (id, text) that were erased from this bank; none is known without the caller's key."""
    key = ctx.services.erasure_key
    if key is None:
        return set()
    macs = {id: fingerprint(key, ctx.name, indexable) for id, indexable in texts}
    erased_macs = ctx.storage.fingerprinted(ctx.ensure().number, list(macs.values()))
    return {id for id, mac in macs.items() if mac in erased_macs}
