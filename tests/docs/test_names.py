"""Commands, variables, metrics and URLs that the pages name exist, and the reference leaves none out."""

import itertools
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app import create_app
from app.cli import commands
from app.cli.welcome import welcome
from app.pull import v2, v3
from schemas.settings import read_settings
from schemas.sources import SOURCES
from tests.docs.pages import PAGES, REFERENCE, blocks_of
from tests.running import ROOT

#: Variables that pages name and that the settings do not read, and who does.
NOT_OURS = {
    "AF_INET6": "systemd",
    "AF_UNIX": "systemd",
    "LC_ALL": "sort",
    "X_Y": "no variable, but a name of CTS for the size of a picture",
    "SSL_CERT_FILE": "Python",
    "NODE_EXTRA_CA_CERTS": "node",
    "STORE_SERVER": "tests/running.py",
    "VALKEY_PASSWORD": "docker/compose.yaml",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "OpenTelemetry",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "OpenTelemetry",
    "OTEL_EXPORTER_OTLP_HEADERS": "OpenTelemetry",
    "OTEL_SERVICE_NAME": "OpenTelemetry",
    "OTEL_TRACES_SAMPLER": "OpenTelemetry",
    "OTEL_TRACES_SAMPLER_ARG": "OpenTelemetry",
    "OTEL_BSP_SCHEDULE_DELAY": "OpenTelemetry",
    "OTEL_SDK_DISABLED": "OpenTelemetry",
    "COMMIT_TIMEOUT": "a constant that decisions.md names",
}
SHOWN = r"(\S*/)?transcode-inbox (?!cannot start)"


def shown_commands() -> Iterator[tuple[Path, str]]:
    """Every command line of ours that a page shows, as it is shown."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fenced in (block.text for block in blocks_of(page) if block.language in ("sh", "console")):
            lines = [line.removeprefix("$ ") for line in fenced.splitlines()]
            yield from ((page, line) for line in lines if re.match(SHOWN, line))
        for quoted in re.findall(r"`([^`\n]*)`", text):
            if re.match(SHOWN, quoted):
                yield page, quoted


def first_command(line: str) -> list[str]:
    """The words of the first command in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;<>&")
    lexer.whitespace_split = True
    return list(itertools.takewhile(lambda word: not set(word) <= set("|;<>&"), lexer))


def check_that_it_exists(line: str) -> None:
    """That a command line of ours has a command, and options, that there are. A file may come from an earlier command."""
    command: click.Command = commands
    context = click.Context(commands, info_name="transcode-inbox")
    arguments = first_command(line)[1:]
    while isinstance(command, click.Group) and arguments:
        name, *arguments = arguments
        found = command.get_command(context, name)
        assert found is not None, f"there is no {name!r}"
        command = found
    if arguments:
        try:
            command.make_context(command.name, arguments, parent=context)
        except click.BadParameter as problem:
            if "No such file" not in problem.message:
                raise


@pytest.mark.parametrize("shown", sorted({line for _, line in shown_commands()}))
def test_a_command_that_is_shown_exists_and_takes_these_options(shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    check_that_it_exists(shown)


def test_what_run_says_to_try_works_in_another_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PULL_CREDENTIALS", "id:key with a space")
    environment = {"PORT": "9000", "REDIS_URL": "redis://", "API_TOKEN": "t", "PULL_CREDENTIALS": "id:key with a space"}
    _, _, hint = welcome(read_settings(environment), list(SOURCES)).partition("in another terminal:\n")
    send, pull = hint.split("\n")[:2]
    assert "PORT=9000" in send
    assert "PULL_CREDENTIALS='id:key with a space'" in pull
    for line in (send, pull):
        shell = ["sh", "-c", f"{line} --help"]
        assert subprocess.run(shell, cwd=ROOT, env={"PATH": os.defpath}, capture_output=True).returncode == 0, line


def every_command(command: click.Command = commands, path: str = "") -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from every_command(inner, f"{path} {name}")
    else:
        yield path.strip()


def test_the_reference_shows_every_command() -> None:
    shown = {line for page, line in shown_commands() if page == REFERENCE}
    missing = {path for path in every_command() if not any(f"transcode-inbox {path}" in line for line in shown)}
    assert missing == set()


def test_the_reference_has_every_variable_and_no_other() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "schemas/settings.py").read_text(encoding="utf-8")))
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(read) > 10
    assert listed == read


def test_no_page_names_a_variable_that_nobody_reads() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "schemas/settings.py").read_text(encoding="utf-8")))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|^|[\s${(])([A-Z]+(?:_[A-Z0-9]+)+)(?=[=`}\s:])", text, re.MULTILINE))
        assert named - read - NOT_OURS.keys() == set(), page


def test_the_reference_has_every_url() -> None:
    app = create_app(
        read_settings({"REDIS_URL": "redis://nowhere.invalid", "API_TOKEN": "t", "PULL_CREDENTIALS": "id:key"})
    )
    text = REFERENCE.read_text(encoding="utf-8")
    for path in (v2.PATH, v3.PATH, "/callbacks/<source>"):
        assert f"{path}`" in text or f"{path}[" in text
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "<id>", rule.rule)
        if path.startswith("/api"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert f"`{method} {path}`" in text, f"{method} {path}"
        else:
            # The console is one address; its pages link to each other.
            assert re.sub(r"^/console.*", "/console", path) in text, path
