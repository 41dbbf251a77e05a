"""Shapes of calls: where a verb's request or answer isn't its arguments and its result as they are.

What the library refuses before it looks into a bank, is refused here, in the same words.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast
from uuid import uuid4

from memkit.errors import InputError
from memkit.flows import observe, read
from memkit.flows.catching_up.catch_up import check_leaving
from memkit.flows.items import checked_fields
from memkit.flows.think import checked_batch
from memkit.forget.erasure_plan import ErasePlan
from memkit.forget.requests import ForgetRequest, ThinkingReceipt
from memkit.identifiers import bank_path
from memkit.items import ItemFields, item_memory
from memkit.models import Memory, MemoryPage
from memkit.protocols import BankName, PageOptions
from memkit.recall.present.recollection import OnUse, Recollection
from memkit.recall.ranking.query import RecallOptions, refuse_unknown_options
from memkit.serve.client.calls import Call, WayBack
from memkit.serve.client.wire import HandedTurns, said_forms, turn_form
from memkit.serve.http.forms.answers import MemoryPageForm
from memkit.serve.http.forms.recollection import RecollectionForm
from memkit.session import checked_session, no_turn
from memkit.times import utc_now

Shape = Callable[[Call[Any]], Call[Any]]


def shaped(call: Call[Any]) -> Call[Any]:
    """A call as its route takes it. Raises InputError."""
    return SHAPE_BY_PATH.get(call.path, _as_it_is)(call)


def _as_it_is(call: Call[Any]) -> Call[Any]:
    return call


def _body(call: Call[Any]) -> Mapping[str, Any]:
    return call.body or {}


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


# in


def _observed(call: Call[Any]) -> Call[Any]:
    handed = HandedTurns.read(_body(call)["turns"])
    handed.refuse_unreadable()
    return _handing(call, handed)


def _caught_up(call: Call[Any]) -> Call[Any]:
    checked_session(_body(call)["session"])
    check_leaving(_body(call).get("leaving", 0))
    return _handing(call, HandedTurns.read(_body(call)["turns"]))


def _handing(call: Call[Any], handed: HandedTurns) -> Call[Any]:
    asked = replace(call.asking(turns=handed.forms), mend=handed.error)
    return asked.then(lambda receipt, back: handed.receipt(receipt))


def _extended(call: Call[Any]) -> Call[Any]:
    checked_session(_body(call)["session"])
    return call.asking(turns=[turn_form(turn) for turn in observe.read(_body(call)["turns"], None)])


def _repeated(call: Call[Any]) -> Call[Any]:
    return call.asking(turns=[turn_form(turn) for turn in _body(call)["turns"]])


def _thinking(call: Call[Any]) -> Call[Any]:
    checked_batch(_body(call).get("batch"))
    return call.then(_readable_receipt)


def _readable_receipt(receipt: ThinkingReceipt, back: WayBack) -> ThinkingReceipt:
    return receipt.model_copy(update={"requests": _readable_requests(receipt.requests, back)})


def _readable_requests(requests: tuple[ForgetRequest, ...], back: WayBack) -> tuple[ForgetRequest, ...]:
    return tuple(request.model_copy(update={"plan": _readable(request.plan, back)}) for request in requests)


def _readable(plan: ErasePlan, back: WayBack) -> ErasePlan:
    return plan.reading(partial(back.memories, plan.bank))


# out


def _asked(call: Call[Any]) -> Call[Any]:
    """A question, checked as the library checks it, with the turns around it as objects."""
    fields = _without(_body(call), "id", "banks", "under")
    refuse_unknown_options(fields.keys() - {"query", "k"})
    RecallOptions(**fields)
    said = {name: said_forms(fields[name]) for name in ("context", "without") if fields.get(name)}
    return call.asking(**said)


def _recalled(call: Call[Any]) -> Call[Recollection]:
    strengthens = _body(call).get("reinforce", True) and _body(call).get("as_of") is None
    now = _body(call).get("now")

    def recollection(form: RecollectionForm, back: WayBack) -> Recollection:
        def on_use_of(bank: BankName) -> OnUse | None:
            return partial(back.strengthen, bank, now=now) if strengthens else None

        return form.recollection(on_use_of(call.bank)) if call.bank else form.of_banks(on_use_of)

    return _asked(call).then(recollection)


def _there(turn: Memory | None, back: WayBack) -> Memory:
    if turn is None:
        raise no_turn()
    return turn


def _windowed(call: Call[Any]) -> Call[Any]:
    read.check_budget(call.query["budget"])
    if call.query.get("count_tokens") is not None:
        raise InputError(
            "window: count_tokens can't go to the server. Leave it out: its own upper bound holds for every tokenizer."
        )
    return replace(call, query=_without(call.query, "count_tokens"))


# by hand


def _with_ids(call: Call[Any]) -> Call[Any]:
    ids = _body(call)["ids"]
    return call.asking(ids=[ids] if isinstance(ids, str) else list(ids))


def _inserted(call: Call[Any]) -> Call[Any]:
    items = _body(call)["items"]
    return call.asking(items=[items] if isinstance(items, str | Memory) else list(items))


def _put(call: Call[Any]) -> Call[Any]:
    return replace(call, path="bank/put_many", body={"puts": [_checked_item(cast("ItemFields", _body(call)))]})


def _put_many(call: Call[Any]) -> Call[Any]:
    body = _body(call)
    return call.asking(puts=[_checked_item(fields) for fields in body["puts"]], delete=list(body.get("delete", ())))


def _checked_item(fields: ItemFields) -> ItemFields:
    """Fields of an item that can be put. Raises InputError, also for what JSON would change."""
    item_memory(at=utc_now(), **checked_fields(fields))
    index = fields.get("index")
    return {**fields, "index": [index]} if isinstance(index, str) else fields


def _get_item(call: Call[Any]) -> Call[Any]:
    query = _without(call.query, "refresh")
    if not call.query.get("refresh"):
        return replace(call, query=query)
    fields = {"key": query.pop("key")}
    return replace(call, path="bank/refresh_item", query=query, body=fields, key=uuid4().hex)


# looking


def _listed(call: Call[Any]) -> Call[MemoryPage]:
    read.check_page(PageOptions(**_without(call.query, "bank", "zone", "where", "after", "since", "until")))
    return call.then(_page)


def _page(form: MemoryPageForm, back: WayBack) -> MemoryPage:
    page = MemoryPage(form.memories)
    page.next = form.next
    return page


# the store


def _under(call: Call[Any]) -> Call[Any]:
    return replace(call, query={**call.query, "prefix": bank_path(call.query.get("prefix", ()))})


def _patient(call: Call[Any]) -> Call[Any]:
    return replace(call, patience_s=float(_body(call).get("budget_s") or _body(call).get("timeout_s") or 0))


SHAPE_BY_PATH: dict[str, Shape] = {  # by path
    "bank/observe": _observed,
    "bank/session_pop": lambda call: call.then(_there),
    "bank/session_extend": _extended,
    "bank/session_catch_up": _caught_up,
    "bank/repeated": _repeated,
    "bank/think": _thinking,
    "bank/requests": lambda call: call.then(_readable_requests),
    "bank/recall": _recalled,
    "bank/explain": _asked,
    "bank/window": _windowed,
    "bank/reinforce": _with_ids,
    "bank/forget": _with_ids,
    "bank/restore": _with_ids,
    "bank/insert": _inserted,
    "bank/put": _put,
    "bank/put_many": _put_many,
    "bank/get_item": _get_item,
    "bank/list": _listed,
    "bank/plan_erase": lambda call: call.then(_readable),
    "store/recall": _recalled,
    "store/banks": _under,
    "store/receipts": _under,
    "store/maintain": _patient,
    "store/flush": _patient,
}
