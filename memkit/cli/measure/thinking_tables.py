"""The tables of `memkit evaluate --thinking`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from memkit.cli.output import answer, line, new_table, shown
from memkit.errors import InputError
from memkit.evaluation.formats.files import read_document
from memkit.evaluation.formats.locomo import is_locomo, locomo_conversations, samples_of
from memkit.evaluation.thinking.judging import JudgedCase, ThinkingFigures, figures, figures_by_kind, judge, read_cases
from memkit.evaluation.thinking.notes import NoteCoverage, compare_with_bm25, notes_of
from memkit.think import ExtractiveThinker

FIGURE_COLUMNS = ("exchanges", "expected", "formed", "right", "precision", "recall")
NOTE_COLUMNS = ("formed", "in notes or evidence", "notes covered")


def evaluate_thinking(files: Sequence[Path], as_json: bool) -> None:
    """Measure and show, file by file."""
    results = {file.name: _measure(file) for file in files}
    answer(
        as_json,
        {name: _as_json(result) for name, result in results.items()},
        (part for item in results.items() for part in _parts(*item)),
    )


def _measure(file: Path) -> list[JudgedCase] | dict[str, NoteCoverage]:
    document = read_document(file) if file.suffix == ".json" else None
    if document is None:
        return list(judge(read_cases(file)))
    if not is_locomo(document):
        raise InputError(f"{file.name}: is neither JSON lines of exchanges nor a LoCoMo file with notes.")
    pairs = zip(samples_of(document), locomo_conversations(document, file.name), strict=True)
    notes_by_sample = [notes_of(*pair) for pair in pairs]
    if not any(notes.notes for notes in notes_by_sample):
        raise InputError(f"{file.name}: holds no notes (observation) beside its conversations.")
    return compare_with_bm25(notes_by_sample, ExtractiveThinker())


def _as_json(result: list[JudgedCase] | dict[str, NoteCoverage]) -> Any:
    if isinstance(result, list):
        return {
            **figures(result).dump(),
            "kinds": {kind: of_kind.dump() for kind, of_kind in figures_by_kind(result).items()},
        }
    return {name: noted.dump() for name, noted in result.items()}


def _parts(name: str, result: list[JudgedCase] | dict[str, NoteCoverage]) -> Iterator[RenderableType]:
    yield line("\n", name, style="bold")
    if isinstance(result, list):
        table = new_table(("kind", *FIGURE_COLUMNS), map(_row, figures_by_kind(result).items()), right=FIGURE_COLUMNS)
        table.add_section()
        table.add_row(*_row(("all", figures(result))))
        quiet = [judgement for judgement in result if not judgement.case.expect]
        silent = sum(not (judgement.right or judgement.wrong) for judgement in quiet)
        remark = f"· {silent} of {len(quiet)} exchanges that should lead to nothing do"
    else:
        dumped = ((each, noted.dump()) for each, noted in result.items())
        rows = ((each, f"{v['formed']:,}", f"{v['share']:.3f}", f"{v['covered']:.3f}") for each, v in dumped)
        table = new_table(("", *NOTE_COLUMNS), rows, right=NOTE_COLUMNS)
        remark = "· as many sentences chosen by BM25 in each session as there are thoughts"
    yield table
    yield line(remark, style="dim")


def _row(item: tuple[str, ThinkingFigures]) -> list[str]:
    kind, totals = item
    counts = [f"{count:,}" for count in (totals.cases, totals.expected, totals.formed, totals.right)]
    return [shown(kind), *counts, f"{totals.precision:.3f}", f"{totals.recall:.3f}"]
