"""The command line explains itself: every command and every option."""

from typing import Any

import typer
from typer.main import get_command

from memkit.cli.app import PANEL_COMMANDS, application

ROOT: Any = get_command(application())
GROUPS: dict[str, Any] = {name: command for name, command in ROOT.commands.items() if hasattr(command, "commands")}
IN_GROUPS = {f"{name} {own}": command for name, group in GROUPS.items() for own, command in group.commands.items()}
COMMANDS: dict[str, Any] = {name: c for name, c in ROOT.commands.items() if name not in GROUPS} | IN_GROUPS


def test_every_command_says_what_it_does_in_a_sentence_that_ends() -> None:
    for name, command in COMMANDS.items():
        first = (command.help or "").strip().splitlines()[0]
        assert first.endswith("."), name
        assert len(first) > 20, name


def test_every_argument_and_option_has_help() -> None:
    silent = [
        f"{name} {parameter.name}"
        for name, command in COMMANDS.items()
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert silent == []


def test_every_command_that_reads_a_database_takes_its_file_as_an_option_or_from_the_environment() -> None:
    apart = {"demo", "evaluate", "stream", "attack", "curve", "footprint", "encoder export", "move"}
    for name in set(COMMANDS) - apart:
        [option] = [p for p in COMMANDS[name].params if "--db" in p.opts]
        assert option.envvar == "MEMKIT_DB", name


def test_every_command_can_speak_to_programs() -> None:
    servers = {"mcp"}  # which speak to nobody else
    assert {n for n, c in COMMANDS.items() if not any("--json" in p.opts for p in c.params)} == servers


def test_the_commands_that_are_promised_are_there() -> None:
    promised = (
        "demo observe import recall think reflect maintain show add correct pin history decay erase banks stats doctor"
    )
    kept = "standing upcoming portrait forget undo zone keep prune audit export load move backup restore receipts purge"
    measured, served = "evaluate stream attack curve footprint", "serve mcp inspect"
    every = {*promised.split(), *kept.split(), *measured.split(), *served.split(), "encoder export"}
    every |= {"access create", "access list", "access revoke"}
    assert every == set(COMMANDS)


def test_every_command_stands_in_a_panel_of_the_help_and_the_exit_codes_beneath() -> None:
    assert sum(map(len, PANEL_COMMANDS.values())) == len(COMMANDS) - len(IN_GROUPS)
    assert isinstance(application(), typer.Typer)
    assert "3 nothing found" in (ROOT.epilog or "")
