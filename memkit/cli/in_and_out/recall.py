"""Recall: a question to a bank."""

from typing import Annotated, Any

import typer

from memkit.cli.options import (
    DEFAULT_FILE,
    EXIT_REFUSED,
    AsJson,
    BankName,
    Database,
    EncoderName,
    Kinds,
    Since,
    Speaker,
    Until,
    Where,
    open_bank,
    parse_choices,
    parse_conditions,
    parse_moment,
)
from memkit.cli.output import answer, line, note, out, write_json
from memkit.cli.tables import hits_table
from memkit.models import MEMORY_KINDS, Hit
from memkit.recall.ranking.query import RecallKeywords


def recall(
    bank_name: BankName,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question, or a few words.")],
    k: Annotated[int, typer.Option("-k", min=1, help="At most this many results.")] = 10,
    speaker: Speaker = None,
    since: Since = None,
    until: Until = None,
    kind: Kinds = None,
    where: Where = None,
    min_score: Annotated[float | None, typer.Option(min=0, max=1, help="Least score; 0 gives k results.")] = None,
    around: Annotated[int, typer.Option(min=0, help="Show so many turns before and after each result.")] = 0,
    prompt: Annotated[
        int | None, typer.Option(metavar="TOKENS", help="Write the prompt block, at most so long.")
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Show ids, and what each score is made of.")] = False,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Say why this memory is a result, or why not.")
    ] = None,
    db: Database = DEFAULT_FILE,
    encoder: EncoderName = None,
    json: AsJson = False,
) -> None:
    """Recall what the bank remembers about a question, best first. Nothing relevant: nothing, and exit code 3.

    Asking from the command line makes no memory stronger.
    """
    with open_bank(db, bank_name, encoder=encoder) as bank:
        options = RecallKeywords(
            kinds=parse_choices("--kind", kind, MEMORY_KINDS),
            where=parse_conditions(where),
            speaker=speaker,
            since=parse_moment(since, bank.zone),
            until=parse_moment(until, bank.zone),
            around=around,
            min_score=min_score,
            reinforce=False,
        )
        if explain is not None:
            explanation = bank.explain(query, explain, k=k, **options)
            answer(json, explanation, [line(str(explanation))])
            return
        hits = bank.recall(query, k=k, **options)
        if json:
            write_json({"bank": bank_name, "query": query, "hits": [_plain(hit) for hit in hits]})
        elif prompt is not None:
            print(hits.prompt(prompt), file=out.file)
        elif hits:
            out.print(hits_table(hits, bank.zone, why=why))
    if not hits:
        if not json and prompt is None:
            note("Nothing in this bank answers that.")
        raise typer.Exit(EXIT_REFUSED)


def _plain(hit: Hit) -> dict[str, Any]:
    return {"id": hit.memory.id, "score": hit.score, "text": hit.memory.text, **hit.model_dump(mode="json")}
