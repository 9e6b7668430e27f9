"""The pull API by a real clock: one event, pulled and never confirmed, asked for until it comes back.

It takes half a minute, so it goes on beside other tests, in a database of its own.
"""

import threading
import time
from dataclasses import dataclass

import redis

from app import create_app
from app.cli.pull_clients import legacy_signature
from schemas.samples import sample
from schemas.settings import read_settings
from tests.running import SECRET_ID, SECRET_KEY
from workers.celery import make_celery
from workers.tasks.ingest import Ingest


@dataclass(frozen=True)
class Call:
    began: float
    ended: float
    code: int
    events: list[dict]


class RealTime:
    """Pulls the one event of the database at `redis_url`, and goes on asking for it; `calls` are what came of it."""

    def __init__(self, redis_url: str) -> None:
        environment = {
            "REDIS_URL": redis_url,
            "PULL_CREDENTIALS": f"{SECRET_ID}:{SECRET_KEY}",
            "API_TOKEN": "x",
            "CALLBACK_TOKENS": "",
        }
        self._settings = read_settings(environment)
        self._store = redis.Redis.from_url(redis_url)
        self._stop = threading.Event()
        self.calls: list[Call] = []
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="real time", daemon=True)
        self._thread.start()

    def wait(self) -> list[Call]:
        """What came of it, when the event is back."""
        self._thread.join(60)
        assert self.failure is None, self.failure
        assert not self._thread.is_alive()
        return self.calls

    def stop(self) -> None:
        """Ends it after the call that is under way."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self._store.flushdb()
            client = create_app(self._settings).test_client()
            client.post("/callbacks/zego", data=sample("zego"))
            entries = [entry.decode() for entry, _ in self._store.xrange("ti:inbox")]
            Ingest(self._settings, make_celery(self._settings)).run(entries)
            while not self._stop.is_set() and sum(len(call.events) for call in self.calls) < 2:
                query = {
                    "Action": "PullEvent",
                    "SecretId": SECRET_ID,
                    "Timestamp": str(int(time.time())),
                    "SignatureMethod": "HmacSHA256",
                }
                query["Signature"] = legacy_signature(SECRET_KEY, "GET", "localhost", "/v2/index.php", query)
                began = time.monotonic()
                answer = client.get("/v2/index.php", query_string=query).json
                self.calls.append(Call(began, time.monotonic(), answer["code"], answer.get("eventList", [])))
        except BaseException as failure:
            self.failure = failure
