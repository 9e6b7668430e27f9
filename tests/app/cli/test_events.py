"""`events` and `renditions`: every filter reaches the lists, and what comes out is one line each."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import commands
from schemas.samples import sample
from schemas.sources import SOURCES
from tests.running import API_TOKEN, Service, until


@pytest.fixture
def typed(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Runs a command against the running service, which has an event of each source, in a pipe."""
    monkeypatch.chdir(tmp_path)
    for source in SOURCES:
        service.post(source, sample(source))
    until(lambda: service.store.xlen("ti:events") == len(SOURCES) and service.store.xlen("ti:inbox") == 0)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(commands, [*arguments, "--url", service.url], env={"API_TOKEN": API_TOKEN})

    return run


def rows(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("filters", "sources"),
    [
        (["--kind", "snapshot"], {"cts-snapshot"}),
        (["--kind", "video", "--name", "f10"], {"cts-video"}),
        (["--type", "transcode.completed", "--status", "succeeded"], {"cts-video", "cts-audio", "tencent-vod"}),
        (["--since", "1h", "--source", "zego"], {"zego"}),
        (["--until", "1h"], set()),
        (["--address", "w.mp4.f10", "--source", "cts-video"], {"cts-video"}),
        (["--search", "/test/w.mp4.f40.mp4"], {"cts-video"}),
    ],
)
def test_filters_narrow_the_events(typed, filters: list[str], sources: set[str]) -> None:
    assert {event["source"] for event in rows(typed("events", "list", "--json", *filters))} == sources


def test_filters_narrow_the_renditions(typed) -> None:
    (event,) = rows(typed("events", "list", "--json", "--source", "cts-video"))
    ids = ["--task-id", event["task_id"], "--media-id", event["media_id"]]
    found = rows(typed("renditions", "list", "--json", "--kind", "video", "--min-height", "720", *ids))
    assert [rendition["name"] for rendition in found] == ["f40", "f30"]
    assert rows(typed("renditions", "list", "--json", "--status", "failed")) == []
    assert rows(typed("events", "list", "--json", "--search", event["media_id"])) == [event]
