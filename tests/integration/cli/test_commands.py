"""The command line, each command for real on a database with the small encoder."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli, command_line

from memkit.evaluation.recall.variants import ABLATION_VARIANTS
from memkit.evaluation.texts import CONVERSATIONS_FOLDER

SECRET = "quetzal-9471-marimba"
TURNS: list[dict[str, Any]] = [
    {"id": "t1", "session": "s1", "at": "2025-03-01T09:00:00+00:00", "speaker": "Ana"},
    {"id": "t2", "session": "s1", "at": "2025-03-01T09:01:00+00:00", "speaker": "Bo"},
    {"id": "t3", "session": "s2", "at": "2025-03-04T18:00:00+00:00", "speaker": "Ana"},
    {"id": "t4", "session": "s2", "at": "2025-03-04T18:01:00+00:00", "speaker": "Ana"},
]
TEXTS = [
    "I moved to Lisbon in May 2024.",
    "Do you like the trams there?",
    "My sister Rita visits on Thursday.",
    f"The vault code is {SECRET}.",
]
for turn, text in zip(TURNS, TEXTS, strict=True):
    turn["text"] = text
TURNS[3]["metadata"] = {"topic": "money", "n": 3}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, db: Path) -> Cli:
    return command_line(capfd, monkeypatch, str(db))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(turn) + "\n" for turn in TURNS), encoding="utf-8")
    return path


@pytest.fixture
def filled(cli: Cli, file: Path) -> Cli:
    """The command line over a database in which acme/ana has heard the four turns."""
    assert cli("observe", file, "acme/ana", "--encoder", "hashing").code == 0
    return cli


# in and out


def test_observe_stores_a_conversation_and_says_how_fast(cli: Cli, file: Path, db: Path) -> None:
    said = cli("observe", file, "acme/ana", "--encoder", "hashing")
    assert said.code == 0
    assert "4 turns in" in said.out
    assert "per second" in said.out
    assert db.exists()


def test_observe_counts_outcomes_for_programs_and_repeats_are_skipped(filled: Cli, file: Path) -> None:
    figures = filled("observe", file, "acme/ana", "--json").json
    assert figures["banks"] == {"acme/ana": {"skipped": 4}}
    assert figures["turns"] == 4
    assert figures["turns_per_second"] > 0
    assert figures["encoder_load_seconds"] >= 0


def test_observe_without_a_bank_names_it_after_the_file(cli: Cli, file: Path) -> None:
    cli("observe", file, "--encoder", "hashing")
    assert cli("banks", "--json").json == ["talk"]


def test_a_locomo_file_fills_a_bank_for_each_conversation(cli: Cli, tmp_path: Path) -> None:
    session = [{"speaker": "Ana", "dia_id": "D1:1", "text": "We bought a boat."}]
    sample = {"conversation": {"session_1": session, "session_1_date_time": "1:56 pm on 8 May, 2024"}, "qa": []}
    file = tmp_path / "l.json"
    file.write_text(json.dumps([{**sample, "sample_id": "a"}, {**sample, "sample_id": "b"}]))
    assert cli("observe", file, "--encoder", "hashing").code == 0
    assert cli("banks", "--json").json == ["locomo/a", "locomo/b"]
    cli("observe", file, "acme", "--encoder", "hashing")
    assert cli("banks", "acme", "--json").json == ["acme/a", "acme/b"]


def test_refused_turns_are_told_and_the_exit_code_is_3_while_the_others_are_stored(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    lines = [TURNS[0], {"role": "pirate", "content": SECRET}, TURNS[2]]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = cli("observe", file, "acme/ana", "--encoder", "hashing", "--json")
    assert said.code == 3
    assert said.json["banks"]["acme/ana"] == {"added": 2, "rejected": 1}
    said = cli("observe", file, "acme/ana")
    assert "1 refused" in said.err
    assert SECRET not in said.out + said.err


def test_recall_shows_the_turn_its_date_and_its_speaker(filled: Cli) -> None:
    said = filled("recall", "acme/ana", "Where did Ana move to?")
    assert said.code == 0
    assert "I moved to Lisbon in May 2024." in said.out
    assert "2025-03-01 09:00" in said.out


def test_recall_says_why_and_gives_ids_on_request(filled: Cli) -> None:
    said = filled("recall", "acme/ana", "Who moved to Lisbon?", "-k", "1", "--why")
    assert "id t1" in said.out
    assert "words (moved, lisbon)" in said.out


def test_recall_as_json_is_one_document_on_a_clean_stdout(filled: Cli) -> None:
    found = filled("recall", "acme/ana", "Who moved to Lisbon?", "-k", "1", "--json").json
    [hit] = found["hits"]
    assert (hit["id"], hit["text"]) == ("t1", "I moved to Lisbon in May 2024.")
    assert 0 < hit["score"] <= 1
    assert hit["memory"]["speaker"] == "Ana"
    assert hit["why"]


def test_recall_that_finds_nothing_exits_with_3(filled: Cli) -> None:
    assert filled("recall", "acme/ana", "How do I reset a router?").code == 3
    said = filled("recall", "acme/ana", "How do I reset a router?", "--json")
    assert (said.code, said.json["hits"]) == (3, [])


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--speaker", "Bo"], {"t2"}),
        (["--since", "2025-03-04"], {"t3", "t4"}),
        (["--until", "2025-03-01T09:01"], {"t1"}),
        (["--since", "2025-03-01T10:01+01:00", "--until", "2025-03-02"], {"t2"}),
        (["--where", "topic=money", "--where", "n=3"], {"t4"}),
        (["--where", "topic=work", "--where", "topic=money"], {"t4"}),
        (["--kind", "thought"], set()),
        (["-k", "2"], None),
    ],
)
def test_recall_filters(filled: Cli, options: list[str], ids: set[str] | None) -> None:
    found = filled("recall", "acme/ana", "anything at all", "--min-score", "0", "--json", *options).json
    hits = {hit["id"] for hit in found["hits"]}
    assert len(hits) == 2 if ids is None else hits == ids


def test_recall_can_write_the_block_for_a_prompt(filled: Cli) -> None:
    said = filled("recall", "acme/ana", "Who moved to Lisbon?", "--prompt", "300")
    assert "Lisbon" in said.out
    assert said.out.lstrip().startswith("<")


def test_recall_shows_what_stands_around_a_result(filled: Cli) -> None:
    found = filled("recall", "acme/ana", "Who moved to Lisbon?", "-k", "1", "--around", "1", "--json").json
    assert [memory["id"] for memory in found["hits"][0]["around"]] == ["t2"]
    assert "trams" in filled("recall", "acme/ana", "Who moved to Lisbon?", "-k", "1", "--around", "1").out


def test_asking_from_the_command_line_makes_nothing_stronger(filled: Cli) -> None:
    filled("recall", "acme/ana", "Who moved to Lisbon?", "--prompt", "300")
    memory = filled("show", "acme/ana", "t1", "--json").json
    assert (memory["strength"], memory["recall_count"]) == (1.0, 0)


def test_think_shows_the_thoughts_and_reflect_the_summaries(filled: Cli) -> None:
    said = filled("think", "acme/ana")
    assert said.code == 0
    assert "Lisbon" in said.out
    assert "No exchange was waiting" in filled("think", "acme/ana").out
    actions = {outcome["action"] for outcome in filled("reflect", "acme/ana", "--json").json["outcomes"]}
    assert actions == {"added"}
    assert "Nothing grew" in filled("reflect", "acme/ana").out


def test_maintain_does_what_is_due_in_every_bank(filled: Cli) -> None:
    assert filled("maintain", "--budget", "5", "--json").json["banks"] == 1
    assert "archived" in filled("maintain").out


# looking and changing


def test_show_browses_by_time(filled: Cli) -> None:
    every = [memory["occurred_at"] for memory in filled("show", "acme/ana", "--json").json]
    newest = filled("show", "acme/ana", "--order", "-occurred_at", "--limit", "2", "--json").json
    assert [memory["occurred_at"] for memory in newest] == sorted(every)[:-3:-1]
    later = filled("show", "acme/ana", "--since", sorted(every)[2], "--json").json
    assert sorted(memory["occurred_at"] for memory in later) == sorted(every)[2:]
    assert filled("show", "acme/ana", "--until", "1999-01-01", "--json").json == []
    refused = filled("show", "acme/ana", "--order", "backwards")
    assert (refused.code, "known are recorded_at" in refused.err) == (1, True)


def test_show_lists_pages_and_tells_all_of_one_memory(filled: Cli) -> None:
    listed = filled("show", "acme/ana", "--limit", "2")
    assert "t1" in listed.out
    following = listed.err.split("--after ")[1].strip()
    for after in ("t2", following):
        rest = filled("show", "acme/ana", "--after", after, "--json").json
        assert [memory["id"] for memory in rest] == ["t3", "t4"]
    filled("erase", "acme/ana", "--id", "t2", "--yes")
    rest = filled("show", "acme/ana", "--after", following, "--json").json
    assert [memory["id"] for memory in rest] == ["t3", "t4"]
    assert "session" in filled("show", "acme/ana", "t1").out


def test_add_stores_thoughts_and_skips_what_says_the_same(cli: Cli) -> None:
    first = cli("add", "acme/ana", "Ana likes green olives", "Ana bakes bread", "--encoder", "hashing", "--json").json
    assert [outcome["action"] for outcome in first["outcomes"]] == ["added", "added"]
    assert "skipped" in cli("add", "acme/ana", "Ana likes green olives").out


def test_correct_pin_forget_and_history_tell_one_story(filled: Cli) -> None:
    filled("add", "acme/ana", "Ana likes green olives")
    [thought] = filled("show", "acme/ana", "--kind", "thought", "--json").json
    id = thought["id"]
    assert filled("pin", "acme/ana", id).code == 0
    assert filled("pin", "acme/ana", id, "--off").code == 0
    assert filled("correct", "acme/ana", id, "Ana hates green olives").code == 0
    events = [entry["event"] for entry in filled("history", "acme/ana", id, "--json").json]
    assert events == ["added", "pinned", "unpinned", "corrected"]
    [new] = filled("show", "acme/ana", "--kind", "thought", "--json").json
    filled("forget", "acme/ana", new["id"], "--reason", "a test")
    assert filled("show", "acme/ana", "--kind", "thought", "--json").json == []
    filled("forget", "acme/ana", new["id"], "--undo")
    assert len(filled("show", "acme/ana", "--kind", "thought", "--json").json) == 1
    assert "corrected" in filled("history", "acme/ana", id).out


def test_undo_takes_back_what_a_receipt_tells_and_undoing_that_brings_it_again(filled: Cli, tmp_path: Path) -> None:
    def thoughts() -> list[str]:
        return [memory["text"] for memory in filled("show", "acme/ana", "--kind", "thought", "--json").json]

    [id] = [o["id"] for o in filled("add", "acme/ana", "Ana likes green olives", "--json").json["outcomes"]]
    done = tmp_path / "correct.json"
    done.write_text(filled("correct", "acme/ana", id, "Ana hates green olives", "--json").out)
    undone = tmp_path / "undo.json"
    undone.write_text(filled("undo", "acme/ana", done, "--json").out)
    assert thoughts() == ["Ana likes green olives"]
    assert "Ana" not in undone.read_text()
    assert filled("undo", "acme/ana", undone).code == 0
    assert thoughts() == ["Ana hates green olives"]


def test_undo_takes_what_thinking_wrote(filled: Cli, tmp_path: Path) -> None:
    done = tmp_path / "think.json"
    done.write_text(filled("think", "acme/ana", "--json").out)
    assert len(filled("show", "acme/ana", "--kind", "thought", "--json").json) > 0
    assert "forgotten" in filled("undo", "acme/ana", done).out
    assert filled("show", "acme/ana", "--kind", "thought", "--json").json == []


def test_undo_takes_what_an_audit_wrote(filled: Cli, tmp_path: Path) -> None:
    filled("think", "acme/ana")
    filled("forget", "acme/ana", "t1")  # what was thought about it rests on nothing now
    before = filled("show", "acme/ana", "--kind", "thought", "--json").json
    done = tmp_path / "audit.json"
    done.write_text(filled("audit", "acme/ana", "--fix", "--json").out)
    assert filled("show", "acme/ana", "--kind", "thought", "--json").json != before
    assert filled("undo", "acme/ana", done).code == 0
    assert filled("show", "acme/ana", "--kind", "thought", "--json").json == before


OTHERS = '{"bank": ["bo"], "change": 1, "outcomes": []}'


@pytest.mark.parametrize("written", ["", "no JSON", '{"change": 1}', "[7]", "[]", OTHERS])
def test_undo_refuses_what_is_no_receipt_of_this_bank(filled: Cli, tmp_path: Path, written: str) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(written)
    said = filled("undo", "acme/ana", file)
    assert said.code == 1
    assert "receipt" in said.err


def test_undo_changes_nothing_where_something_was_built_on_it(filled: Cli, tmp_path: Path) -> None:
    first = tmp_path / "first.json"
    first.write_text(filled("add", "acme/ana", "Ana likes green olives", "--json").out)
    [id] = [outcome["id"] for outcome in json.loads(first.read_text())["outcomes"]]
    filled("correct", "acme/ana", id, "Ana hates green olives")
    said = filled("undo", "acme/ana", first)
    assert said.code == 1
    assert "later operations" in said.err


# fading and erasing


def test_decay_as_a_dry_run_tells_what_would_fade_and_changes_nothing(filled: Cli) -> None:
    report = filled("decay", "acme/ana", "--dry-run", "--at", "2035-01-01", "--json").json
    assert len(report["rows"]) == 4
    said = filled("decay", "acme/ana", "--dry-run", "--at", "2035-01-01", "--limit", "1")
    assert "4 of 4 memories would fade" in said.out
    assert "3 more" in said.err
    assert len(filled("show", "acme/ana", "--json").json) == 4


def test_decay_as_of_another_time_is_only_for_dry_runs(filled: Cli) -> None:
    said = filled("decay", "acme/ana", "--at", "2035-01-01")
    assert said.code == 1
    assert "--dry-run" in said.err


def test_rules_of_retention_are_shown_set_and_followed(filled: Cli) -> None:
    assert "the curve alone" in filled("keep").err
    assert filled("keep", "turn=90,erase", "thought=forever", "acme/trial:all=7").code == 0
    assert "everything of banks under acme/trial archived after 7 days" in filled("keep").out
    assert [rule["days"] for rule in filled("keep", "--json").json] == [90, None, 7]
    said = filled("prune", "acme/ana", "--dry-run", "--at", "2035-01-01")
    assert said.out.count("turn=90,erase") == 4
    assert "Erase from acme/ana: 4 turns." in said.out
    assert "turn=90,erase" in filled("decay", "acme/ana", "--dry-run", "--at", "2035-01-01").out
    assert filled("prune", "acme/ana", "--json").json["receipt"] is None  # nothing is past its span today
    assert len(filled("show", "acme/ana", "--json").json) == 4
    assert filled("keep", "--none").code == 0
    assert filled("keep", "--json").json == []
    assert "No rule erases" in filled("prune", "acme/ana", "--dry-run").err


def test_prune_as_of_another_time_is_only_for_dry_runs(filled: Cli) -> None:
    assert filled("prune", "acme/ana", "--at", "2035-01-01").code == 1


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (["turn"], "days"),
        (["trun=3"], "kind"),
        (["turn=3,drop"], "comma"),
        (["turn=3", "turn=4"], "2 rules for turn"),
        (["turn=3", "--none"], "give rules, or --none"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(filled: Cli, rules: list[str], said: str) -> None:
    refused = filled("keep", *rules)
    assert refused.code == 1
    assert said in refused.err
    assert filled("keep", "--json").json == []


def test_curve_tells_what_each_curve_keeps_by_rate_and_by_age(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    said = cli("curve", "--days", "100", "--people", "2", "--plot", tmp_path / "c.png")
    assert said.code == 0
    assert "less than once a year" in said.out
    assert (tmp_path / "c.png").exists()
    figures = cli("curve", "--days", "100", "--people", "2", "--json").json
    assert [kept["curve"] for kept in figures["curves"]][:2] == ["default", "paper"]
    assert sum(map(sum, figures["counts"])) == figures["memories"] == 400


def test_decay_draws_a_plot(filled: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert filled("decay", "acme/ana", "--dry-run", "--at", "2025-04-01", "--plot", tmp_path / "p.png").code == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_erase_shows_its_plan_and_does_nothing_as_a_dry_run(filled: Cli) -> None:
    said = filled("erase", "acme/ana", "--speaker", "Bo", "--dry-run")
    assert said.code == 0
    assert "trams" in said.out
    assert "Erase from acme/ana: 1 turn." in said.out
    assert len(filled("show", "acme/ana", "--json").json) == 4


def test_erase_removes_what_was_chosen_and_no_file_holds_it_any_more(filled: Cli, db: Path) -> None:
    said = filled("erase", "acme/ana", "--id", "t4", "--yes")
    assert said.code == 0
    assert "No byte" in said.out
    assert all(SECRET.encode() not in path.read_bytes() for path in db.parent.glob("memory.db*"))
    assert filled("show", "acme/ana", "t4").code == 1


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--session", "s1"], ["t1", "t2"]),
        (["--since", "2025-03-04T18:01"], ["t4"]),
        (["--until", "2025-03-01T09:01"], ["t1"]),
        (["--speaker", "Ana", "--session", "s1"], ["t1"]),
        (["--id", "t1", "--id", "t3"], ["t1", "t3"]),
        (["--about", "vault code"], ["t4"]),
    ],
)
def test_erase_chooses_by_every_condition(filled: Cli, options: list[str], ids: list[str]) -> None:
    plan = filled("erase", "acme/ana", "--dry-run", "--json", *options).json["plan"]
    assert sorted(row["id"] for row in plan["rows"]) == ids


def test_erase_for_programs_never_asks(filled: Cli) -> None:
    said = filled("erase", "acme/ana", "--speaker", "Bo", "--json")
    assert (said.code, said.out) == (1, "")
    assert "--yes" in said.err
    assert filled("erase", "acme/ana", "--speaker", "Bo", "--json", "--yes").json["receipt"]["chosen"] == 1


def test_erase_takes_a_whole_bank_or_all_under_a_prefix_and_receipts_tell_of_it(filled: Cli, file: Path) -> None:
    filled("observe", file, "acme/bob")
    filled("observe", file, "other")
    assert filled("erase", "acme", "--under", "--dry-run", "--json").json["banks"] == ["acme/ana", "acme/bob"]
    assert filled("erase", "acme/ana", "--whole", "--speaker", "Bo", "--yes").code == 1
    whole = filled("erase", "acme/ana", "--whole", "--yes", "--asked-by", "Ana", "--json").json
    assert whole["receipts"][0]["whole"]
    assert "1 bank" in filled("erase", "acme", "--under", "--yes").out
    assert filled("banks", "--json").json == ["other"]
    told = filled("receipts", "--json").json
    assert [(r["bank"], r["requested_by"]) for r in told] == [(["acme", "ana"], "Ana"), (["acme", "bob"], None)]
    assert "acme/ana" in filled("receipts").out


def test_restore_brings_a_backup_back_without_what_was_erased_since(filled: Cli, tmp_path: Path, db: Path) -> None:
    backup, listed = tmp_path / "backup.db", tmp_path / "receipts.jsonl"
    assert filled("backup", backup).code == 0
    filled("erase", "acme/ana", "--id", "t4", "--yes")
    filled("receipts", "--out", listed)
    assert filled("restore", backup, "--json").code == 1  # it doesn't ask
    assert [r["number"] for r in filled("restore", backup, "--yes", "--json").json] == [1]
    assert SECRET.encode() not in db.read_bytes()
    assert SECRET not in filled("show", "acme/ana").out
    db.unlink()
    assert filled("restore", backup, "--erasures", listed).code == 0
    assert SECRET.encode() not in db.read_bytes()
    assert filled("doctor").code == 0


def test_attack_prints_how_often_something_erased_is_still_told(cli: Cli) -> None:
    demo = CONVERSATIONS_FOLDER / "conversation.jsonl"
    figures = cli("attack", demo, "--encoder", "hashing", "--count", "6", "--json").json
    assert figures["alike"] == figures["queries"] > 20
    assert figures["intact"]["after"] == figures["intact"]["control"]
    for kind, tally in figures["attacks"].items():
        assert tally["after"] == tally["control"] == 0, kind
    assert figures["attacks"]["all its words"]["before"] == 6


def test_erase_without_a_condition_is_an_error(filled: Cli) -> None:
    assert filled("erase", "acme/ana", "--yes").code == 1


def test_erasures_are_repeated_from_a_list_and_a_bank_beside_it_is_refused(
    filled: Cli, tmp_path: Path, db: Path
) -> None:
    before, listed = tmp_path / "before.db", tmp_path / "receipts.jsonl"
    filled("backup", before)
    filled("erase", "acme/ana", "--id", "t4", "--yes")
    filled("receipts", "--out", listed)
    db.unlink()
    before.rename(db)
    refused = filled("erase", "acme/ana", "--replay", listed, "--yes")
    assert (refused.code, "leave the bank" in " ".join(refused.err.split())) == (1, True)
    assert filled("show", "acme/ana", "t4").code == 0
    done = filled("erase", "--replay", listed, "--yes")
    assert (done.code, "1 erasure" in done.out) == (0, True)
    assert filled("show", "acme/ana", "t4").code == 1
    again = filled("erase", "--replay", listed, "--yes", "--json")
    assert again.json == {"receipts": []}


def test_erase_without_a_bank_asks_for_one(filled: Cli) -> None:
    refused = filled("erase", "--speaker", "Bo")
    assert (refused.code, "name the bank" in " ".join(refused.err.split())) == (1, True)


# the file


def test_stats_tell_bytes_growth_queue_and_encoder(filled: Cli) -> None:
    figures = filled("stats", "--json").json
    assert figures["encoder"]["name"] == "hashing-256"
    assert figures["banks"]["acme/ana"]["growth"] == {"day": 4, "week": 4, "month": 4}
    assert figures["banks"]["acme/ana"]["queue"]["waiting"] > 0
    assert figures["bytes"]["total"] > 0
    said = filled("stats").out
    assert "hashing-256" in said
    assert "per memory" in said


def test_stats_measure_the_sketches_only_when_asked(filled: Cli) -> None:
    assert "sketch_recall" not in filled("stats", "--json").json["banks"]["acme/ana"]
    bank = filled("stats", "--measure", "--json").json["banks"]["acme/ana"]
    assert (bank["search"], bank["sketch_recall"]) == ("exact", 1.0)
    said = filled("stats", "--measure").out
    assert "of exact @10" in said
    assert "1.000" in said


def test_doctor_finds_a_healthy_file_healthy(filled: Cli) -> None:
    assert filled("doctor", "--json").json == {"problems": [], "repaired": 0}
    assert "healthy" in filled("doctor", "--repair").out


def test_export_and_load_carry_everything_into_another_file(filled: Cli, tmp_path: Path) -> None:
    there, other = tmp_path / "e.jsonl", tmp_path / "other.db"
    filled("think", "acme/ana")
    exported = filled("export", there, "--json").json
    loaded = filled("load", there, "--db", other, "--json").json  # with the encoder of the file
    assert loaded["new"] == exported["memories"] == sum(loaded["counts"].values()) > 4
    assert filled("stats", "--db", other, "--json").json["encoder"]["name"] == "hashing-256"
    again = filled("load", there, "--db", other)
    assert "0 new" in again.out
    assert str(exported["memories"]) in again.out
    everywhere = ("--json", "--state", "active", "--state", "superseded")
    assert filled("show", "acme/ana", "--db", other, *everywhere).json == filled("show", "acme/ana", *everywhere).json


def test_move_takes_banks_to_another_database_and_back(filled: Cli, db: Path, tmp_path: Path) -> None:
    filled("add", "acme/bo", "Bo likes ferries.", "--encoder", "hashing")
    other, shown = tmp_path / "other.db", filled("show", "acme/ana", "--json").json
    moved = filled("move", db, other, "--bank", "acme/ana", "--json").json
    assert (moved["memories"], moved["purged"], moved["target"]) == (4, True, str(other))
    assert filled("banks", "--json").json == ["acme/bo"]
    assert filled("show", "acme/ana", "--db", other, "--json").json == shown
    refused = filled("observe", tmp_path / "talk.jsonl", "acme/ana")
    assert (refused.code, "was moved to another database" in refused.err) == (1, True)
    back = filled("move", other, db)
    assert (back.code, "1 bank with 4 memories moved to" in back.out) == (0, True)
    assert filled("show", "acme/ana", "--json").json == shown
    assert "copied to" in filled("move", db, tmp_path / "third.db", "--keep").out
    assert filled("move", tmp_path / "nothing.db", other).code == 1


def test_a_zone_is_shown_and_changed(filled: Cli) -> None:
    assert filled("zone", "acme/ana").out.strip() == "UTC"
    assert filled("zone", "acme/ana", "Asia/Tokyo", "--json").json == {"bank": "acme/ana", "zone": "Asia/Tokyo"}
    assert filled("zone", "acme/ana").out.strip() == "Asia/Tokyo"
    refused = filled("zone", "acme/ana", "Nowhere/Town")
    assert (refused.code, "no time zone" in refused.err) == (1, True)


def test_load_says_what_it_makes_anew_and_what_is_in_its_way(filled: Cli, tmp_path: Path) -> None:
    there, other = tmp_path / "e.jsonl", tmp_path / "other.db"
    filled("export", there, "--no-vectors")
    assert "Vectors are made anew" in filled("load", there, "--db", other, "--encoder", "hashing").out
    filled("add", "acme/ana", "Ana likes ferries.", "--db", other)
    filled("export", there, "--db", other)
    refused = filled("load", there)
    assert (refused.code, "lacks 1" in refused.err, "new database" in refused.err) == (1, True, True)


def test_a_file_that_can_not_be_loaded_makes_no_database(filled: Cli, tmp_path: Path) -> None:
    there, other = tmp_path / "e.jsonl", tmp_path / "other.db"
    filled("export", there)
    there.write_text(there.read_text("utf-8")[:-40], encoding="utf-8")
    refused = filled("load", there, "--db", other)
    assert (refused.code, refused.err.count("\n"), other.exists()) == (1, 1, False)
    assert "cut off" in refused.err


def test_evaluate_prints_tables_for_people_and_figures_for_programs(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "conversation.jsonl"
    file.write_text("".join(json.dumps(turn) + "\n" for turn in TURNS))
    questions = tmp_path / "asked.jsonl"
    asked = {
        "question": "Who visits on Thursday?",
        "evidence": ["t3"],
        "category": "c",
        "paraphrases": ["Rita comes when?"],
    }
    questions.write_text(json.dumps(asked) + "\n" + json.dumps({"question": "What is an enzyme?", "evidence": []}))
    common = ("evaluate", file, "--questions", questions, "--encoder", "hashing", "--wordings")
    said = cli(*common)
    assert said.code == 0
    assert "BM25" in said.out
    assert "by wording" in said.out
    figures = cli(*common, "--json").json
    assert figures["questions"] == 1
    assert set(figures["systems"]) == {"memkit", "dense", "bm25", "rrf"}
    assert figures["floor"]["unknown_questions"] == 1


def test_evaluate_takes_the_stems_of_the_language_that_is_told(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "conversation.jsonl"
    said = ["Ella canta en el coro.", *(f"Hoy no pasa nada {number}." for number in range(12))]
    file.write_text(
        "".join(json.dumps({"id": f"t{i}", "speaker": "Ana", "text": t}) + "\n" for i, t in enumerate(said))
    )
    file.with_name("questions.jsonl").write_text(json.dumps({"question": "¿Dónde cantaban?", "evidence": ["t0"]}))
    common = ("evaluate", file, "--encoder", "hashing", "--json")
    found = [
        cli(*common, *more).json["systems"]["bm25"]["metrics"]["any"][1] for more in ((), ("--language", "spanish"))
    ]
    assert found == [0, 1]
    refused = cli("evaluate", file, "--language", "klingon")
    assert refused.code != 0
    assert "spanish" in refused.err


def test_evaluate_switches_parts_off_and_leaves_conversations_out(cli: Cli, tmp_path: Path) -> None:
    asked = json.dumps({"question": "Who visits on Thursday?", "evidence": ["t3"]})
    files = [tmp_path / name for name in ("a-conversation.jsonl", "b-conversation.jsonl")]
    for file in files:
        file.write_text("".join(json.dumps(turn) + "\n" for turn in TURNS))
        file.with_name(file.name.replace("conversation", "questions")).write_text(asked)
    common = ("evaluate", *files, "--encoder", "hashing", "--ablate", "--leave-one-out")
    said = cli(*common)
    assert said.code == 0
    assert "no neighbours" in said.out
    assert "chosen settings" in said.out
    assert "the same ten results" in said.out
    figures = cli(*common, "--json").json
    [report] = figures["reports"]
    assert report["sketches"]["same_top"] == 1.0
    assert len(report["ablation"]["variants"]) == len(ABLATION_VARIANTS)
    assert {one["candidate"] for one in figures["leave_one_out"]["conversations"]} == {"defaults"}


def test_evaluate_measures_thoughts_against_what_should_come_of_exchanges(cli: Cli) -> None:
    file = Path(__file__).parents[2] / "data" / "thinking" / "first.jsonl"
    said = cli("evaluate", "--thinking", file)
    assert "precision" in said.out
    assert "exchanges that should lead to nothing do" in said.out
    figures = cli("evaluate", "--thinking", file, "--json").json["first.jsonl"]
    assert figures["precision"] >= 0.9
    assert figures["kinds"]["home"]["cases"] == 10


def test_evaluate_measures_thoughts_against_the_notes_of_a_locomo_file(cli: Cli, tmp_path: Path) -> None:
    notes = {"session_1_observation": {"Ana": [["Ana moved to Porto.", "D1:1"]]}}
    turns = [{"speaker": "Ana", "dia_id": "D1:1", "text": "I moved to Porto in May."}]
    talk = {"session_1": turns, "session_1_date_time": "1:56 pm on 8 May, 2023"}
    file = tmp_path / "talk.json"
    file.write_text(json.dumps([{"conversation": talk, "observation": notes, "qa": []}]), encoding="utf-8")
    found = cli("evaluate", "--thinking", file, "--json").json["talk.json"]
    assert found["thoughts"] == {"formed": 1, "notes": 1, "share": 1.0, "covered": 1.0}
    assert "BM25" in cli("evaluate", "--thinking", file).out
    file.write_text(json.dumps([{"conversation": talk, "qa": []}]), encoding="utf-8")
    assert "no notes" in cli("evaluate", "--thinking", file).err


def test_stats_name_the_banks_from_whose_language_no_thoughts_form(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_text(json.dumps({"speaker": "Ana", "text": "Je suis dans la maison avec lui"}), encoding="utf-8")
    cli("observe", file, "ana", "--encoder", "hashing")
    said = cli("stats")
    assert "no thoughts form from 1 of its newest turns" in said.err
    assert "fr" in said.err


def test_evaluate_leaves_no_conversation_out_where_there_is_only_one(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "conversation.jsonl"
    file.write_text("".join(json.dumps(turn) + "\n" for turn in TURNS))
    file.with_name("questions.jsonl").write_text(json.dumps({"question": "Who visits?", "evidence": ["t3"]}))
    said = cli("evaluate", file, "--encoder", "hashing", "--leave-one-out")
    assert said.code == 1
    assert "Give at least two" in said.err


def test_stream_prints_tables_that_fit_a_terminal_and_the_same_figures_for_programs(cli: Cli) -> None:
    common = ("stream", "--groups", 4, "--draws", 1, "--games", 3, "--rounds", 8, "--seed", 3)
    said = cli(*common)
    assert said.code == 0
    assert "Is the item still there?" in said.out
    assert "sink + recent" in said.out
    assert "seed 3" in said.out
    assert max(len(line) for line in said.out.splitlines() if not line.startswith("·")) <= 80
    figures = cli(*common, "--json").json
    assert figures["seed"] == 3
    assert {row["policy"] for row in figures["grocery"]["rows"]} == {"sirllm", "random", "recent"}
    assert {row["decay"] for row in figures["rock_paper_scissors"]["rows"]} == {1, 0.99, 0.95, 0.9, 0.8, 0.7, 0.5, None}


# what goes wrong


def test_errors_are_one_sentence_on_stderr_without_a_traceback(filled: Cli, tmp_path: Path) -> None:
    said = filled("show", "acme/ana", "no-such-id")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("memkit: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["recall", "acme/bob", "x"], 1, "There is acme/ana"),
        (["recall", "acme/ana", "x", "--since", "yesterday"], 1, "no date"),
        (["recall", "acme/ana", "x", "--where", "topic"], 1, "KEY=VALUE"),
        (["recall", "acme/ana", "x", "--kind", "dream"], 1, "known are turn"),
        (["show", "acme/ana", "--state", "asleep"], 1, "known are active"),
        (["recall", "acme/ana", "x", "--encoder", "gpt"], 1, "minilm, hashing, or a folder"),
        (["recall", "acme/ana", "x", "--encoder", "minilm"], 1, "hashing-256"),
        (["recall", "acme//ana", "x"], 1, "bank"),
        (["recall", "acme/ana"], 2, "QUERY"),
        (["recall", "acme/ana", "x", "-k", "0"], 2, "-k"),
        (["observe", "nowhere.jsonl"], 2, "nowhere.jsonl"),
        (["dream"], 2, "dream"),
        (["banks", "--db", "nowhere.db"], 1, "no such database"),
        (["export", "/nowhere/e.jsonl"], 1, "/nowhere/e.jsonl"),
        (["history", "acme/ana", "t9"], 1, "no memory has this id"),
    ],
)
def test_what_is_wrong_is_told_with_the_right_exit_code(
    filled: Cli, arguments: list[str], code: int, said: str
) -> None:
    result = filled(*arguments)
    assert (result.code, result.out) == (code, "")
    assert said in " ".join(result.err.split())
    assert "Traceback" not in result.err


def test_a_file_that_is_no_database_is_told_and_left_alone(cli: Cli, db: Path) -> None:
    db.write_text("a shopping list")
    assert cli("banks").code == 1
    assert db.read_text() == "a shopping list"


def test_reading_commands_make_no_file(cli: Cli, db: Path) -> None:
    for command in (["banks"], ["stats"], ["doctor"], ["recall", "a", "b"], ["show", "a"], ["think", "a"]):
        assert cli(*command).code == 1
    assert not db.exists()


def test_memory_text_cannot_steer_the_terminal(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "evil.jsonl"
    text = "red\x1b[31m [bold]not bold[/bold] \u202egnitirw"
    file.write_text(json.dumps({"speaker": "Eve\x1b]0;title\x07", "text": text, "id": "e1"}))
    cli("observe", file, "evil", "--encoder", "hashing")
    for command in (["show", "evil"], ["show", "evil", "e1"], ["recall", "evil", "red bold", "--min-score", "0"]):
        said = cli(*command).out
        assert not set("\x1b\x07\u202e") & set(said), command
        assert "[bold]not bold[/bold]" in said


def test_help_is_shown_without_a_command_and_with_a_version_of_every_command(cli: Cli) -> None:
    assert "observe" in cli("--help").out
    assert "--min-score" in cli("recall", "-h").out


def test_portrait_shows_what_reflection_drew_and_the_mood_by_week(filled: Cli) -> None:
    said = filled("portrait", "acme/ana")
    assert (said.code, said.out) == (3, "")
    filled("think", "acme/ana")
    filled("reflect", "acme/ana")
    assert "Lisbon" in filled("portrait", "acme/ana").out
    shown = filled("portrait", "acme/ana", "--json").json
    assert "Lisbon" in shown["portrait"]["text"]
    assert {mood["week"] for mood in shown["mood"]} == {"2025-W09", "2025-W10"}


def test_a_request_to_forget_is_shown_by_think_and_carried_out_by_erase(cli: Cli, file: Path) -> None:
    texts = ("I live in Lisbon.", "I like tea.", "Please forget where I live.")
    file.write_text("".join(json.dumps({"speaker": "Ana", "text": text}) + "\n" for text in texts), encoding="utf-8")
    cli("observe", file, "acme/ana", "--encoder", "hashing")
    [request] = cli("think", "acme/ana", "--json").json["requests"]
    assert "Lisbon" not in json.dumps(request)
    assert cli("erase", "acme/ana", "--request", "nobody", "--yes").code != 0
    assert cli("erase", "acme/ana", "--request", request["id"], "--speaker", "Ana", "--yes").code != 0
    assert cli("erase", "acme/ana", "--request", request["id"], "--yes").code == 0
    shown = cli("show", "acme/ana").out
    assert "tea" in shown
    assert "Lisbon" not in shown


def test_think_shows_what_a_request_would_erase_and_how(cli: Cli, file: Path) -> None:
    texts = ("I live in Lisbon.", "Please forget where I live.")
    file.write_text("".join(json.dumps({"speaker": "Ana", "text": text}) + "\n" for text in texts), encoding="utf-8")
    cli("observe", file, "acme/ana", "--encoder", "hashing")
    out = cli("think", "acme/ana").out
    assert "Ana asks to have this forgotten" in out
    assert "I live in Lisbon." in out
    assert "memkit erase acme/ana --request" in out
