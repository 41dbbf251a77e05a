"""Evaluate: how often the right memories are found, without any model as a judge."""

from pathlib import Path
from typing import Annotated, Any

import typer

from memkit.cli.evaluation_tables import show_report
from memkit.cli.options import AsJson, ModelName
from memkit.cli.output import bar, err, note, shown, write_json
from memkit.cli.stores import named_encoder
from memkit.encoders import default_encoder
from memkit.errors import InputError
from memkit.evaluation.cases import Conversation
from memkit.evaluation.files import FORMATS, read_conversations
from memkit.evaluation.report import Report, report
from memkit.evaluation.running import Options, run, work
from memkit.protocols import Encoder


def evaluate(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE...", help=f"Each {FORMATS}.")
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
    encoder: ModelName = "minilm",
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw recall against k (PNG).")] = None,
    json: AsJson = False,
) -> None:
    """Recall of the evidence, beside dense search, BM25 and both fused, over the same encoder.

    Conversations are heard through the public interface, each in a bank of its own. Questions of a RealMem
    file are asked before their own session is heard. Intervals resample conversations.
    """
    chosen = named_encoder(encoder) or default_encoder()
    options = Options(wordings=wordings, think=think)
    groups = _groups(files, questions)
    with err.status("Loading the encoder …"):
        chosen.encode(["warm"])
    reports = [_evaluated(kind, conversations, chosen, options) for kind, conversations in groups.items()]
    if plot is not None:
        from memkit.evaluation.plot import plot as draw

        note(f"The plot is in {draw(reports, plot)}.")
    _write(reports, json)


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


def _evaluated(kind: str, conversations: list[Conversation], encoder: Encoder, options: Options) -> Report:
    with bar() as progress:
        task = progress.add_task(kind, total=work(conversations, options))

        def step(description: str, count: int) -> None:
            progress.update(task, description=shown(description), advance=count)

        outcome = run(conversations, encoder, options, step)
    return report(kind, conversations, outcome, encoder.name, options)


def _write(reports: list[Report], as_json: bool) -> None:
    if as_json:
        dumped: list[dict[str, Any]] = [one.dump() for one in reports]
        write_json(dumped[0] if len(dumped) == 1 else dumped)
        return
    for one in reports:
        show_report(one)
