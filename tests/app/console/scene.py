"""A running service with something to see: what an ordinary night leaves behind, for the console's tests and pictures."""

import json
import math
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from schemas.samples import packaged, sample
from schemas.sources import SOURCES
from tests.running import API_TOKEN, Service, until

ZEGO_SECRET = "a-callback-secret"
#: Callbacks a second of each source, about.
PACE = {"cts-video": 6.0, "cts-audio": 1.6, "cts-snapshot": 2.4, "tencent-vod": 3.5, "zego": 0.9}

#: What cannot be understood: not JSON, JSON without what is needed, no text, and a signature made with another secret.
BROKEN = {
    "malformed_json": (
        "cts-video",
        (
            b'{\n  "appid": 1251000000,\n  "vid": "f42461b8f8deaf25c8cd634eb5d5694f",\n  "status": "success"\n'
            b'  "finish_time": "2026-11-20 03:12:09"\n}\n'
        ),
    ),
    "invalid": (
        "cts-video",
        b'{"appid": 1251000000, "message": {"code": 0.0, "finished": 1.50}, "data": {"video": [{"url": "http://x/y.mp4"}]}}',
    ),
    "unreadable": ("cts-audio", b'{"vid": "\xe9\x9f\xb3\xe9\xa2\x91-\xff\xfe-7", "status": 0}'),
}


class Receiver:
    """A team's own HTTP endpoint, that takes what is pushed to it or refuses everything."""

    def __init__(self, status: int, answer: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    """One that works, and one that does not."""
    pair = Receiver(204, b""), Receiver(503, b'{"error": "maintenance until 04:00"}')
    try:
        yield pair
    finally:
        for one in pair:
            one.stop()


def post_broken(service: Service) -> None:
    """One dead letter of each reason; returns when they are there. Signatures are wrong only where they are checked."""
    wanted = set(BROKEN)
    for source, body in BROKEN.values():
        service.post(source, body)
    if "ZEGO_CALLBACK_SECRET" in service.environment:
        service.post("zego", sample("zego", zego_secret="another secret"))
        wanted.add("signature")
    until(lambda: wanted <= {letter["reason"] for letter in service.api("dead-letters").json["dead_letters"]})


def post_all(service: Service, rounds: int) -> None:
    """So many callbacks of each source, and what failed among them."""
    for number in range(rounds):
        for source in SOURCES:
            service.post(source, sample(source, zego_secret=ZEGO_SECRET))
        if number % 4 == 1:
            for source in ("cts-video", "tencent-vod", "cts-snapshot"):
                post_failed(service, source)


def post_failed(service: Service, source: str, count: int = 1) -> None:
    """So many callbacks about transcodes that failed."""
    for _ in range(count):
        payload = json.loads(packaged(f"{source}-failed"))
        SOURCES[source].freshen(payload)
        service.post(source, json.dumps(payload, ensure_ascii=False).encode())


def subscribe(service: Service, url: str, **more: Any) -> str:
    """A subscription; its id."""
    body = json.dumps({"url": url, **more}).encode()
    headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
    answer = service.request("POST", "/api/subscriptions", body, headers)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


def give_a_past(service: Service, seconds: int = 900) -> None:
    """Samples of the last quarter of an hour, as a clock would have taken them, so that curves have something to show."""
    store, chance = service.store, random.Random(7)
    newest = json.loads(until(lambda: store.lindex("ti:samples", 0)))
    counters = {f"accepted:{source}": 0 for source in PACE}
    samples = []
    for second in range(seconds):
        for number, (source, pace) in enumerate(PACE.items()):
            wave = 1 + 0.45 * math.sin(second / (70 + 23 * number) + number) + 0.2 * math.sin(second / 17)
            if source == "tencent-vod" and 520 < second < 640:
                wave *= 3.2
            if source == "zego" and second < 300:
                wave = 0
            counters[f"accepted:{source}"] += max(0, round(chance.gauss(pace * wave, pace * 0.25)))
        before = (seconds - second) * 1000
        samples.append(
            {**newest, "at": newest["at"] - before, "now": newest["now"] - before, "counters": dict(counters)}
        )
    made = samples[-1]["counters"]
    store.hset("ti:counters", mapping=made)
    for source, count in ((source, made[f"accepted:{source}"]) for source in PACE):
        store.hset("ti:counters", mapping={f"recorded:{source}": count, f"duplicates:{source}": count // 60})
        for one in samples:
            one["counters"][f"recorded:{source}"] = one["counters"][f"accepted:{source}"]
            one["counters"][f"duplicates:{source}"] = one["counters"][f"accepted:{source}"] // 60
    with store.pipeline() as pipe:
        pipe.delete("ti:samples")
        pipe.rpush("ti:samples", *(json.dumps(one) for one in reversed(samples)))
        pipe.execute()
