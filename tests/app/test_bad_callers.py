"""Callers that are slow, silent, enormous or senseless: each gets its answer, and none costs the others anything.

On the default server, gunicorn with gevent. Everything here goes to this machine's own loopback address.
"""

import contextlib
import resource
import selectors
import socket
import time
from collections.abc import Iterator

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.samples import sample
from tests.running import Service

HEAD = b"POST /callbacks/zego HTTP/1.1\r\nHost: x\r\n"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def web(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    service = Service(redis_url, tmp_path_factory.mktemp("web"))
    service.start("web")
    yield service
    service.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(web: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=20)


def exchange(web: Service, *parts: bytes, half_close: bool = False) -> bytes:
    """The first answer to these very bytes, or what there was of one."""
    with connect(web) as connection:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in answer and (chunk := connection.recv(65536)):
                answer += chunk
        return answer


def others_are_served(web: Service, limit: float = 1.0) -> None:
    """A well-behaved vendor's callback is acknowledged in time."""
    start = time.monotonic()
    assert web.post("cts-video", sample("cts-video")).status == 200
    assert time.monotonic() - start < limit


def test_two_thousand_bodies_that_trickle_are_all_taken_and_cost_the_others_nothing(
    web: Service, store: redis.Redis
) -> None:
    connections = [connect(web) for _ in range(2000)]
    for connection in connections:
        connection.sendall(HEAD + b"Content-Length: 5\r\n\r\n")
    for number in range(5):
        start = time.monotonic()
        for connection in connections:
            connection.sendall(b"%d" % number)
        others_are_served(web)
        time.sleep(max(0.0, 1 - (time.monotonic() - start)))
    for connection in connections:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        connection.close()
    kept = [body for _, fields in store.xrange("ti:inbox") for body in fields.values()]
    assert kept.count(b"01234") == 2000


def test_ten_thousand_idle_connections_cost_the_others_nothing(web: Service, store: redis.Redis) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 11_000:
        pytest.skip("this user may not open ten thousand files")
    with contextlib.ExitStack() as connections:
        for number in range(10_000):
            connections.enter_context(connect(web))
            if number % 2500 == 0:
                others_are_served(web)
        others_are_served(web)
    others_are_served(web)


def test_a_body_shorter_than_announced_is_400_and_the_connection_ends(web: Service, store: redis.Redis) -> None:
    answer = exchange(web, HEAD + b"Content-Length: 100\r\n\r\nabc", half_close=True)
    assert b" 400 " in answer
    assert b"Connection: close" in answer
    assert store.xlen("ti:inbox") == 0


def test_what_follows_an_announced_body_is_no_part_of_it(web: Service, store: redis.Redis) -> None:
    answer = exchange(web, HEAD + b"Content-Length: 3\r\n\r\nabcdef\r\n\r\n", half_close=True)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert [list(fields.values()) for _, fields in store.xrange("ti:inbox")] == [[b"abc"]]


def test_a_hundred_mebibytes_are_413_and_not_kept_in_memory(web: Service, store: redis.Redis) -> None:
    answer = exchange(web, HEAD + b"Content-Length: %d\r\n\r\n" % (100 * MIB), *[b"x" * MIB] * 100)
    assert b" 413 " in answer
    answer = exchange(
        web, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"100000\r\n" + b"x" * MIB + b"\r\n"] * 3, b"0\r\n\r\n"
    )
    assert b" 413 " in answer
    assert store.xlen("ti:inbox") == 0
    others_are_served(web)


def test_without_a_length_the_body_is_empty_and_kept_as_that(web: Service, store: redis.Redis) -> None:
    assert b" 200 " in exchange(web, HEAD + b"\r\n")
    assert [list(fields.values()) for _, fields in store.xrange("ti:inbox")] == [[b""]]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nnot a chunk\r\n",
        b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
def test_lengths_that_cannot_be_are_refused(web: Service, store: redis.Redis, head: bytes) -> None:
    answer = exchange(web, HEAD + head, half_close=True)
    assert answer.split(b" ")[1][:1] in (b"4", b"5")
    assert store.xlen("ti:inbox") == 0
    others_are_served(web)


def test_a_gzip_bomb_stays_the_bytes_it_is(web: Service, store: redis.Redis) -> None:
    bomb = b"\x1f\x8b\x08" + b"\x00" * 1000
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    assert b" 200 " in exchange(web, head + bomb)
    assert [list(fields.values()) for _, fields in store.xrange("ti:inbox")] == [[bomb]]


def test_100_continue_is_answered(web: Service, store: redis.Redis) -> None:
    with connect(web) as connection:
        connection.sendall(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_callbacks_sent_in_one_piece_are_all_answered(web: Service, store: redis.Redis) -> None:
    one = HEAD + b"Content-Length: 2\r\n\r\n{}"
    with connect(web) as connection, selectors.DefaultSelector() as selector:
        connection.sendall(one * 20)
        selector.register(connection, selectors.EVENT_READ)
        answers = b""
        while answers.count(b'{"code": 0}') < 20:
            assert selector.select(5), answers
            answers += connection.recv(65536)
    assert sum(len(fields) for _, fields in store.xrange("ti:inbox")) == 20


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.binary(max_size=60))
def test_no_path_gets_a_crash_for_an_answer(web: Service, store: redis.Redis, path: bytes) -> None:
    for start in (b"/callbacks/", b"/", b""):
        answer = exchange(
            web, b"POST " + start + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", half_close=True
        )
        status = answer.split(b" ")[1] if answer else b""
        assert status[:1] in (b"2", b"3", b"4", b""), answer
        assert status != b"" or b"\r" in path or b"\n" in path or start == b"", answer


def test_nothing_above_was_worth_a_traceback(web: Service) -> None:
    assert "Traceback" not in web.log("web")
