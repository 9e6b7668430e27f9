"""The ingress over HTTP: what a vendor gets for an answer, and what is durable then."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from schemas.samples import sample
from tests.running import ROOT, Answer, Service

SOURCES = ["cts-video", "cts-audio", "cts-snapshot", "tencent-vod", "zego"]


@pytest.fixture(scope="module", params=["gunicorn", "granian"])
def web(request: pytest.FixtureRequest, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The web process alone, so that what it accepts stays in the inbox."""
    service = Service(redis_url, tmp_path_factory.mktemp("web"), WEB_SERVER=request.param, MAX_BODY_BYTES="5000")
    service.start("web")
    yield service
    service.stop()


def inbox(store: redis.Redis) -> list[tuple[str, bytes]]:
    return [
        (name.decode().split(":")[1], body) for _, fields in store.xrange("ti:inbox") for name, body in fields.items()
    ]


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


@pytest.mark.parametrize("source", SOURCES)
def test_an_acknowledged_callback_is_in_the_store_to_the_byte(web: Service, store: redis.Redis, source: str) -> None:
    body = sample(source)
    answer = web.post(source, body)
    assert (answer.status, answer.json) == (200, {"code": 0})
    assert inbox(store) == [(source, body)]


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"{", b"%7B", bytes(range(256))])
def test_whatever_the_body_holds_it_is_acknowledged_and_kept(web: Service, store: redis.Redis, body: bytes) -> None:
    assert web.post("zego", body).status == 200
    assert inbox(store) == [("zego", body)]


@pytest.mark.parametrize("path", ["/callbacks/", "/callbacks/vimeo", "/callbacks/zego2", "/callbacks/%00"])
def test_an_unknown_source_is_404_and_names_the_known_ones(web: Service, store: redis.Redis, path: str) -> None:
    answer = web.request("POST", path, b"{}")
    assert refusal(answer) == (404, "unknown_source")
    assert "cts-video" in answer.json["error"]["message"]
    assert inbox(store) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_405_and_says_what_is_allowed(web: Service, method: str) -> None:
    answer = web.request(method, "/callbacks/zego")
    assert refusal(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_taken(web: Service, store: redis.Redis) -> None:
    assert refusal(web.post("zego", b"x" * 5001)) == (413, "body_too_large")
    assert web.post("zego", b"x" * 5000).status == 200
    assert len(inbox(store)) == 1


def raw(web: Service, *parts: bytes, shut: bool = True) -> bytes:
    """What the server says to these very bytes."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if not shut:
                break
        return answer


def test_a_chunked_body_is_kept_whole_and_one_over_the_limit_is_413(web: Service, store: redis.Redis) -> None:
    head = b"POST /callbacks/zego HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert b" 200 " in raw(web, head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n", shut=False)
    assert inbox(store) == [("zego", b"abcde")]
    chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    assert b" 413 " in raw(web, head, chunk * 6, b"0\r\n\r\n", shut=False)
    assert len(inbox(store)) == 1


def test_a_body_shorter_than_announced_is_400_and_not_kept(web: Service, store: redis.Redis) -> None:
    answer = raw(web, b"POST /callbacks/zego HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert b" 400 " in answer
    assert b"3 of the 10 bytes" in answer
    assert inbox(store) == []


def test_without_its_store_a_callback_is_503_with_retry_after_within_a_second(directory: Path) -> None:
    service = Service("redis://127.0.0.1:1/0", directory)
    service.start("web")
    try:
        answer = service.post("zego", b"{}")
        assert refusal(answer) == (503, "not_durable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert service.get("/readyz").status == 503
        assert service.get("/healthz").status == 200
    finally:
        service.stop()


@pytest.mark.parametrize(("token", "status"), [("/one", 200), ("/two", 200), ("/three", 403), ("", 403), ("/", 403)])
def test_where_tokens_are_set_only_they_let_a_callback_in(redis_url: str, token: str, status: int) -> None:
    from app import create_app
    from schemas.settings import read_settings

    settings = read_settings(
        {"REDIS_URL": redis_url, "API_TOKEN": "t", "PULL_CREDENTIALS": "a:b", "CALLBACK_TOKENS": "one, two"}
    )
    answer = create_app(settings).test_client().post(f"/callbacks/zego{token}", data=b"{}")
    assert answer.status_code == status
    if status == 403:
        assert json.loads(answer.data)["error"]["code"] == "wrong_token"


@pytest.mark.parametrize("module", ["app.web", "workers.worker", "workers.clock"])
def test_a_wrong_variable_stops_the_start_with_a_sentence_that_names_it(module: str) -> None:
    environment = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "API_TOKEN": "t",
        "PULL_CREDENTIALS": "a:b",
        "RETENTION_DAYS": "never",
        "PYTHONPATH": str(ROOT),
    }
    ended = subprocess.run([sys.executable, "-m", module], env=environment, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert "RETENTION_DAYS" in ended.stderr
    assert "Traceback" not in ended.stderr
