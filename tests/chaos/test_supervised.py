"""The real supervisor: `transcode-inbox run` keeps everything alive, its own Valkey too, while its processes are killed."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.chaos.consumer import Consumer
from tests.chaos.processes import children_of, kill_pid
from tests.chaos.report import tell
from tests.chaos.sender import Sender
from tests.chaos.store import wait_until_quiet
from tests.chaos.test_kills import SEED
from tests.running import API_TOKEN, ROOT, SECRET_ID, SECRET_KEY, Service, free_port, until

KINDS = {"app.web": "web", "workers.worker": "worker", "workers.clock": "clock", "valkey-server": "store"}


class Run:
    """`transcode-inbox run`, with the embedded store, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._directory = directory
        self._log = directory / "run.log"
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "API_TOKEN": API_TOKEN,
            "PULL_CREDENTIALS": f"{SECRET_ID}:{SECRET_KEY}",
        }
        command = [
            sys.executable,
            "-m",
            "app.cli",
            "run",
            "--port",
            str(self.port),
            "--data-dir",
            str(directory / "var"),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait(self) -> None:
        """Until all of it runs. Then there is `service`, to reach it by."""
        until(lambda: "/callbacks/zego" in self.printed, 30)
        config = (self._directory / "var" / "valkey" / "valkey.conf").read_text()
        port, password = (re.search(rf"^{word} (\S+)$", config, re.MULTILINE)[1] for word in ("port", "requirepass"))
        self.service = Service(f"redis://:{password}@127.0.0.1:{port}/0", self._directory)
        self.service.port, self.service.url = self.port, f"http://127.0.0.1:{self.port}"
        until(self.is_whole, 30)

    @property
    def printed(self) -> str:
        return self._log.read_text(errors="replace")

    def processes(self) -> dict[int, str]:
        """What it runs, by process id: `web`, `worker`, `clock`, `store`."""
        found = {}
        for pid in children_of(self._process.pid):
            command = ("ps", "-ww", "-o", "args=", "-p", str(pid))
            words = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            for word, kind in KINDS.items():
                if word in words:
                    found[pid] = kind
        return found

    def is_whole(self) -> bool:
        """Does everything run, and does the web process answer?"""
        try:
            running = Counter(self.processes().values())
            return (
                running == {"web": 1, "worker": 2, "clock": 1, "store": 1} and self.service.get("/readyz").status == 200
            )
        except OSError:
            return False

    def end(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(15)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def run(directory: Path) -> Iterator[Run]:
    run = Run(directory)
    try:
        run.wait()
        yield run
    finally:
        run.kill()


@pytest.mark.slow
def test_what_it_runs_is_started_again_and_nothing_acknowledged_is_lost(run: Run) -> None:
    chance, kills, began = random.Random(SEED), Counter[str](), time.monotonic()
    with Sender(run.port, connections=4) as sender:
        for kind in chance.sample(["web", "worker", "clock", "store"] * 3, 12):
            time.sleep(chance.uniform(0, 2))
            victims = [pid for pid, its_kind in run.processes().items() if its_kind == kind]
            if victims:
                kills[kind] += 1
                kill_pid(chance.choice(victims))
        until(run.is_whole, 30)
        time.sleep(1)
    store: redis.Redis = run.service.store
    spool = lambda: json.loads(run.service.get("/readyz").body)["parts"].get("spool", {}).get("bytes", 0)  # noqa: E731
    until(lambda: spool() == 0, 30)
    settle = wait_until_quiet(store, 120)
    consumer = Consumer(run.service)
    consumer.drain()
    assert set(sender.acknowledged) <= consumer.pulled.keys()
    assert set(consumer.pulled.values()) == {1}
    assert len(re.findall("started again, pid", run.printed)) >= sum(kills.values())
    counts = {
        "seed": SEED,
        "kills": dict(kills),
        "posted": sender.posted,
        "acknowledged": len(sender.acknowledged),
        "refused": len(sender.refused),
        "cut off before an answer": len(sender.unknown),
        "pulled": len(consumer.pulled),
        "acknowledged and lost": 0,
        "pulled twice": 0,
        "seconds until all was recorded": round(settle, 1),
        "seconds in all": round(time.monotonic() - began, 1),
    }
    tell("transcode-inbox run, its processes killed", counts)
    assert run.end() == 0
