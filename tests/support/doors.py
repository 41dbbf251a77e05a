"""Verbs by door: `python tests/support/doors.py` writes the table in memkit/serve/README.md.

Its rows are all public methods of a bank, a session and a store. A door is a function that lists what it offers, the
name there by the row; what it leaves out on purpose stands in `LEFT_OUT`, with the reason. A new door is a function
more in `DOORS`, and its reasons. `tests/meta/test_doors.py` holds the table equal to the code.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from memkit.bank import MemoryBank
from memkit.serve.client.bank import RemoteBank, RemoteSession
from memkit.serve.client.store import RemoteStore
from memkit.session import Session, TurnSequence
from memkit.store import MemoryStore

SERVE_PAGE = Path(__file__).parents[2] / "memkit" / "serve" / "README.md"
OPENING_MARK, CLOSING_MARK = "<!-- generated: doors -->", "<!-- end of the doors -->"
CLASSES_BY_ROOM: dict[str, tuple[type, ...]] = {
    "bank": (MemoryBank,),
    "session": (TurnSequence, Session),
    "store": (MemoryStore,),
}
CLIENT_CLASSES: dict[str, type] = {"bank": RemoteBank, "session": RemoteSession, "store": RemoteStore}
NAMES_OF_BROWSERS = ("history", "window")
ROWS_BY_OPERATION = {
    "observe_stream": "bank.observe",
    "refresh_item": "bank.get_item",
    "session": "session.last",
}  # operations that aren't named after their method
ROWS_BY_TOOL = {
    "recall": ("bank.recall",),
    "portrait": ("bank.portrait", "bank.standing", "bank.upcoming"),
    "history": ("bank.history",),
    "list_banks": ("store.banks",),
    "remember": ("bank.observe", "bank.insert"),
    "think": ("bank.think", "bank.reflect", "bank.requests"),
    "correct": ("bank.correct",),
    "forget": ("bank.forget",),
    "plan_erase": ("bank.plan_erase",),
    "erase": ("bank.erase",),
}
ROWS_BY_RESOURCE = {"portrait": ("bank.portrait",), "summary": ("bank.list",), "memory": ("bank.get",)}


def rows() -> list[str]:
    """Public methods, in the order in which they are defined."""
    return [
        f"{room}.{name}"
        for room, owners in CLASSES_BY_ROOM.items()
        for owner in owners
        for name in vars(owner)
        if not name.startswith("_")
    ]


def http_operations() -> dict[str, str]:
    """Operations of the HTTP door by row; several of one row stand side by side."""
    from memkit.serve.http.openapi import document

    names: dict[str, list[str]] = {}
    for item in document()["paths"].values():
        for operation in item.values():
            names.setdefault(_row(operation["operationId"]), []).append(f"`{operation['operationId']}`")
    return {row: ", ".join(sorted(each, key=len)) for row, each in names.items()}


def typescript_functions() -> dict[str, str]:
    """Functions of the generated TypeScript client by row."""
    return {row: ", ".join(map(_function, names.split(", "))) for row, names in http_operations().items()}


def _function(operation: str) -> str:
    name = function_name(operation.strip("`"))
    return f"`{name}_`" if name in NAMES_OF_BROWSERS else f"`{name}`"


def function_name(operation: str) -> str:
    """The name of an operation's function in TypeScript."""
    first, *rest = operation.split("_")
    return first + "".join(map(str.capitalize, rest))


def _row(operation: str) -> str:
    room, _, verb = operation.partition("_")
    if operation in ROWS_BY_OPERATION:
        return ROWS_BY_OPERATION[operation]
    return f"{room}.{verb}" if room in ("session", "store") and verb else f"bank.{operation}"


def client_methods() -> dict[str, str]:
    """Methods of the Python client by row."""
    return {row: f"`{row}`" for row in rows() if hasattr(CLIENT_CLASSES[row.partition(".")[0]], row.partition(".")[2])}


def mcp_tools() -> dict[str, str]:
    """Tools and resources of the MCP door by row."""
    from memkit.serve.mcp.resources import RESOURCE_KINDS
    from memkit.serve.mcp.tools import MEMORY_TOOLS

    tools = {row: f"`{tool.name}`" for tool in MEMORY_TOOLS for row in ROWS_BY_TOOL[tool.name]}
    resources = {row: f"resource `{kind.path}`" for kind in RESOURCE_KINDS for row in ROWS_BY_RESOURCE[kind.name]}
    return {**resources, **tools}


