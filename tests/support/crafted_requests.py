"""Requests of somebody who wants to reach banks that their token doesn't give: crafted names, headers, paths.

Each is for a verb of the OpenAPI document, with its example's body, so that it would do something where it was let in.
"""

import json
import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

from memkit.identifiers import bank_path
from memkit.serve.http.openapi import EXAMPLES_FILE, document

Name = tuple[str, ...]
LOOK_ALIKES = str.maketrans("aeopcx", "аеорсх")  # Cyrillic ones
FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
NAMED_FIELDS = ("bank", "under", "prefix", "confirm")  # of bodies, that hold a bank's name or its beginning
ID_FIELDS = ("id", "ids")
HIDDEN_PARTS = ("\0", "\u200b", "\u202e", "\ufeff", "\u0301", "/", "//", "%00", "%2f", " ", ".", "/..", "/.", "\\")


@dataclass(frozen=True)
class Operation:
    """A verb over HTTP, what its example asks, and the statuses that it answers with."""

    method: str
    path: str
    query: Mapping[str, Any]
    body: Any
    media_type: str | None
    statuses: frozenset[int]


@dataclass(frozen=True)
class Crafted:
    """A request as it goes over the wire; `operation` is None where its path is none."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    operation: Operation | None


def operations() -> list[Operation]:
    """Every operation under /v1."""
    examples = json.loads(EXAMPLES_FILE.read_text("utf-8"))
    return [
        Operation(
            method.upper(),
            path,
            examples[each["operationId"]]["query"],
            examples[each["operationId"]]["body"],
            next(iter(each.get("requestBody", {}).get("content", {})), None),
            frozenset(map(int, each["responses"])),
        )
        for path, item in document()["paths"].items()
        if path.startswith("/v1/")
        for method, each in item.items()
    ]


class Crafter:
    """Crafts requests under one token, mostly for others' banks, by a seed; `ids`: of the others' memories."""

    def __init__(self, seed: int, own: Name, others: Sequence[Name], ids: Sequence[str]) -> None:
        self.chance = random.Random(seed)
        self.own, self.others, self.ids = own, others, ids
        self.operations = operations()

    def requests(self, count: int, secret: str, other_secrets: Sequence[str]) -> Iterator[Crafted]:
        """So many requests."""
        for _ in range(count):
            yield self._request(self.chance.choice(self.operations), secret, other_secrets)

    def _request(self, operation: Operation, secret: str, other_secrets: Sequence[str]) -> Crafted:
        other = self.chance.choice(self.others)
        path = self._path(operation.path)
        query = self._query(operation, other)
        body = self._body(operation, other)
        headers = [("Authorization", f"Bearer {secret}"), *self._headers(other, other_secrets)]
        self.chance.shuffle(headers)  # of two of a name the first counts
        if operation.media_type:
            headers.append(("Content-Type", operation.media_type))
        target = f"{path}?{query}" if query else path
        is_known = unquote(path) == operation.path  # a server reads paths decoded
        return Crafted(operation.method, target, headers, body, operation if is_known else None)

    # -- names of banks, as values of a query that are encoded already

    def _query(self, operation: Operation, other: Name) -> str:
        values = {name: value for name, value in operation.query.items() if name not in ("bank", "prefix")}
        parts = [urlencode(values, doseq=True)] if values else []
        for name in ("bank", "prefix"):
            if name in operation.query:
                parts.append(f"{name}={self.encoded_name(other)}")
                if self.chance.random() < 0.1:
                    parts.insert(self.chance.randrange(len(parts) + 1), f"{name}={quote(bank_path(self.own), safe='')}")
        if "id" in values and self.chance.random() < 0.5:
            parts.append(f"id={quote(self.chance.choice(self.ids), safe='')}")
        return "&".join(parts)

    def encoded_name(self, other: Name) -> str:
        """A crafted name of a bank; one time in five the caller's own."""
        if self.chance.random() < 0.2:
            return quote(bank_path(self.own), safe="")
        crafts: list[Callable[[Name], str]] = [
            self._plain, self._many_times, self._climbing, self._hidden, self._alike, self._broken, self._long,
            self._odd,
        ]  # fmt: skip
        return self.chance.choice(crafts)(other)

    def _plain(self, other: Name) -> str:
        return quote(bank_path(other), safe=self.chance.choice(["", "/"]))

    def _many_times(self, other: Name) -> str:
        path = bank_path(other) if self.chance.random() < 0.5 else f"{bank_path(self.own)}/{bank_path(other)}"
        for _ in range(self.chance.randint(2, 4)):
            path = quote(path, safe="")
        return path

    def _climbing(self, other: Name) -> str:
        up = self.chance.choice(["../..", "..%2f..", "%2e%2e/%2e%2e", "..;/..", "..%5c..", "....//....", ".%00./.."])
        return quote(f"{bank_path(self.own)}/{up}/{bank_path(other)}", safe="/%;.")

    def _hidden(self, other: Name) -> str:
        path = self.chance.choice([bank_path(other), f"{bank_path(self.own)}/{bank_path(other)}"])
        place = self.chance.choice([0, len(path), self.chance.randrange(len(path) + 1)])
        return quote(path[:place] + self.chance.choice(HIDDEN_PARTS) + path[place:], safe="")

    def _alike(self, other: Name) -> str:
        path = bank_path(other)
        forms = [
            path.translate(LOOK_ALIKES), path.translate(FULL_WIDTH), path.upper(), path.title(),
            unicodedata.normalize("NFD", path), unicodedata.normalize("NFKC", path), path.replace("s", "ſ"),
            path.replace("/", "∕"), path.replace("/", "／"), path.replace("/", "⁄"),
        ]  # fmt: skip
        return quote(self.chance.choice(forms), safe="")

    def _broken(self, other: Name) -> str:
        path = quote(bank_path(other), safe="")
        return path.replace("%2F", self.chance.choice(["%c0%af", "%ff", "%ed%a0%80", "%", "%2", "%u002f", "%e2%88%95"]))

    def _long(self, other: Name) -> str:
        path = quote(bank_path(other), safe="")
        return self.chance.choice([path + "%2Fx" * 2000, "a" * 12_000 + path, path + "%2F" * 3000, f"{path}%2F" * 300])

    def _odd(self, other: Name) -> str:
        path, own = bank_path(other), bank_path(self.own)
        words = [
            json.dumps(list(other)), ",".join(other), ";".join(other), "\\".join(other), "*", "%", "", "/", "//", " ",
            f"{own}' OR '1'='1", f"{own}&bank={path}", f"{own};bank={path}", f"{own}?bank={path}", f"{own}#{path}",
            f"/move/{path}", f"\0/{path}", ".", "..", "null", "[]", f"{own}\n{path}", f"{own}\r\nX-Bank: {path}",
        ]  # fmt: skip
        return quote(self.chance.choice(words), safe=self.chance.choice(["", "/"]))

    # -- the rest

    def _path(self, path: str) -> str:
        if self.chance.random() < 0.9:
            return path
        room, _, verb = path.removeprefix("/v1/").partition("/")
        return self.chance.choice(
            [
                f"/v1//{room}/{verb}", f"/v1/./{room}/{verb}", f"/v1/x/../{room}/{verb}", f"/v1/{room}%2F{verb}",
                f"/V1/{room}/{verb}", f"{path}/", f"{path}%00", f"{path};bank=x", f"/v1/{verb}", f"/{room}/{verb}",
                f"/v1/{room}/%2e%2e/{room}/{verb}", f"/v1/bank/{quote(bank_path(self.others[0]), safe='')}/{verb}",
            ]
        )  # fmt: skip

    def _headers(self, other: Name, other_secrets: Sequence[str]) -> list[tuple[str, str]]:
        path = quote(bank_path(other), safe="/")
        target = f"/v1/bank/list?bank={path}"
        tricks = [
            ("X-Original-URL", target), ("X-Rewrite-URL", target), ("X-Forwarded-Prefix", target), ("X-Bank", path),
            ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", "localhost"), ("Forwarded", "for=127.0.0.1"),
            ("X-HTTP-Method-Override", "GET"), ("Origin", "http://localhost"), ("Cookie", f"bank={path}"),
            ("Idempotency-Key", "shared-key"), ("If-None-Match", "*"), ("Accept", "text/html"), ("Range", "bytes=0-9"),
            *(("Authorization", f"Bearer {secret}") for secret in other_secrets),
        ]  # fmt: skip
        return self.chance.sample(tricks, self.chance.choice([0, 0, 1, 2]))

    def _body(self, operation: Operation, other: Name) -> bytes:
        if operation.body is None:
            return b""
        if isinstance(operation.body, str):
            return operation.body.replace('["acme","ana"]', json.dumps(list(other))).encode()
        return json.dumps(self._aimed(operation.body, other)).encode()

    def _aimed(self, value: Any, other: Name) -> Any:
        """A body that names another's bank and memories here and there."""
        if isinstance(value, list):
            return [self._aimed(part, other) for part in value]
        if not isinstance(value, dict):
            return value
        aimed = {name: self._aimed(part, other) for name, part in value.items()}
        for name in aimed.keys() & {*NAMED_FIELDS, *ID_FIELDS, "banks"}:
            if self.chance.random() < 0.6:
                aimed[name] = self._target(name, aimed[name], other)
        return aimed

    def _target(self, name: str, value: Any, other: Name) -> Any:
        if name in ID_FIELDS:
            chosen = self.chance.sample(list(self.ids), min(2, len(self.ids)))
            return chosen if isinstance(value, list) else chosen[0]
        if name == "banks":
            return [list(self.own), list(other)]
        return self.chance.choice([list(other), list(other[:1]), [*self.own, "..", *other], []])
