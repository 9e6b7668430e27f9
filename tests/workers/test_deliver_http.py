"""One attempt by HTTP, against servers that behave, and servers that do not."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.subscription import new_secret
from tests.receiver import Receiver, Request, speaking
from tests.running import free_port
from tests.sdk.tls import can_make_certificates, tls_front
from workers.beside import Loop
from workers.deliver_http import MOST_KEPT, make_client, post
from workers.outcome import Outcome

SECRET = new_secret()
BODY = b'{"id":"x"}'


def attempt(url: str, *, timeout: float = 2.0, times: int = 1) -> Outcome:
    """The outcome of the last of so many attempts, over one pool as in a worker."""

    async def run() -> Outcome:
        async with make_client() as client:
            for _ in range(times):
                outcome = await post(client, url, message_id="msg_1", body=BODY, secret=SECRET, timeout=timeout)
            return outcome

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(run())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[Request], Any]:
    return lambda _: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_a_receiver_gets_a_signed_request_and_its_answer_is_kept(receiver: Receiver) -> None:
    outcome = attempt(receiver.url + "?key=1")
    (request,) = receiver.requests
    assert request.path == "/hook?key=1"
    assert request.verified(SECRET) == {"id": "x"}
    assert request.headers["user-agent"].startswith("transcode-inbox/")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity", "nothing here unpacks an answer"
    assert (outcome.status, outcome.answer, outcome.error) == (200, "ok", None)
    assert 0 < outcome.seconds < 2


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status)
    assert attempt(receiver.url).error is None


@pytest.mark.parametrize("status", [400, 401, 404, 410, 418, 500, 502])
def test_anything_else_is_not(receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status, b"why")
    outcome = attempt(receiver.url)
    assert (outcome.status, outcome.answer, outcome.error) == (status, "why", f"it answered {status}")
    assert outcome.is_gone == (status == 410)


def test_a_redirect_is_a_failure_and_nobody_else_gets_the_body(receiver: Receiver) -> None:
    with Receiver() as other:
        receiver.answer = answering(307, Location=other.url)
        outcome = attempt(receiver.url)
        assert outcome.status == 307
        assert outcome.error == "it answered 307, a redirect, which is not followed"
        assert other.requests == []


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry_After": "7"}, 7),
        (503, {"Retry_After": "7"}, 7),
        (429, {}, None),
        (500, {"Retry_After": "7"}, None),
    ],
)
def test_a_destination_may_ask_for_a_pause(
    receiver: Receiver, status: int, headers: dict[str, str], wait: float | None
) -> None:
    receiver.answer = answering(status, **headers)
    assert attempt(receiver.url).retry_after == wait


def test_of_a_huge_answer_only_the_beginning_is_read_and_kept() -> None:
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            sent += connection.send(b"x" * 65536)

    with speaking(pour) as url:
        outcome = attempt(url)
    assert outcome.error is None
    assert outcome.answer == "x" * MOST_KEPT
    assert outcome.seconds < 1
    assert sent < 50_000_000


def test_a_compressed_answer_is_not_unpacked(receiver: Receiver) -> None:
    import gzip

    receiver.answer = answering(200, gzip.compress(b"x" * 10_000_000), Content_Encoding="gzip")
    outcome = attempt(receiver.url)
    assert outcome.answer is not None
    assert len(outcome.answer) <= MOST_KEPT
    assert "xxx" not in outcome.answer


def drip(text: bytes) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        for number in range(len(text)):
            connection.sendall(text[number : number + 1])
            time.sleep(0.1)

    return say


def test_an_answer_that_drips_is_given_up_after_the_whole_time_not_after_each_byte() -> None:
    with speaking(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + b" " * 100)) as url:
        outcome = attempt(url, timeout=1.0)
    assert outcome.error == "no answer within 1 s"
    assert 0.9 < outcome.seconds < 1.6


def test_a_body_that_drips_after_a_good_status_is_a_success_within_the_whole_time() -> None:
    """The receiver has said that it has it. To send it again for want of the rest would be the receiver's second copy."""

    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        drip(b"x" * 1000)(connection)

    with speaking(say) as url:
        outcome = attempt(url, timeout=1.0)
    assert (outcome.status, outcome.error) == (200, None)
    assert outcome.seconds < 1.6


def test_no_answer_at_all_is_a_failure_in_a_sentence(receiver: Receiver) -> None:
    receiver.answer = lambda _: None
    outcome = attempt(receiver.url, timeout=0.5)
    assert (outcome.status, outcome.error) == (None, "no answer within 0.5 s")


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (b"", "no HTTP answer"),
        (b"SSH-2.0-OpenSSH_9.0\r\n\r\n", "no HTTP answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000, "no HTTP answer"),
    ],
)
def test_what_is_no_http_is_a_failure_in_a_sentence(says: bytes, error: str) -> None:
    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(says)

    with speaking(say) as url:
        outcome = attempt(url)
    assert outcome.status is None
    assert outcome.error is not None
    assert outcome.error.startswith((error, "the connection was cut"))


def test_nobody_there_and_no_such_host_are_failures_without_the_url_s_secret() -> None:
    for url in (f"http://127.0.0.1:{free_port()}/?key=hush", "http://nowhere.invalid/?key=hush"):
        outcome = attempt(url, timeout=5)
        assert outcome.status is None
        assert outcome.error is not None
        assert outcome.error.startswith("no connection")
        assert "hush" not in outcome.error


def test_connections_are_kept_for_the_next_delivery(receiver: Receiver) -> None:
    connections = set()

    def note(request: Request) -> Any:
        connections.add(request.headers.get("connection"))
        return 200, {}, b"ok"

    receiver.answer = note
    assert attempt(receiver.url, times=5).error is None
    assert len(receiver.requests) == 5
    assert connections == {"keep-alive"}


def test_a_cookie_is_not_given_back(receiver: Receiver) -> None:
    receiver.answer = answering(200, Set_Cookie="a=b; Path=/")
    attempt(receiver.url, times=2)
    assert not any("cookie" in request.headers for request in receiver.requests)


def test_the_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert attempt(receiver.url).error is None


@pytest.mark.skipif(not can_make_certificates(), reason="there is no openssl to make a certificate with")
def test_a_certificate_that_nobody_vouches_for_is_refused(receiver: Receiver, directory: Path) -> None:
    with tls_front(directory, receiver.port) as front:
        outcome = attempt(f"https://{front.host}/hook")
    assert receiver.requests == []
    assert outcome.error is not None
    assert "certificate verify failed" in outcome.error


def test_a_name_server_that_hangs_holds_up_nobody_else(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if "hangs.example" in str(host):
            time.sleep(3)
        return real(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def run() -> tuple[Outcome, list[Outcome]]:
        async with make_client() as client:
            hanging = [
                asyncio.create_task(
                    post(client, f"http://{n}.hangs.example/", message_id="m", body=BODY, secret=SECRET, timeout=1)
                )
                for n in range(50)
            ]
            await asyncio.sleep(0.1)
            good = await post(
                client,
                receiver.url.replace("127.0.0.1", "localhost"),
                message_id="m",
                body=BODY,
                secret=SECRET,
            )
            return good, await asyncio.gather(*hanging)

    began = time.monotonic()
    with asyncio.Runner(loop_factory=Loop) as runner:
        good, others = runner.run(run())
    assert good.error is None
    assert good.seconds < 1
    assert {outcome.error for outcome in others} == {"no answer within 1 s"}
    assert time.monotonic() - began < 2.5, "the end waited for look-ups that hang"
