"""The demos run as their first lines say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMOS = Path(__file__).parents[2] / "demos"


def run(script: str, *arguments: str, lines: str = "") -> str:
    command = [sys.executable, str(DEMOS / script), *arguments]
    result = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_companion_remembers_across_restarts(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "companion.db"), "--name", "Ana", "--encoder", "hashing")
    first = run("companion.py", *options, lines="My dog is called Pipo.\n/quit\n")
    assert "I remember 0 things" in first
    second = run("companion.py", *options, lines="What is my dog called?\n/quit\n")
    assert "You told me on" in second
    assert "My dog is called Pipo." in second


def test_the_companion_says_when_it_knows_nothing(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "companion.db"), "--name", "Ana", "--encoder", "hashing")
    assert "I don't remember anything" in run("companion.py", *options, lines="What is my dog called?\n")


def test_a_model_holds_what_surprised_it_long_ago_and_a_cache_of_the_newest_does_not() -> None:
    surprising, newest = run("streaming_model.py", "--tokens", "2000").split("A cache of ")[1:]
    assert "code is violet otter" in re.findall("left of the start: (.*)", surprising)[0]
    assert re.findall("left of the start: (.*)", newest) == ["the cat sat on"]
    assert set(re.findall("64 held, ([0-9,]+) bytes", surprising + newest)) == {"49,152"}


def test_the_agent_loop_calls_its_memory_and_answers() -> None:
    shown = run("langchain_agent.py")
    assert "remember('what Ana can\\'t eat')" in shown or 'remember("what Ana can' in shown
    assert "I can't eat nuts" in shown
    assert "lemon risotto" in shown
    assert "Ana | lives in" in shown


def test_the_stream_shows_what_is_left_of_each_fact_and_draws_it(tmp_path: Path) -> None:
    plot = tmp_path / "stream.png"
    shown = run("stream.py", str(plot), "--tokens", "6000", "--budget", "512")
    assert plot.read_bytes().startswith(b"\x89PNG")
    [total] = [line for line in shown.splitlines() if "telling words" in line]
    surprisal, chance, newest = (int(cell.split()[0]) for cell in total.split("│")[2:5])
    assert surprisal > chance > newest == 0
    assert "Szymanowska" in [cell.strip() for line in shown.splitlines() for cell in line.split("│")]
    assert "The plot is in" in shown


def test_the_stream_needs_no_plot_and_is_the_same_for_the_same_seed() -> None:
    options = ("--tokens", "3000", "--seed", "5")
    assert run("stream.py", *options) == run("stream.py", *options)
    assert run("stream.py", *options) != run("stream.py", "--tokens", "3000", "--seed", "6")


def test_what_one_session_over_mcp_is_told_another_recalls_corrects_and_erases() -> None:
    pytest.importorskip("mcp_types")
    shown = run("mcp_session.py")
    assert 'noted: "Ana\'s project builds with Bazel 7."' in shown
    assert "1 corrected" in shown
    assert "Erased: 1 portrait, 1 summary, 1 thought, 1 turn. Receipt 1." in shown
