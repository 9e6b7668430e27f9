"""`send` is the vendor: it takes no for an answer only as often as the vendor does."""

import json
import time
from dataclasses import replace

import pytest

from app.cli.client import Client
from app.cli.posting import Poster
from schemas.sources import SOURCES
from tests.app.cli.conftest import free_port

OK = (200, b'{"code": 0}')


@pytest.fixture
def hurried(monkeypatch):
    """Every source's retries, in their number but without their patience."""
    for name, source in SOURCES.items():
        monkeypatch.setitem(SOURCES, name, replace(source, retries=tuple(0.01 for _ in source.retries)))


def failing(times):
    """Answers 503 so often, then 200."""
    answers = iter([(503, b"not now")] * times)
    return lambda *_: next(answers, OK)


def test_the_policies_are_the_vendors():
    assert SOURCES["zego"].retries == (2, 4, 8, 16, 32)
    assert len(SOURCES["tencent-vod"].retries) == 2
    assert SOURCES["tencent-vod"].response_timeout == 5
    assert all(SOURCES[name].retries == () for name in ("cts-video", "cts-audio", "cts-snapshot"))


@pytest.mark.parametrize(
    ("source", "failures", "requests", "summary", "status"),
    [
        ("cts-video", 0, 1, "sent 1, acknowledged 1, retried 0, lost 0", 0),
        ("cts-video", 1, 1, "sent 1, acknowledged 0, retried 0, lost 1", 1),
        ("tencent-vod", 2, 3, "sent 1, acknowledged 1, retried 2, lost 0", 0),
        ("tencent-vod", 3, 3, "sent 1, acknowledged 0, retried 2, lost 1", 1),
        ("zego", 5, 6, "sent 1, acknowledged 1, retried 5, lost 0", 0),
        ("zego", 6, 6, "sent 1, acknowledged 0, retried 5, lost 1", 1),
    ],
)
def test_it_tries_as_often_as_the_vendor_and_says_what_was_lost(
    cli, serve, hurried, tmp_path, source, failures, requests, summary, status
):
    (tmp_path / "body").write_bytes(b"\xff any bytes")
    server = serve(failing(failures))
    result = cli("send", source, "--url", server.url, "--file", "body")
    assert result.exit_code == status
    assert result.stdout == f"{source}: {summary}\n"
    assert len(server.requests) == requests
    for method, path, headers, body in server.requests:
        assert (method, path, body) == ("POST", f"/callbacks/{source}", b"\xff any bytes")
        assert headers["Content-Type"] == "application/json"


def test_every_sample_is_a_callback_of_its_own(cli, serve):
    server = serve(lambda *_: OK)
    assert cli("send", "cts-video", "--url", server.url, "--count", "3").exit_code == 0
    bodies = [body for *_, body in server.requests]
    assert len(set(bodies)) == 3
    assert all(json.loads(body) for body in bodies)


def test_it_posts_to_the_first_callback_token(cli, serve):
    server = serve(lambda *_: OK)
    cli("send", "zego", "--url", server.url, CALLBACK_TOKENS=" s3cret/1 , other")
    assert server.requests[0][1] == "/callbacks/zego/s3cret%2F1"


def test_a_callback_that_waits_for_its_retry_does_not_hold_up_the_others(serve):
    server = serve(lambda method, path, headers, body: OK if body != b"0" or len(server.requests) > 5 else (500, b""))
    poster = Poster(Client(server.url, timeout=5), "/callbacks/zego", waits=[0.3])
    tally = poster.post_all(iter([b"0", b"1", b"2", b"3", b"4"]))
    assert [body for *_, body in server.requests] == [b"0", b"1", b"2", b"3", b"4", b"0"]
    assert (tally.acknowledged, tally.retried, tally.lost) == (5, 1, 0)


def test_rate_is_a_limit(serve):
    server = serve(lambda *_: OK)
    began = time.monotonic()
    Poster(Client(server.url, timeout=5), "/", waits=[]).post_all(iter([b""] * 6), rate=20)
    assert time.monotonic() - began >= 0.25


def test_nobody_there_is_a_sentence(cli):
    url = f"http://127.0.0.1:{free_port()}"
    result = cli("send", "cts-audio", "--url", url)
    assert result.exit_code == 1
    assert f"transcode-inbox is not reachable at {url}" in result.stderr
    assert "lost 1" in result.stdout
