"""The tables of `memkit evaluate --thinking`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memkit.cli.output import out, say, shown, table, write_json
from memkit.errors import InputError
from memkit.evaluation.formats.files import read_document
from memkit.evaluation.formats.locomo import is_locomo, locomo_conversations
from memkit.evaluation.thinking.judgement import Figures, Judged, by_kind, figures, judge, read_cases
from memkit.evaluation.thinking.notes import Noted, compared, notes_of
from memkit.think import ExtractiveThinker

COLUMNS = ("exchanges", "expected", "formed", "right", "precision", "recall")


def evaluate_thinking(files: Sequence[Path], as_json: bool) -> None:
    """Measure and show, file by file."""
    done = {file.name: _measured(file) for file in files}
    if as_json:
        write_json({name: _dumped(found) for name, found in done.items()})
        return
    for name, found in done.items():
        say(out, "\n", name, style="bold")
        if isinstance(found, list):
            _show_judged(found)
        else:
            _show_noted(found)


def _measured(file: Path) -> list[Judged] | dict[str, Noted]:
    document = read_document(file) if file.suffix == ".json" else None
    if document is None:
        return list(judge(read_cases(file)))
    if not is_locomo(document):
        raise InputError(f"{file.name}: is neither JSON lines of exchanges nor a LoCoMo file with notes.")
    samples = document if isinstance(document, list) else [document]
    conversations = locomo_conversations(document, file.name)
    every = [notes_of(sample, one) for sample, one in zip(samples, conversations, strict=True)]
    if not any(notes.notes for notes in every):
        raise InputError(f"{file.name}: holds no notes (observation) beside its conversations.")
    return compared(every, ExtractiveThinker())


def _dumped(found: list[Judged] | dict[str, Noted]) -> Any:
    if isinstance(found, list):
        kinds = {kind: one.dump() for kind, one in by_kind(found).items()}
        return {**figures(found).dump(), "kinds": kinds}
    return {name: noted.dump() for name, noted in found.items()}


def _show_judged(judged: list[Judged]) -> None:
    made = table("kind", *COLUMNS, right=COLUMNS)
    for kind, found in by_kind(judged).items():
        made.add_row(shown(kind), *_cells(found))
    made.add_section()
    made.add_row("all", *_cells(figures(judged)))
    out.print(made)
    quiet = [one for one in judged if not one.case.expect]
    silent = sum(not (one.right or one.wrong) for one in quiet)
    say(out, f"· {silent} of {len(quiet)} exchanges that should lead to nothing do", style="dim")


def _cells(found: Figures) -> list[str]:
    counts = [f"{count:,}" for count in (found.cases, found.expected, found.formed, found.right)]
    return [*counts, f"{found.precision:.3f}", f"{found.recall:.3f}"]


def _show_noted(found: dict[str, Noted]) -> None:
    columns = ("formed", "in notes or evidence", "notes covered")
    made = table("", *columns, right=columns)
    for name, noted in found.items():
        values = noted.dump()
        made.add_row(name, f"{noted.formed:,}", f"{values['share']:.3f}", f"{values['covered']:.3f}")
    out.print(made)
    say(out, "· as many sentences chosen by BM25 in each session as there are thoughts", style="dim")
