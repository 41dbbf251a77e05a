"""`memkit demo`: a year of conversation remembered, asked about, faded and forgotten."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.demo.script import Folder, play
from memkit.cli.options import ERROR, AsJson, ModelName
from memkit.cli.output import write_json
from memkit.cli.stores import named_encoder
from memkit.encoders import default_encoder
from memkit.errors import InputError

CHECKOUT = Path(__file__).parents[3]
CONVERSATION = CHECKOUT / "demos" / "conversation.jsonl"


def demo(
    conversation: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="A conversation, one turn per line.", show_default="demos/conversation.jsonl"
        ),
    ] = CONVERSATION,
    questions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Questions to it.", show_default="beside the conversation")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where files go.", show_default="demos/out")
    ] = None,
    encoder: ModelName = "minilm",
    json: AsJson = False,
) -> None:
    """Watch a year of conversation being remembered, asked about, faded and forgotten.

    No key, no server, no network. Exit code 1 where fewer than 8 of 10 answers are right.
    """
    if not conversation.exists():
        raise InputError(
            f"demo: there is no {conversation}. The conversation lies in the folder demos/ of memkit's repository: "
            "run the demo in a clone of it, or give --conversation FILE."
        )
    asked = questions or conversation.with_name(conversation.name.replace("conversation", "questions"))
    place = Folder(folder or conversation.parent / "out")
    figures = play(conversation, asked, place, named_encoder(encoder) or default_encoder(), quiet=json)
    if json:
        write_json(figures.dump())
    if not figures.good:
        raise typer.Exit(ERROR)
