"""What the command line's tests share: a service of two commands, and a server that answers as told."""

import fcntl
import http.server
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import commands

ROOT = Path(__file__).resolve().parents[3]


def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether process `pid` runs; a zombie that nobody has collected does not."""
    found = subprocess.run(("ps", "-o", "stat=", "-p", str(pid)), capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Started:
    """A program under test, with what it printed so far."""

    def __init__(self, argv: list[str], cwd: Path, **environment: str) -> None:
        self._log = cwd / f"output-{time.monotonic_ns()}.txt"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                argv,
                cwd=cwd,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**clean_environment(), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self._log.read_text(errors="replace")

    def end(self, number: int = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would set up transcode-inbox."""
    ours = {
        "REDIS_URL",
        "PORT",
        "DATA_DIR",
        "API_TOKEN",
        "PULL_CREDENTIALS",
        "CALLBACK_TOKENS",
        "ZEGO_CALLBACK_SECRET",
    }
    return {name: value for name, value in os.environ.items() if name not in ours}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Starts `python <arguments>` in tmp_path, and ends it with the test."""
    started: list[Started] = []

    def start_one(*arguments: str, **environment: str) -> Started:
        started.append(Started([sys.executable, *arguments], tmp_path, **environment))
        return started[-1]

    yield start_one
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
            try:
                one.process.wait(10)
            except subprocess.TimeoutExpired:
                one.process.kill()


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command in this process, in tmp_path and an environment that is set up for nothing."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)

    def invoke(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(commands, arguments, env=environment)

    return invoke


class Recorder:
    """An HTTP server that keeps what it was asked; `answer(method, path, headers, body)` decides."""

    def __init__(self, answer: Callable[..., tuple[int, bytes]]) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = (self.command, self.path, dict(self.headers), body)
                outer.requests.append(request)
                status, content = answer(*request)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = _any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Recorder]]:
    """Starts a Recorder, and ends it with the test."""
    servers: list[Recorder] = []

    def serve_one(answer: Callable[..., tuple[int, bytes]]) -> Recorder:
        servers.append(Recorder(answer))
        return servers[-1]

    yield serve_one
    for server in servers:
        server.close()


class Typist:
    """A terminal in which one command runs; stdout, stderr and stdin are all it."""

    def __init__(self, cwd: Path, columns: int) -> None:
        self._cwd, self._columns = cwd, columns

    def __call__(self, *arguments: str, answer: str = "", **environment: str) -> tuple[int, str]:
        """The exit status, and what was on the screen, without colours; `answer` is typed first."""
        screen, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self._columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=self._cwd,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={**clean_environment(), "PYTHONPATH": str(ROOT), **environment},
            start_new_session=True,
        )
        os.close(inside)
        os.write(screen, answer.encode())
        printed = b""
        while True:
            try:
                some = os.read(screen, 65536)
            except OSError:
                break
            if not some:
                break
            printed += some
        os.close(screen)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode(errors="replace"))
        return process.wait(20), text.replace("\r\n", "\n")


@pytest.fixture
def on_a_terminal(tmp_path: Path) -> Typist:
    """Runs a command on a terminal of 100 columns."""
    return Typist(tmp_path, 100)
