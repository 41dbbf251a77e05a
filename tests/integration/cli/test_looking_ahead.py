"""What people asked for until further notice, and what they have ahead of them, from the command line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from memkit.cli.app import application


def test_standing_instructions_and_plans_are_shown_as_tables_and_as_json(tmp_path: Path) -> None:
    said_at = datetime.now(UTC) - timedelta(days=1)
    day = (said_at + timedelta(days=4)).date()
    texts = ("Always answer in Spanish.", f"My exam is on {day.isoformat()}.", "I like tea.")
    turns = tmp_path / "turns.jsonl"
    lines = ({"speaker": "Ana", "text": text, "at": said_at.isoformat()} for text in texts)
    turns.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    database = ["--db", str(tmp_path / "memory.db")]
    run = CliRunner().invoke
    assert run(application(), ["observe", str(turns), "ana", "--encoder", "hashing", *database]).exit_code == 0
    standing, upcoming = ([*words, "ana", *database] for words in (["standing"], ["upcoming", "--days", "7"]))
    assert texts[0] in run(application(), standing).output
    assert (str(day) in run(application(), upcoming).output, texts[2] in run(application(), upcoming).output) == (
        True,
        False,
    )
    [instruction] = json.loads(run(application(), [*standing, "--json"]).output)
    [plan] = json.loads(run(application(), [*upcoming, "--json"]).output)
    assert (instruction["text"], plan["text"], plan["is_past"]) == (texts[0], texts[1], False)
