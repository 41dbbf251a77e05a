"""Tables of figures in Markdown, each rendered from result files, with a line that says where they come from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from memkit.errors import InputError
from memkit.evaluation.figures.result_file import ResultFile
from memkit.evaluation.footprint.measure import added
from memkit.evaluation.forgetting import rate_label
from memkit.evaluation.plot import SYSTEM_NAMES

Results = Mapping[str, ResultFile]
Row = Sequence[str]

DATASET_LABELS = {
    "locomo": "five LoCoMo conversations, two people each",
    "realmem": "two RealMem personas with an assistant, by session",
    "friends": "the demo's two friends",
    "assistant": "an assistant, long tasks",
}
MAIN_METRICS = {"realmem": "all"}  # other data sets are measured by the fraction of the evidence
CUTOFF_COLUMN = 2  # of 10 in `ks`
CUTOFF_HEADS = ["@1", "@5", "@10", "@25", "@50"]
LIKE_DEFAULTS = 0.0005  # a difference that is shown as 0
EXCHANGE_LABELS = {
    "first": "all kinds; written before the rules",
    "second": "all kinds, terser and more idiomatic",
    "third": "told to an assistant",
    "fourth": "friends and an assistant",
    "fifth": "all kinds; its errors were never looked at",
}
ABLATED_LABELS = {
    "no lexical": "words",
    "no dense": "vectors",
    "no passages": "passages of long turns",
    "no neighbours": "neighbouring turns",
    "no episodes": "episodes",
    "no sessions": "sessions",
    "no retention": "retention",
    "no freshness": "freshness",
    "no speaker cue": "who is named",
    "no role": "role",
    "no time cues": "times",
    "no question cues": "question or answer",
    "no length": "length",
    "names kept": "names left out of the query's vector",
    "no cohesion": "cohesion",
    "no completion": "words completed from beside",
    "sketches instead of exact search": "exact search (sketches instead)",
}


def recall_table(results: Results) -> str:
    """The main figure @10 of memkit and its baselines, by data set."""
    rows = []
    for name, figures in _datasets(results):
        metrics = (figures["systems"][system]["metrics"] for system in SYSTEM_NAMES)
        values = (metric[MAIN_METRICS.get(name, "fraction")][CUTOFF_COLUMN] for metric in metrics)
        rows.append([DATASET_LABELS[name], f"{figures['questions']:,}", *map(share, values)])
    return _table(results, DATASET_LABELS, ["found @10", "questions", *SYSTEM_NAMES.values()], rows)


def cutoffs_table(results: Results) -> str:
    """The fraction that memkit finds at 1, 5, 10, 25 and 50, by data set."""
    fractions = {name: figures["systems"]["memkit"]["metrics"]["fraction"] for name, figures in _datasets(results)}
    rows = [[DATASET_LABELS[name], *map(share, values)] for name, values in fractions.items()]
    return _table(results, DATASET_LABELS, ["memkit finds", *CUTOFF_HEADS], rows)


def category_table(results: Results) -> str:
    """LoCoMo's categories: questions, and the fractions that memkit finds."""
    figures = _figures(results, "locomo")
    systems = figures["systems"]["memkit"]["categories"]
    rows = [[name, f"{count:,}", *map(share, systems[name])] for name, count in figures["counts"].items()]
    return _table(results, ["locomo"], ["LoCoMo", "questions", *CUTOFF_HEADS], rows)


def wording_table(results: Results) -> str:
    """The fraction @10 of the questions as written and in other wordings, where there are any."""
    wordings = {name: figures["systems"]["memkit"]["wordings"] for name, figures in _datasets(results)}
    rows = [[DATASET_LABELS[name], *map(share, values)] for name, values in wordings.items() if len(values) == 3]
    return markdown(["found @10", "as written", "second wording", "third wording"], rows)


def floor_table(results: Results) -> str:
    """Results that unanswerable questions get with the default floor, and what the floor costs."""
    rows = [
        [
            DATASET_LABELS[name],
            f"{floor['unrelated_results']:.2f}",
            f"{floor['unrelated_answered']:.0%}",
            share(floor["recall_without"]),
            share(floor["recall_with"]),
        ]
        for name, floor in _datasets(results, "floor")
    ]
    return _table(
        results,
        DATASET_LABELS,
        ["", "results for an unrelated question", "any result", "found @10 without the floor", "with it"],
        rows,
    )


def sketch_table(results: Results) -> str:
    """Agreement of search by sketches with exact search."""
    rows = [
        [DATASET_LABELS[name], share(sketches["sketch_recall"]), share(sketches["same_top"])]
        for name, sketches in _datasets(results, "sketches")
    ]
    return _table(
        results,
        DATASET_LABELS,
        ["", "exact search's ten best vectors found", "questions with the same ten results"],
        rows,
    )


