"""A team's own Celery app, in another process on the same broker, receives one task for each rendition."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.samples import sample
from schemas.webhook import task_id, webhook_id
from tests.running import Service, until
from tests.test_push import ask, health, is_quiet, subscribe

#: What a team writes: nothing in it knows of transcode-inbox.
TEAM = """
    import json, os
    from celery import Celery

    app = Celery("team", broker=os.environ["BROKER"])
    app.conf.task_acks_late = True

    @app.task(name="tasks.publish", bind=True)
    def publish(self, rendition):
        with open(os.environ["RECEIVED"], "a") as file:
            about = {"task_id": self.request.id, "test": self.request.get("transcode_inbox_test", False)}
            file.write(json.dumps({**about, "rendition": rendition}) + "\\n")
"""


class Team:
    """The team's worker process, and what its task was called with."""

    def __init__(self, directory: Path, broker: str) -> None:
        (directory / "team.py").write_text(textwrap.dedent(TEAM))
        self._received = directory / "received.jsonl"
        self._log = (directory / "team.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "team", "worker", "-Q", "video", "--pool", "solo", "-l", "WARNING"],
            cwd=directory,
            env={"PATH": "/usr/bin:/bin", "BROKER": broker, "RECEIVED": str(self._received)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def received(self) -> list[dict[str, Any]]:
        if not self._received.exists():
            return []
        return [json.loads(line) for line in self._received.read_text().splitlines() if line.endswith("}")]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


@pytest.fixture
def team(service: Service, directory: Path) -> Iterator[Team]:
    running = Team(directory, service.redis_url)
    yield running
    running.stop()


def test_each_rendition_is_one_task_with_the_document_and_a_stable_id(service: Service, team: Team) -> None:
    subscription = subscribe(service, "celery://video/tasks.publish", source="cts-video", min_height=720)
    body = sample("cts-video")
    for _ in range(2):
        service.post("cts-video", body)
    until(lambda: len(team.received) >= 2, 40)
    until(lambda: is_quiet(service, subscription))
    (event,) = service.api("events").json["events"]
    about = {key: value for key, value in event.items() if key not in ("raw", "renditions")}
    expected = [{**one, "event": about} for one in event["renditions"] if one["name"] in ("f30", "f40")]
    assert sorted((one["rendition"] for one in team.received), key=lambda one: one["name"]) == expected
    assert {one["task_id"] for one in team.received} == {task_id(webhook_id(one)) for one in expected}
    assert health(service, subscription)["delivered"] == 2
    steps = [step for step in service.api(f"events/{event['id']}").json["history"] if step["what"] == "pushed"]
    assert {(step["status"], step["answer"]) for step in steps} == {(None, "published")}


def test_a_test_says_that_it_was_published_and_the_task_can_tell(service: Service, team: Team) -> None:
    subscription = subscribe(service, "celery://video/tasks.publish", each="event")
    outcome = ask(service, "POST", f"subscriptions/{subscription['id']}/test")
    assert (outcome["status"], outcome["answer"], outcome["error"]) == (None, "published", None)
    until(lambda: team.received, 40)
    assert team.received[0]["test"] is True
    assert team.received[0]["rendition"]["source"] == "cts-video"


def test_tasks_wait_on_the_queue_for_a_team_that_is_not_there_yet(service: Service) -> None:
    subscription = subscribe(service, "celery://later/tasks.publish", kind="video")
    service.post("cts-video", sample("cts-video"))
    until(lambda: service.store.llen("later") == 4)
    assert health(service, subscription)["delivered"] == 4
