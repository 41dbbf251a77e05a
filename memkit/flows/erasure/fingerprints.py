"""Fingerprints of what was erased, so that it is recognised when it comes again.

Of texts under the caller's key, useless without it. Of ids that a source gave (a chat's export, a framework's messages)
without any: an id is no text. Ids that were made of contents have none.
"""

import hmac
from collections.abc import Iterable, Sequence

from memkit.flows.context import BankContext
from memkit.identifiers import MESSAGE_ID_KEY, uuid7_bytes
from memkit.importers.records import ORIGIN_KEY, is_content_id
from memkit.models import Memory
from memkit.protocols import BankName
from memkit.runtime.indexer import WORDS_OF_AN_ECHO, IndexableText
from memkit.times import to_micros

FINGERPRINT_BYTES = 16
ID_DOMAIN = b"memkit: erased id"
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
    """Those of memories that are about to be erased: of their ids, and with the caller's key of their texts."""
    key, macs = ctx.services.erasure_key, set[bytes]()
    for memory in memories:
        if key is not None and memory.text:
            macs.add(fingerprint(key, ctx.name, IndexableText.of(memory)))
        if _is_from_a_source(memory):
            macs.add(id_fingerprint(ctx.name, memory.id))
    return tuple(sorted(macs))


def id_fingerprint(bank: BankName, id: str) -> bytes:
    """Digest of an id in its bank."""
    return hmac.digest(ID_DOMAIN, "\0".join((*bank, id)).encode(), "sha256")[:FINGERPRINT_BYTES]


def _is_from_a_source(memory: Memory) -> bool:
    """Whether a source gave it its id, and may bring it again."""
    is_named = MESSAGE_ID_KEY in memory.metadata or ORIGIN_KEY in memory.metadata
    return is_named and not is_content_id(memory.id)


def erased_ids(ctx: BankContext, ids: Sequence[str]) -> set[str]:
    """Those of these ids whose memories were erased from this bank, as far as a source had given them."""
    state = ctx.state() if ids else None
    if state is None:
        return set()
    macs = {id: id_fingerprint(ctx.name, id) for id in ids}
    erased_macs = ctx.storage.fingerprinted(state.number, list(macs.values()))
    own = {id for id in ids if uuid7_bytes(id)}
    receipts = [r for r in ctx.storage.receipts() if r.bank == ctx.name] if own else []
    in_receipts = own.intersection(id for receipt in receipts for id in receipt.erased)
    return {id for id, mac in macs.items() if mac in erased_macs} | in_receipts


def erased_before(ctx: BankContext, texts: Iterable[tuple[str, IndexableText]]) -> set[str]:
    """Ids of the texts (id, text) that were erased from this bank; none is known without the caller's key."""
    key = ctx.services.erasure_key
    if key is None:
        return set()
    macs = {id: fingerprint(key, ctx.name, indexable) for id, indexable in texts}
    erased_macs = ctx.storage.fingerprinted(ctx.ensure().number, list(macs.values()))
    return {id for id, mac in macs.items() if mac in erased_macs}
