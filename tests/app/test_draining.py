"""SIGTERM drains: whoever was heard is answered, and nobody's request is lost in a connection that breaks."""

import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.samples import sample
from tests.pull_client import PullClient
from tests.running import Service, a_store, until


@pytest.fixture(params=["gunicorn", "granian"])
def installation(request: pytest.FixtureRequest, directory: Path) -> Iterator[Service]:
    with a_store(directory / "store") as server:
        service = Service(f"redis://127.0.0.1:{server.port}/0", directory, WEB_SERVER=request.param)
        service.start("web")
        yield service
        service.stop()


class Sender(threading.Thread):
    """Posts until nobody listens any more; on one connection as long as it lasts, or on a new one each time."""

    def __init__(self, service: Service, *, keep: bool) -> None:
        super().__init__(daemon=True)
        self._service, self._keep = service, keep
        self.acknowledged = 0
        self.cut: list[str] = []

    def run(self) -> None:
        body = sample("zego")
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=15)
            try:
                connection.connect()
            except OSError:
                return
            try:
                while True:
                    connection.request(
                        "POST", "/callbacks/zego", body, {"Connection": "keep-alive" if self._keep else "close"}
                    )
                    response = connection.getresponse()
                    response.read()
                    if response.status == 200:
                        self.acknowledged += 1
                    else:
                        self.cut.append(f"{response.status}")
                    if response.will_close:
                        break
            except (OSError, http.client.HTTPException) as error:
                self.cut.append(f"{type(error).__name__} after {self.acknowledged}")
            finally:
                connection.close()


def term(service: Service) -> float:
    """Sends SIGTERM to the first of the web processes, as whatever runs them does; seconds until all are gone."""
    process, began = service.processes["web"], time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    process.wait(20)
    return time.monotonic() - began


def refuses(service: Service) -> bool:
    try:
        socket.create_connection(("127.0.0.1", service.port), timeout=0.5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


@pytest.mark.parametrize("keep", [True, False], ids=["kept connections", "new connections"])
def test_no_callback_is_cut_off_by_a_deploy(installation: Service, keep: bool) -> None:
    senders = [Sender(installation, keep=keep) for _ in range(16)]
    for sender in senders:
        sender.start()
    until(lambda: sum(sender.acknowledged for sender in senders) > 500)
    seconds = term(installation)
    for sender in senders:
        sender.join(20)
        assert not sender.is_alive()
    assert [cut for sender in senders for cut in sender.cut] == []
    acknowledged = sum(sender.acknowledged for sender in senders)
    held = sum(len(entry) for _, entry in installation.store.xrange("ti:inbox"))
    assert held == acknowledged
    assert seconds < 8


def test_a_body_that_is_still_coming_is_waited_for(installation: Service) -> None:
    if installation.environment["WEB_SERVER"] == "granian":
        pytest.skip("Granian gives a request to the application before its body is there, and waits for no body")
    body = sample("zego")
    with socket.create_connection(("127.0.0.1", installation.port)) as slow:
        slow.sendall(
            b"POST /callbacks/zego HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body[:50])
        )
        time.sleep(0.3)
        os.kill(installation.processes["web"].pid, signal.SIGTERM)
        time.sleep(1.5)
        slow.sendall(body[50:])
        slow.settimeout(5)
        answer = slow.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close" in answer


def test_clients_that_wait_for_events_are_answered_at_once_and_the_processes_end(installation: Service) -> None:
    answers: list[int] = []
    clients = [
        threading.Thread(target=lambda: answers.append(PullClient(installation).call("PullEvent")["code"]))
        for _ in range(8)
    ]
    for client in clients:
        client.start()
    time.sleep(1)
    seconds = term(installation)
    for client in clients:
        client.join(10)
    assert answers == [4000] * 8, "an empty queue's answer, not a broken connection"
    assert seconds < 5


def test_whoever_asks_meanwhile_is_told_that_it_is_not_ready(installation: Service) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=5)
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    os.kill(installation.processes["web"].pid, signal.SIGTERM)
    time.sleep(1.2)
    try:
        kept.request("GET", "/readyz")
        status = kept.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    assert status in (0, 503)
    until(lambda: refuses(installation))
