"""Settings that come with an export: taken over where they reach nothing but what is loaded, else told of."""

from collections.abc import Sequence

from memkit.flows.context import Services
from memkit.flows.portability.lines import ExportHeader
from memkit.protocols import BankName
from memkit.runtime.file_settings import record_settings
from memkit.settings import KeepRule, ObserveSettings


def settle(services: Services, header: ExportHeader, new: Sequence[BankName]) -> list[str]:
    """Take over rules of retention and how turns are cut; gives back a sentence for each that stays behind."""
    others = [state.name for state in services.storage.banks() if state.change and state.name not in new]
    own = services.settings
    rules, left = _sorted_rules(own.keep or (), header.keep, others)
    alone = not others and own.observe == ObserveSettings()
    observe = header.observe if alone else own.observe
    services.settings = own.model_copy(update={"keep": rules, "observe": observe})
    record_settings(services.storage, services.encoder, services.settings)
    notes = [
        f"The rule of retention {rule} was not taken over: it would reach other banks, or another holds."
        for rule in left
    ]
    if observe != header.observe:
        notes.append("Turns are cut by this database's own settings (settings.observe), not by those of the file.")
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