def ablation_table(results: Results) -> str:
    """Change of the fraction @10 where a part of recall is switched off, by data set."""
    differences = {
        name: {variant["name"]: variant["difference"] for variant in ablation["variants"]}
        for name, ablation in _datasets(results, "ablation")
        if ablation
    }
    parts = sorted(ABLATED_LABELS, key=lambda part: sum(column[part] for column in differences.values()))
    rows = [[ABLATED_LABELS[part], *(change(column[part]) for column in differences.values())] for part in parts]
    return _table(results, differences, ["switched off", *differences], rows)


def thinking_table(results: Results) -> str:
    """Precision and recall of the built-in thinker on the project's own exchanges."""
    figures = _figures(results, "thinking")
    rows = [
        [f"{name}: {label}", f"{part['cases']}", f"{part['expected']}", share(part["precision"]), share(part["recall"])]
        for name, label in EXCHANGE_LABELS.items()
        for part in [figures[f"{name}.jsonl"]]
    ]
    return _table(results, ["thinking"], ["part", "exchanges", "expected thoughts", "precision", "recall"], rows)


def notes_table(results: Results) -> str:
    """Thoughts on LoCoMo beside the notes that people took, and beside as many sentences chosen by BM25."""
    figures = _figures(results, "thinking")["locomo_dev.json"]
    rows = [
        [name, f"{part['formed']:,}", share(part["share"]), share(part["covered"])] for name, part in figures.items()
    ]
    return _table(results, ["thinking"], ["", "formed", "on a noted turn or on evidence", "notes covered"], rows)


def agreement_table(results: Results) -> str:
    """Agreement of exported encoders with their original."""
    names = ("encoder-fp32", "encoder-int8")
    rows = [
        [f["format"], f"{f['mean_cosine']:.4f}", f"{f['least_cosine']:.4f}", share(f["nearest"])]
        for f in (_figures(results, name) for name in names)
    ]
    return _table(
        results, names, ["export", "mean cosine to the original", "least cosine", "of the ten nearest the same"], rows
    )


def held_table(results: Results) -> str:
    """Memory of a worker that serves recalls, by what came with each step."""
    steps = added(_figures(results, "footprint")["held_mb"])
    rows = [[name, f"{more:.1f}", f"{held:.0f}"] for name, more, held in steps]
    return _table(results, ["footprint"], ["a worker holds, with", "more MB", "MB together"], rows)


def forgetting_table(results: Results) -> str:
    """Shares remembered after the simulated days under each curve, by frequency of asking."""
    figures = _figures(results, "curve")
    curves = figures["curves"]
    rows = [
        [rate_label(rate), f"{sum(counts):,}", *(share(curve["by_rate"][row]) for curve in curves)]
        for row, (rate, counts) in enumerate(zip(figures["rates"], figures["counts"], strict=True))
    ]
    rows.append(["all", f"{figures['memories']:,}", *(share(curve["share"]) for curve in curves)])
    return _table(results, ["curve"], ["asked for", "memories", *(curve["curve"] for curve in curves)], rows)


TABLE_RENDERERS: dict[str, Callable[[Results], str]] = {
    "recall": recall_table,
    "cutoffs": cutoffs_table,
    "categories": category_table,
    "wordings": wording_table,
    "floor": floor_table,
    "sketches": sketch_table,
    "ablation": ablation_table,
    "thinking": thinking_table,
    "notes": notes_table,
    "encoder-agreement": agreement_table,
    "forgetting": forgetting_table,
    "held": held_table,
}


def _table(results: Results, names: Iterable[str], header: Row, rows: Iterable[Row]) -> str:
    """A table, and the commands, commits and processors that its figures come from."""
    used = [results[name] for name in names if name in results]
    commands = ", ".join(f"`{command}`" for command in dict.fromkeys(result.command for result in used))
    places = dict.fromkeys(f"commit {r.commit}, {r.date}, {r.processor}" for r in used)
    return f"{markdown(header, rows)}\n{commands} ({'; '.join(places)})\n"


def _datasets(results: Results, part: str | None = None) -> Iterator[tuple[str, Any]]:
    """Data sets that were measured, with their figures or a part of them."""
    figures = {name: results[name].figures for name in DATASET_LABELS if name in results}
    return ((name, values[part] if part else values) for name, values in figures.items())


def _figures(results: Results, name: str) -> Any:
    if name not in results:
        raise InputError(f"figures: there is no result file {name}.json. Record it: figures record {name} COMMAND...")
    return results[name].figures


def share(value: float | None) -> str:
    """A share with three decimals: ".855"; a dash where there is none."""
    return "" if value is None else f"{value:.3f}".removeprefix("0")


def change(value: float) -> str:
    """A difference with its sign: "-.095", or 0."""
    return "0" if abs(value) < LIKE_DEFAULTS else f"{value:+.3f}".replace("0.", ".", 1)


def markdown(header: Row, rows: Iterable[Row]) -> str:
    """A Markdown table, numbers on the right."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)) + "\n"
