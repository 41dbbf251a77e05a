"""Operations on the thinking queue: what each of them means, for every engine."""

from dataclasses import replace

from memkit.operations import Claim, CloseExchange, Enqueue, Postpone, Settle
from memkit.storage.core.records import Queued
from memkit.storage.core.unit_of_work import UnitOfWork


def enqueue(work: UnitOfWork, op: Enqueue) -> None:
    turns = tuple(sorted({work.require(id, "Enqueue") for id in op.turn_ids}))
    exchange = work.exchange(op.number)
    if exchange is None:
        if turns:
            number, work.next_exchange = work.next_exchange, work.next_exchange + 1
            work.queue(Queued(number, op.session, turns, op.closed, op.at))
        return
    turns = tuple(sorted({*exchange.turns, *turns}))
    latest = max(exchange.last_at, op.at)
    work.queue(replace(exchange, turns=turns, closed=exchange.closed or op.closed, last_at=latest))


def close_exchange(work: UnitOfWork, op: CloseExchange) -> None:
    exchange = work.exchange(op.number)
    if exchange is not None:
        work.queue(replace(exchange, closed=True))


def claim(work: UnitOfWork, op: Claim) -> None:
    exchange = work.exchange(op.number)
    if exchange is None:
        return
    unfinished = op.until is not None and exchange.due_at is not None and exchange.error is None
    work.queue(replace(exchange, attempts=exchange.attempts + unfinished, error=None, due_at=op.until))


def settle(work: UnitOfWork, op: Settle) -> None:
    work.settle(op.number)


def postpone(work: UnitOfWork, op: Postpone) -> None:
    exchange = work.exchange(op.number)
    if exchange is not None:
        work.queue(replace(exchange, attempts=exchange.attempts + 1, error=op.error, due_at=op.until))
