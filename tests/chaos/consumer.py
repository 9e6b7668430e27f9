"""A consumer that pulls and confirms over HTTP until nothing is left."""

import http.client
import json
import threading
import time
from collections import Counter

import redis

from tests.chaos.numbered import number_of
from tests.pull_client import PullClient
from tests.running import Service


class Consumer:
    """Pulls with several clients at once; counts how often each number was pulled."""

    def __init__(self, service: Service, clients: int = 3) -> None:
        self._service = service
        self._clients = clients
        self._lock = threading.Lock()
        self.pulled: Counter[int] = Counter()
        #: in the order in which they were pulled; meaningful with one client
        self.order: list[int] = []
        self.rejected: list[str] = []

    def drain(self, seconds: float = 300) -> None:
        """Until no event waits and none is held."""
        threads = [threading.Thread(target=self._run, args=(time.monotonic() + seconds,)) for _ in range(self._clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert _depth(self._service.store) == 0, "the pull queue does not drain"
        assert not self.rejected

    def _run(self, end: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=20)
        signer = PullClient(self._service)

        def call(action: str, **parameters: str) -> dict:
            connection.request("GET", f"/v2/index.php?{signer.signed(action, **parameters)}")
            return json.loads(connection.getresponse().read())

        while _depth(self._service.store) > 0 and time.monotonic() < end:
            events = call("PullEvent").get("eventList", [])
            if not events:
                continue
            answer = call("ConfirmEvent", **{f"msgHandle.{n}": event["msgHandle"] for n, event in enumerate(events)})
            with self._lock:
                if answer["code"] != 0:
                    self.rejected.append(answer["message"])
                numbers = [number_of(event["eventContent"]) for event in events]
                self.pulled.update(numbers)
                self.order += numbers
        connection.close()


def _depth(store: redis.Redis) -> int:
    return int(store.llen("ti:pull:0")) + int(store.zcard("ti:pull:0:held"))