DOORS: dict[str, Callable[[], Mapping[str, str]]] = {
    "HTTP": http_operations,
    "Python client": client_methods,
    "TypeScript client": typescript_functions,
    "MCP": mcp_tools,
}
FOR_PEOPLE = "for people: the command line, HTTP, the page"
CLIENTS_OWN = "the client has the conversation"
SERVERS_OWN = "of the server's own process"
LEFT_OUT: dict[str, dict[str, str]] = {
    "HTTP": {
        "bank.name": "whoever asks gives it",
        "bank.version": "in the header ETag",
        "bank.aio": "every answer may be awaited",
        "bank.read": "pure: whoever asks has the turns",
        "bank.session": "named by each of its verbs",
        "bank.put": "`put_many` of one",
        "session.append": "`session_extend` of a few",
        "store.after_fork": SERVERS_OWN,
        "store.close": SERVERS_OWN,
        "store.settings": SERVERS_OWN,
        "store.access": "a token can't make tokens",
        "store.idempotency": "by the header Idempotency-Key",
        "store.bank": "named by each of its verbs",
        "store.background": SERVERS_OWN,
        "store.waiting": "in /metrics",
        "store.warm": SERVERS_OWN,
        "store.reencode": "needs an encoder, and hours",
        "store.export_receipts": "`store_receipts` answers them",
        "store.backup": "writes a file of the server's",
        "store.export_as": "writes a folder of the server's",
        "store.move": "names another database",
    },
    "Python client": {
        "bank.version": "of servers",
        "store.settings": SERVERS_OWN,
        "store.access": "a token can't make tokens",
        "store.idempotency": "each write has a key of its own",
        "store.waiting": "in /metrics",
        "store.warm": SERVERS_OWN,
        "store.reencode": "needs an encoder, and hours",
        "store.backup": "writes a file of the server's",
        "store.export_as": "writes a folder of the server's",
        "store.move": "names another database",
    },
    "MCP": {
        "bank.name": "whoever asks gives it",
        "bank.zone": "times come with their offset",
        "bank.version": "nothing is cached",
        "bank.change_zone": FOR_PEOPLE,
        "bank.aio": "every answer may be awaited",
        "bank.read": "pure: whoever asks has the turns",
        "bank.repeated": CLIENTS_OWN,
        "bank.explain": FOR_PEOPLE,
        "bank.reinforce": "`recall` does it",
        "bank.window": CLIENTS_OWN,
        "bank.mood": FOR_PEOPLE,
        "bank.beliefs": "`recall` and `portrait` tell them",
        "bank.session": "`remember` names it",
        "bank.merge": "`correct` is enough for a model",
        "bank.supersede": "`correct` is enough for a model",
        "bank.pin": FOR_PEOPLE,
        "bank.restore": FOR_PEOPLE,
        "bank.undo": FOR_PEOPLE,
        "bank.rename_speaker": FOR_PEOPLE,
        "bank.put": "for programs",
        "bank.put_many": "for programs",
        "bank.get_item": "for programs",
        "bank.delete_item": "for programs",
        "bank.decay": "the server maintains the database",
        "bank.prune": "the server maintains the database",
        "bank.erase_all": "too much for a model's call",
        "session.last": CLIENTS_OWN,
        "session.append": "`remember` with `session`",
        "session.extend": "`remember` with `session`",
        "session.catch_up": CLIENTS_OWN,
        "session.pop": "`plan_erase` and `erase`",
        "session.clear": "`plan_erase` with `session`, and `erase`",
        "store.after_fork": SERVERS_OWN,
        "store.close": SERVERS_OWN,
        "store.settings": SERVERS_OWN,
        "store.access": "a token can't make tokens",
        "store.idempotency": "calls have no keys",
        "store.bank": "named by each call, or by `--bank`",
        "store.recall": "a call asks one bank",
        "store.maintain": "the server maintains the database",
        "store.background": SERVERS_OWN,
        "store.flush": SERVERS_OWN,
        "store.doctor": FOR_PEOPLE,
        "store.audit": FOR_PEOPLE,
        "store.stats": FOR_PEOPLE,
        "store.waiting": SERVERS_OWN,
        "store.warm": SERVERS_OWN,
        "store.reencode": FOR_PEOPLE,
        "store.erase_all": "too much for a model's call",
        "store.receipts": FOR_PEOPLE,
        "store.purge": FOR_PEOPLE,
        "store.repeat_erasures": FOR_PEOPLE,
        "store.export_receipts": FOR_PEOPLE,
        "store.backup": FOR_PEOPLE,
        "store.export": FOR_PEOPLE,
        "store.export_as": FOR_PEOPLE,
        "store.load": FOR_PEOPLE,
        "store.move": FOR_PEOPLE,
        "store.import_from": FOR_PEOPLE,
    },
}
LEFT_OUT["TypeScript client"] = LEFT_OUT["HTTP"]


def table() -> str:
    """All verbs by door, as Markdown: the name there, or why it is left out."""
    offers = {door: names() for door, names in DOORS.items()}
    return "\n".join(_lines(offers))


def _lines(offers: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    yield f"| in the library | {' | '.join(offers)} |"
    yield "|---" * (len(offers) + 1) + "|"
    for row in rows():
        yield f"| `{row}` | {' | '.join(_cell(door, row, names) for door, names in offers.items())} |"


def _cell(door: str, row: str, names: Mapping[str, str]) -> str:
    return names[row] if row in names else f"no: {LEFT_OUT[door][row]}"


def main() -> None:
    """Write the table into its page."""
    before, _, rest = SERVE_PAGE.read_text("utf-8").partition(OPENING_MARK)
    after = rest.partition(CLOSING_MARK)[2]
    SERVE_PAGE.write_text(f"{before}{OPENING_MARK}\n{table()}\n{CLOSING_MARK}{after}", "utf-8")


if __name__ == "__main__":
    main()
