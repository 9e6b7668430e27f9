"""The logs of real processes: one search finds a callback's whole way, lines have one form, and none holds a body or a secret."""

import http.server
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.samples import sample
from tests.running import API_TOKEN, COMMANDS, ROOT, SECRET_KEY, Service, a_store, until
from tests.scrape import Scrape
from tests.sdk.vod import SdkClient

#: In the body of ZEGO's sample, and nowhere else.
CONTENT = "TranscodeStarted"
FIELDS = {"time", "level", "logger", "message"}


class Receiver:
    """A subscription's destination: fails once, then takes everything."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.ids.append(self.headers["webhook-id"])
                self.send_response(500 if len(outer.ids) == 1 else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?key=the-receivers-key"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


@pytest.fixture(params=["gunicorn", "granian"])
def installation(request: pytest.FixtureRequest, directory: Path) -> Iterator[Service]:
    with a_store(directory / "store") as server:
        service = Service(
            f"redis://127.0.0.1:{server.port}/0",
            directory,
            WEB_SERVER=request.param,
            CALLBACK_TOKENS="the-callback-token",
        )
        yield service
        service.stop()


def lines(service: Service) -> list[dict[str, Any]]:
    """Every line of every process, each of which is JSON."""
    found = []
    for path in sorted(service.directory.glob("*.log")):
        for line in path.read_text().splitlines():
            entry = json.loads(line) if line.startswith("{") else pytest.fail(f"{path.name}: {line}")
            assert entry.keys() >= FIELDS, line
            found.append({"process": path.stem, **entry})
    return found


def post(service: Service, body: bytes) -> None:
    assert service.request("POST", "/callbacks/zego/the-callback-token", body).status == 200


def test_one_search_finds_a_callbacks_whole_way_and_no_line_says_what_is_in_it(installation: Service) -> None:
    receiver = Receiver()
    installation.start("web", "worker", "clock", LOG_LEVEL="DEBUG")
    given = json.dumps({"url": receiver.url, "each": "event"}).encode()
    bearer = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
    made = installation.request("POST", "/api/subscriptions", given, bearer)
    assert made.status == 201
    body = sample("zego")
    post(installation, body)
    post(installation, body)
    (event,) = until(lambda: SdkClient(installation).pull())
    request_id = SdkClient(installation).confirm(event.EventHandle)
    event_id = installation.api("events").json["events"][0]["id"]
    until(lambda: len(receiver.ids) > 1, seconds=40)
    until(lambda: any("delivered" in line["message"] for line in lines(installation)))

    scrape = Scrape(installation)
    assert [scrape("delivery_attempts_total", answer=answer) for answer in ("5xx", "2xx")] == [1, 1]
    assert scrape("delivery_seconds_count") == 2
    assert scrape("deliveries_total", result="succeeded") == 1

    ours = [line for line in lines(installation) if event_id in json.dumps(line)]
    said = [(line["process"], line["level"], line["message"].split(" ")[0]) for line in ours]
    assert said[0][0] in ("web", "worker")
    assert ("worker", "info", "recorded") in said
    assert ("worker", "debug", "duplicate") in said
    assert ("web", "debug", "pulled") in said
    assert ("web", "debug", "confirmed") in said
    assert ("worker", "warning", "could") in said, "the first attempt failed"
    assert ("worker", "info", "delivered") in said
    assert all(line["event"] == event_id for line in ours if line["process"] == "worker" and "event" in line)

    (confirmed,) = [line for line in ours if line["message"].startswith("confirmed")]
    assert confirmed["request"] == request_id, "what the client's own log has"
    (recorded,) = [line for line in ours if line["message"].startswith("recorded")]
    entry = recorded["inbox"].partition("/")[0]
    way = [line["process"] for line in lines(installation) if entry in json.dumps(line)]
    assert {"web", "worker"} <= set(way), "and by the inbox entry"

    everything = "".join(path.read_text() for path in installation.directory.glob("*.log"))
    secrets = (
        API_TOKEN,
        SECRET_KEY,
        made.json["secret"],
        "the-receivers-key",
        "the-callback-token",
        event.EventHandle,
    )
    for secret in (CONTENT, *secrets):
        assert secret not in everything, secret


def test_at_info_an_event_is_one_line_and_a_dead_letter_one_with_its_reason(installation: Service) -> None:
    installation.start("web", "worker", "clock")
    body = sample("zego")
    post(installation, body)
    post(installation, body)
    post(installation, b'{"Event": "\\u001b[31m')
    until(lambda: installation.store.zcard("ti:dead") == 1 and installation.store.xlen("ti:events") == 1)
    until(lambda: installation.store.xlen("ti:inbox") == 0)
    event_id = installation.api("events").json["events"][0]["id"]
    letter_id = installation.api("dead-letters").json["dead_letters"][0]["id"]
    (line,) = until(lambda: [line for line in lines(installation) if event_id in line["message"]])
    assert line["message"].startswith(f"recorded {event_id} transcode.started 1 rendition (inbox ")
    assert (line["event"], line["source"], line["level"]) == (event_id, "zego", "info")
    (letter,) = [line for line in lines(installation) if letter_id in line["message"]]
    assert (letter["level"], letter["reason"]) == ("warning", "malformed_json")
    installation.kill("worker", signal.SIGTERM)
    installation.kill("web", signal.SIGTERM)
    installation.kill("clock", signal.SIGTERM)
    assert {line["logger"].partition(".")[0] for line in lines(installation)} > {"workers"}, (
        "the servers' own lines too"
    )


def test_on_a_terminal_it_is_text(installation: Service) -> None:
    master, slave = pty.openpty()
    environment = {**installation.environment, "LOG_LEVEL": "DEBUG", "REDIS_URL": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "-m", COMMANDS["clock"]]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=slave, stderr=slave, stdin=slave)
    try:
        os.close(slave)
        said = b""
        while b"\n" not in said:
            said += os.read(master, 4096)
        assert said.startswith((b"WARNING workers.clock: ", b"DEBUG ")), said
    finally:
        process.kill()
        process.wait()
        os.close(master)
