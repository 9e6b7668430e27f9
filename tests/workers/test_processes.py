"""Who is running: what was told to end is no longer listed, what was killed is."""

import signal

import pytest

from tests.running import Service, until
from workers.queues.processes import Processes


def listed(service: Service, kind: str) -> list[int]:
    return [process["pid"] for process in Processes(service.store).list() if process["kind"] == kind]


@pytest.mark.parametrize("kind", ["web", "worker", "clock"])
def test_after_a_deploy_nobody_looks_for_processes_that_ended_as_they_were_told(service: Service, kind: str) -> None:
    of_a_kind = 2 if kind == "web" else 1
    until(lambda: len(listed(service, kind)) == of_a_kind)
    service.kill(kind, signal.SIGTERM)
    assert listed(service, kind) == []
    service.start(kind)
    until(lambda: len(listed(service, kind)) == of_a_kind)


def test_one_that_was_killed_is_shown_as_gone(service: Service) -> None:
    until(lambda: listed(service, "worker"))
    before = listed(service, "worker")
    service.kill("worker", signal.SIGKILL)
    assert listed(service, "worker") == before
    service.start("worker")
    until(lambda: len(listed(service, "worker")) == len(before) + 1)
