"""64-bit hashes under a bank's own key: all that tables beside the contents hold of names, ids and metadata."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from memkit.errors import InputError
from memkit.storage.core.filters import paths
from memkit.text.terms.forms import plain_name


@dataclass(frozen=True)
class Hasher:
    """Hashes of one bank, under its key. Signed, so that SQLite can hold them; domains never meet."""

    key: bytes = field(repr=False)
    _cache: dict[tuple[bytes, str], int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ref(self, id: str) -> int:
        """Hash of a caller's own id."""
        return self._hash(b"ref", id)

    def speaker(self, name: str) -> int:
        """Equal for names that differ in composition, width, case and spaces at most."""
        return self._cached(b"speaker", plain_name(name))

    def label(self, session: str) -> int:
        return self._cached(b"label", session)

    def head(self, entity: str) -> int:
        """Equal for entities whose names are the same."""
        return self._cached(b"head", plain_name(entity))

    def tag(self, name: str, value: Any) -> int:
        """Equal for equal values of one metadata key; 1 and 1.0 are equal, 1 and True are not."""
        return self._hash(b"tag", canonical_json([name, value]))

    def field(self, path: str) -> int:
        """Hash of a path of metadata, whatever it holds."""
        return self._hash(b"field", path)

    def tags(self, metadata: Mapping[str, Any]) -> set[int]:
        """Hashes of all paths of a memory's metadata, with what they hold and without."""
        pairs = paths(metadata)
        return {self.tag(path, value) for path, value in pairs} | {self.field(path) for path, _ in pairs}

    def _cached(self, domain: bytes, value: str) -> int:
        hashed = self._cache.get((domain, value))
        if hashed is None:
            hashed = self._cache[domain, value] = self._hash(domain, value)
        return hashed

    def _hash(self, domain: bytes, value: str) -> int:
        digest = blake2b(value.encode(), digest_size=8, key=self.key, person=domain).digest()
        return int.from_bytes(digest, "little", signed=True)


def canonical_json(value: Any) -> str:
    """One JSON text for values that count as equal. Raises InputError for what is no JSON."""
    try:
        return json.dumps(_plain(value), sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        raise InputError("metadata: keys must be strings and values JSON (no NaN, no other types).") from None


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
