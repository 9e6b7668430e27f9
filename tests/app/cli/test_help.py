"""`--help` teaches: every command says what it does, and shows commands that work."""

import re

import click
import pytest

from app.cli import commands
from tests.docs.test_names import check_that_it_exists, every_command
from tests.running import ROOT


@pytest.mark.parametrize("path", ["", "dead-letters", *every_command()])
def test_every_command_says_what_it_does_and_shows_how(path, cli, monkeypatch):
    text = cli(*path.split(), "--help").stdout
    _, _, about = text.partition("\n\n")
    assert re.match(r"  [A-Z][^\n]*\S", about), "it says what it does"
    examples = re.findall(r"^ +(transcode-inbox .+)$", text.partition("Examples:\n")[2], re.MULTILINE)
    assert examples
    monkeypatch.chdir(ROOT)
    for example in examples:
        check_that_it_exists(example)
    if path not in ("", "dead-letters"):
        assert all(f"transcode-inbox {path}" in example for example in examples)


def test_every_option_says_what_it_is_for():
    def options(command: click.Command):
        if isinstance(command, click.Group):
            for inner in command.commands.values():
                yield from options(inner)
        yield from ((command.name, option) for option in command.params if isinstance(option, click.Option))

    assert [(name, option.name) for name, option in options(commands) if not option.help] == []


def test_a_list_of_commands_says_of_each_what_it_does_to_the_end():
    def short(command: click.Command, path: str):
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield f"{path} {name}", inner.get_short_help_str(80 - 8 - max(map(len, command.commands)))
                yield from short(inner, f"{path} {name}")

    assert {path: said for path, said in short(commands, "") if said.endswith("...")} == {}
