"""A consumer written against each of the four SDKs, as its own documentation shows it, empties a queue of all five sources."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.queue_state import held, waiting
from tests.running import ROOT, SECRET_ID, SECRET_KEY, Service
from tests.schemas.bodies import SAMPLES
from tests.sdk.expected import SAMPLE_EVENTS
from tests.sdk.node import CONSUMERS, node_modules
from tests.sdk.tls import TlsFront, can_make_certificates, tls_front


@pytest.fixture(scope="module")
def front(_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFront]:
    if not can_make_certificates():
        pytest.skip("this SDK speaks only HTTPS, and there is no openssl to make a certificate with")
    with tls_front(tmp_path_factory.mktemp("tls"), _service.port) as front:
        yield front


def consume(
    consumer: str, endpoint: str, *how: str, key: str = SECRET_KEY, authority: Path | None = None
) -> list[dict]:
    """What the consumer prints, a line each."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    if authority:
        environment["SSL_CERT_FILE"] = str(authority)
    command = [sys.executable, "-I"]
    if consumer.endswith(".js"):
        environment["NODE_PATH"] = str(node_modules())
        command = ["node", "--no-deprecation"]
    arguments = (str(CONSUMERS / consumer), endpoint, SECRET_ID, key, str(len(SAMPLES)), *how)
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def expect_v3(events: list[dict]) -> None:
    for name, event in zip(SAMPLES, events, strict=True):
        event_type, field, content = SAMPLE_EVENTS[name]
        assert event["EventType"] == event_type
        assert _without_nulls(event[field]) == content
        assert [key for key, value in event.items() if value is not None] == ["EventHandle", "EventType", field]


def expect_v2(events: list[dict]) -> None:
    for name, event in zip(SAMPLES, events, strict=True):
        assert list(event) == ["msgHandle", "eventContent"]
        event_type, _, _ = SAMPLE_EVENTS[name]
        assert event["eventContent"]["eventType"] == event_type


def test_tencentcloud_sdk_python_vod(filled: Service) -> None:
    expect_v3(consume("tencentcloud_sdk_python_vod.py", filled.host))
    assert (waiting(filled), held(filled)) == (0, 0)


def test_qcloudapi_sdk_python(filled: Service, front: TlsFront) -> None:
    expect_v2(consume("qcloudapi_sdk_python.py", front.host, authority=front.authority))
    assert (waiting(filled), held(filled)) == (0, 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sign_method", ["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"])
def test_tencentcloud_sdk_nodejs_vod(filled: Service, sign_method: str, method: str) -> None:
    expect_v3(consume("tencentcloud-sdk-nodejs-vod.js", filled.host, sign_method, method))
    assert (waiting(filled), held(filled)) == (0, 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sha", ["sha1", "sha256"])
def test_qcloudapi_sdk(filled: Service, front: TlsFront, sha: str, method: str) -> None:
    expect_v2(consume("qcloudapi-sdk.js", front.host, sha, method))
    assert (waiting(filled), held(filled)) == (0, 0)


def test_a_wrong_key_reaches_node_s_consumers_as_the_vendor_s_code(service: Service, front: TlsFront) -> None:
    (new,) = consume("tencentcloud-sdk-nodejs-vod.js", service.host, key="wrong")
    assert new["code"] == "AuthFailure.SignatureFailure"
    assert new["requestId"]
    (legacy,) = consume("qcloudapi-sdk.js", front.host, key="wrong")
    assert legacy["code"] == 4100


def test_our_own_command_line(filled: Service) -> None:
    command = (sys.executable, "-m", "app.cli", "pull", "--api", "v3", "--url", filled.url)
    # It ends by itself, after a long poll for nothing: killed earlier, it would leave somebody waiting at the server, who
    # would be given the first event of the next test.
    done = subprocess.run(command, env=filled.environment, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    expect_v3([json.loads(line) for line in done.stdout.splitlines()])
    assert (waiting(filled), held(filled)) == (0, 0)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
