"""Result files name the commit, the date, the processor and the command of their figures."""

import json
from pathlib import Path

import pytest

from memkit.errors import InputError
from memkit.evaluation.figures import result_file
from memkit.evaluation.figures.result_file import ResultFile, read_results, record, result_of, write_result


def result(**changes: object) -> ResultFile:
    values = {"commit": "abc1234", "date": "2026-01-02", "processor": "a processor", "command": "memkit curve"}
    return ResultFile.model_validate({**values, "figures": {"share": 0.5}, **changes})


def test_a_result_that_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    write_result("curve", result(), tmp_path)
    assert read_results(tmp_path) == {"curve": result()}


def test_a_result_file_has_one_line_for_each_field(tmp_path: Path) -> None:
    path = write_result("curve", result(), tmp_path)
    assert len(path.read_text().splitlines()) == len(ResultFile.model_fields) + 2


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"commit": "abc1234"}'])
def test_a_file_that_is_no_result_is_named_in_the_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(InputError, match=r"broken\.json: is no result file"):
        read_results(tmp_path)


def test_a_result_names_files_without_their_folders(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_text("")
    recorded = result_of(["evaluate", str(file), "--think"], {})
    assert recorded.command == "memkit evaluate talk.jsonl --think"
    assert recorded.processor


def test_recording_runs_the_command_and_keeps_what_it_prints(tmp_path: Path) -> None:
    path = record("curve", ["curve", "--days", "20", "--people", "1"], tmp_path)
    assert json.loads(path.read_text())["figures"]["days"] == 20
    assert read_results(tmp_path)["curve"].command == "memkit curve --days 20 --people 1"


def test_a_command_that_fails_leaves_no_result_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="ended with code 2"):
        record("curve", ["curve", "--days", "1"], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert "days" in capfd.readouterr().err


def test_figures_are_recorded_in_a_checkout_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_file, "__file__", str(tmp_path / "result_file.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="git checkout"):
        result_of(["curve"], {})
