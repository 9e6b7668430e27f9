"""A Valkey that can be killed, frozen, filled and started again, on the same port and with the same data."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from app.cli.embedded import find_server
from tests.running import free_port, until


class KillableStore:
    """A server in `directory` whose every write is on disk before it is answered."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url, socket_timeout=10)
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    def start(self, *, wait: bool = True, **config: str) -> None:
        """Starts it, with the data it had. `config` holds further settings, `_` for `-`."""
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.directory),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "enable-debug-command": "yes",
            **{name.replace("_", "-"): value for name, value in config.items()},
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        with (self.directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen([find_server(), *arguments], stdout=log, stderr=subprocess.STDOUT)
        if wait:
            until(self.answers, 60)

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(self.client.ping())
        return False

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def cut_connections(self) -> int:
        """Cuts every client's connection but our own; how many."""
        return int(self.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))

    def stop(self) -> None:
        if self._process is not None:
            self.kill()

    # Each outage breaks the store on entering and heals it on leaving.

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        self.kill()
        yield
        self.start()

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    @contextlib.contextmanager
    def out_of_memory(self) -> Iterator[None]:
        self.client.config_set("maxmemory", "1")
        yield
        self.client.config_set("maxmemory", "0")

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        self.client.execute_command("REPLICAOF", "127.0.0.1", "1")
        yield
        self.client.execute_command("REPLICAOF", "NO", "ONE")

    @contextlib.contextmanager
    def without_replicas(self) -> Iterator[None]:
        self.client.config_set("min-replicas-to-write", "1")
        yield
        self.client.config_set("min-replicas-to-write", "0")

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Reads its append-only file back at a snail's pace: it answers, with LOADING."""
        with self.client.pipeline(transaction=False) as pipe:
            for number in range(30_000):
                pipe.set(f"ballast:{number}", "")
            pipe.execute()
        self.kill()
        # While it loads it looks at its connections once every 1,024 commands: about every quarter of a second.
        self.start(wait=False, key_load_delay="200")
        until(self._says_loading)
        yield
        assert self._says_loading(), "it was done before the test was"
        self.kill()
        self.start()

    def _says_loading(self) -> bool:
        try:
            self.client.ping()
        except redis.BusyLoadingError:
            return True
        except redis.RedisError:
            return False
        return False

    @property
    def outages(self) -> dict[str, Callable[[], contextlib.AbstractContextManager[None]]]:
        return {
            "down": self.down,
            "hung": self.hung,
            "out of memory": self.out_of_memory,
            "read-only": self.read_only,
            "without replicas": self.without_replicas,
            "loading": self.loading,
        }


def wait_until_quiet(store: redis.Redis, seconds: float) -> float:
    """Waits until the inbox and the broker's queue are empty; the seconds that took."""
    began = time.monotonic()
    until(lambda: store.xlen("ti:inbox") == 0 and store.llen("transcode-inbox") == 0, seconds)
    return time.monotonic() - began
