"""Evaluate: how often the right memories are found, without any model as a judge."""

from pathlib import Path
from typing import Annotated, Any

import Stemmer
import typer

from memkit.cli.measure.recall_tables import left_out_parts, report_parts, sweep_table
from memkit.cli.measure.thinking_tables import evaluate_thinking
from memkit.cli.options import AsJson, ModelName, encoder_from_option
from memkit.cli.output import answer, err, note, stepping_bar
from memkit.errors import InputError
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.formats.files import FORMAT_NAMES, read_conversations
from memkit.evaluation.recall.comparison import as_written, leave_one_out
from memkit.evaluation.recall.report import RecallReport, report
from memkit.evaluation.recall.run import AskedQuestion, RunOptions, count_steps, run
from memkit.evaluation.recall.sweep import count_sweep_steps, sweep
from memkit.evaluation.recall.variants import ABLATION_VARIANTS, CANDIDATE_VARIANTS
from memkit.protocols import Encoder


def evaluate(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE...", help=f"Each {FORMAT_NAMES}.")
    ],
    questions: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="The questions to a file of JSON lines. "
            'Default: beside it, with "questions" for "conversation" in its name.',
        ),
    ] = None,
    wordings: Annotated[bool, typer.Option("--wordings", help="Also ask each question in its paraphrases.")] = False,
    think: Annotated[bool, typer.Option("--think", help="Let thoughts form before asking.")] = False,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Ask again with each part of recall switched off: what is it worth?")
    ] = False,
    leave_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-out",
            help="For each conversation, choose among the default weights and each of them times 0.7 and 1.4 by all "
            "the other conversations, and try that choice on it: were the defaults fitted to single conversations?",
        ),
    ] = False,
    sweep_: Annotated[
        bool,
        typer.Option(
            "--sweep",
            help="Only this: hear every conversation with more and more turns counting as small talk, which gets no "
            "vectors: what does it save, and what does it cost?",
        ),
    ] = False,
    thinking: Annotated[
        bool,
        typer.Option(
            "--thinking",
            help="Measure the built-in thinker instead: FILE holds exchanges with what should come of them, or is a "
            "LoCoMo file with notes.",
        ),
    ] = False,
    encoder: ModelName = "minilm",
    language: Annotated[
        str, typer.Option(metavar="NAME", help="The language whose stems the baseline BM25 takes, as spanish.")
    ] = "english",
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw recall against k (PNG).")] = None,
    json: AsJson = False,
) -> None:
    """Recall of the evidence, beside dense search, BM25 and both fused, over the same encoder.

    Conversations are heard through the public interface, each in a bank of its own. Questions of a RealMem
    file are asked before their own session is heard. Intervals resample conversations.

    --ablate asks every question 16 times more, --leave-one-out 38 times more: the first takes about twice as
    long as a plain run, the second four times. With --leave-one-out, JSON holds "reports" and "leave_one_out".

    --thinking takes JSON lines of exchanges: {"turns": [{"speaker": "Ana", "text": "...", "at": "..."}], "known":
    [...], "expect": [{"action": "insert", "head": "Ana", "relation": "lives in", "tail": "Lisbon"}]}. A thought is
    right with the same action, head and relation, and a tail whose stemmed content words are equal or contain one
    another. Of a LoCoMo file it says how many thoughts rest on turns that people noted, beside as many sentences
    chosen by BM25.
    """
    if thinking:
        evaluate_thinking(files, json)
        return
    if language not in Stemmer.algorithms():
        raise InputError(
            f"evaluate: there are no stems of {language!r}. Give one of {_languages()}; Chinese needs none."
        )
    model = encoder_from_option(encoder)
    options = RunOptions(
        wordings=wordings,
        think=think,
        ablated=ABLATION_VARIANTS if ablate else (),
        candidates=CANDIDATE_VARIANTS if leave_out else (),
        language=language,
    )
    groups = _groups(files, questions)
    if leave_out and sum(bool(each.questions) for group in groups.values() for each in group) < 2:
        raise InputError("evaluate: --leave-one-out chooses by the other conversations. Give at least two.")
    with err.status("Loading the encoder …"):
        model.encode(["warm"])
    if sweep_:
        _sweep(groups, model, plot, json)
        return
    results = {kind: _evaluate(kind, conversations, model, options) for kind, conversations in groups.items()}
    reports = [measured for measured, _ in results.values()]
    if plot is not None:
        from memkit.evaluation.plot import plot as draw

        note(f"The plot is in {draw(reports, plot)}.")
    document: Any = _single([measured.dump() for measured in reports])
    parts = [part for measured in reports for part in report_parts(measured)]
    if leave_out:
        left_out = leave_one_out({kind: asked for kind, (_, asked) in results.items()}, CANDIDATE_VARIANTS)
        document = {"reports": [measured.dump() for measured in reports], "leave_one_out": left_out.dump()}
        parts += left_out_parts(left_out)
    answer(json, document, parts)


def _languages() -> str:
    return ", ".join(sorted(Stemmer.algorithms()))


def _single(documents: list[Any]) -> Any:
    return documents[0] if len(documents) == 1 else documents


def _sweep(groups: dict[str, list[Conversation]], encoder: Encoder, plot: Path | None, as_json: bool) -> None:
    sweeps = []
    for kind, conversations in groups.items():
        with stepping_bar(kind, count_sweep_steps(conversations)) as step:
            sweeps.append(sweep(kind, conversations, encoder, step))
    if plot is not None:
        from memkit.evaluation.plot import plot_sweep

        note(f"The plot is in {plot_sweep(sweeps, plot)}.")
    answer(as_json, _single([measured.dump() for measured in sweeps]), map(sweep_table, sweeps))


def _groups(files: list[Path], questions: Path | None) -> dict[str, list[Conversation]]:
    """Conversations by format: figures of different formats are never mixed."""
    groups: dict[str, list[Conversation]] = {}
    for file in files:
        kind, conversations = read_conversations(file, questions)
        groups.setdefault(kind, []).extend(conversations)
    for kind, conversations in groups.items():
        if not any(conversation.questions for conversation in conversations):
            raise InputError(f"evaluate: there are no questions with evidence in these {kind} files.")
    return groups


def _evaluate(
    kind: str, conversations: list[Conversation], encoder: Encoder, options: RunOptions
) -> tuple[RecallReport, list[AskedQuestion]]:
    """The figures, and the questions as written."""
    with stepping_bar(kind, count_steps(conversations, options)) as step:
        outcome = run(conversations, encoder, options, step)
    return report(kind, conversations, outcome, encoder.name, options), as_written(outcome.asked)
