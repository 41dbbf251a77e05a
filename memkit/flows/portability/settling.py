"""Settings that come with banks: taken over where they reach nothing but what comes, else told of."""

from collections.abc import Sequence
from typing import Protocol

from memkit.flows.context import Services
from memkit.protocols import BankName
from memkit.runtime.file_settings import record_settings
from memkit.settings import KeepRule, ObserveSettings


class BroughtSettings(Protocol):
    """Settings that banks come with."""

    @property
    def observe(self) -> ObserveSettings: ...
    @property
    def keep(self) -> tuple[KeepRule, ...] | None: ...


def settle(services: Services, brought: BroughtSettings, new: Sequence[BankName]) -> list[str]:
    """Take over rules of retention and how turns are cut; gives back a sentence for each that stays behind."""
    others = [state.name for state in services.storage.banks() if state.change and state.name not in new]
    own = services.settings
    rules, left = _sorted_rules(own.keep or (), brought.keep or (), others)
    alone = not others and own.observe == ObserveSettings()
    observe = brought.observe if alone else own.observe
    services.settings = own.model_copy(update={"keep": rules, "observe": observe})
    record_settings(services.storage, services.encoder, services.settings)
    notes = [
        f"The rule of retention {rule} was not taken over: it would reach other banks, or another holds."
        for rule in left
    ]
    if observe != brought.observe:
        notes.append(
            "Turns are cut by this database's own settings (settings.observe), not by those that came with the banks."
        )
    return notes


def _sorted_rules(
    own: Sequence[KeepRule], given: Sequence[KeepRule], others: Sequence[BankName]
) -> tuple[tuple[KeepRule, ...], list[KeepRule]]:
    """The rules that hold from now on, and those that stay behind."""
    taken = {place for rule in own for place in rule.places}
    new = [rule for rule in given if rule not in own]
    fitting = [rule for rule in new if taken.isdisjoint(rule.places) and not _reaches(rule, others)]
    return (*own, *fitting), [rule for rule in new if rule not in fitting]


def _reaches(rule: KeepRule, names: Sequence[BankName]) -> bool:
    return any(name[: len(rule.under)] == rule.under for name in names)
