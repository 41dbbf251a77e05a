"""The tables of `memkit evaluate --thinking`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memkit.cli.output import new_table, out, say, shown, write_json
from memkit.errors import InputError
from memkit.evaluation.formats.files import read_document
from memkit.evaluation.formats.locomo import is_locomo, locomo_conversations
from memkit.evaluation.thinking.cases import read_cases
from memkit.evaluation.thinking.figures import ThinkingFigures, figures, figures_by_kind
from memkit.evaluation.thinking.judging import JudgedCase, judge
from memkit.evaluation.thinking.notes import NoteCoverage, compare_with_bm25, notes_of
from memkit.think import ExtractiveThinker

FIGURE_COLUMNS = ("exchanges", "expected", "formed", "right", "precision", "recall")


def evaluate_thinking(files: Sequence[Path], as_json: bool) -> None:
    """Measure and show, file by file."""
    results = {file.name: _measure(file) for file in files}
    if as_json:
        write_json({name: _as_json(result) for name, result in results.items()})
        return
    for name, result in results.items():
        say(out, "\n", name, style="bold")
        if isinstance(result, list):
            _show_judged(result)
        else:
            _show_noted(result)


def _measure(file: Path) -> list[JudgedCase] | dict[str, NoteCoverage]:
    document = read_document(file) if file.suffix == ".json" else None
    if document is None:
        return list(judge(read_cases(file)))
    if not is_locomo(document):
        raise InputError(f"{file.name}: is neither JSON lines of exchanges nor a LoCoMo file with notes.")
    samples = document if isinstance(document, list) else [document]
    conversations = locomo_conversations(document, file.name)
    notes_by_sample = [notes_of(*pair) for pair in zip(samples, conversations, strict=True)]
    if not any(notes.notes for notes in notes_by_sample):
        raise InputError(f"{file.name}: holds no notes (observation) beside its conversations.")
    return compare_with_bm25(notes_by_sample, ExtractiveThinker())


def _as_json(result: list[JudgedCase] | dict[str, NoteCoverage]) -> Any:
    if isinstance(result, list):
        kinds = {kind: of_kind.dump() for kind, of_kind in figures_by_kind(result).items()}
        return {**figures(result).dump(), "kinds": kinds}
    return {name: noted.dump() for name, noted in result.items()}


def _show_judged(judged: list[JudgedCase]) -> None:
    table = new_table("kind", *FIGURE_COLUMNS, right=FIGURE_COLUMNS)
    for kind, of_kind in figures_by_kind(judged).items():
        table.add_row(shown(kind), *_cells(of_kind))
    table.add_section()
    table.add_row("all", *_cells(figures(judged)))
    out.print(table)
    quiet = [judgement for judgement in judged if not judgement.case.expect]
    silent = sum(not (judgement.right or judgement.wrong) for judgement in quiet)
    say(out, f"· {silent} of {len(quiet)} exchanges that should lead to nothing do", style="dim")


def _cells(totals: ThinkingFigures) -> list[str]:
    counts = [f"{count:,}" for count in (totals.cases, totals.expected, totals.formed, totals.right)]
    return [*counts, f"{totals.precision:.3f}", f"{totals.recall:.3f}"]


def _show_noted(noted_by_name: dict[str, NoteCoverage]) -> None:
    columns = ("formed", "in notes or evidence", "notes covered")
    table = new_table("", *columns, right=columns)
    for name, noted in noted_by_name.items():
        values = noted.dump()
        table.add_row(name, f"{noted.formed:,}", f"{values['share']:.3f}", f"{values['covered']:.3f}")
    out.print(table)
    say(out, "· as many sentences chosen by BM25 in each session as there are thoughts", style="dim")
