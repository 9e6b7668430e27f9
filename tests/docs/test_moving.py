"""`docs/moving-a-vod-consumer.md`: its programs run, and what it says is different is so."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.vod.v20180717.models import DescribeEventsStateRequest, PullEventsRequest
from tencentcloud.vod.v20180717.vod_client import VodClient

from schemas.samples import packaged
from tests.docs.pages import blocks_of
from tests.pull_client import PullClient
from tests.queue_state import held, recorded, waiting
from tests.running import ROOT, SECRET_ID, SECRET_KEY, Service
from tests.schemas.bodies import SAMPLES
from tests.sdk.node import node_modules
from tests.sdk.tls import TlsFront, can_make_certificates, tls_front

PAGE = ROOT / "docs" / "moving-a-vod-consumer.md"
PROGRAMS = [block.text for block in blocks_of(PAGE) if block.language == "diff"]
#: Videos in the packaged events that the programs print: of cts-video, cts-audio and tencent-vod.
PRINTED = 4 + 7 + 6


def side(diff: str, sign: str) -> str:
    """The program before (`-`) or after (`+`)."""
    return "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in (" ", sign))


@pytest.fixture(scope="module")
def front(_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFront]:
    if not can_make_certificates():
        pytest.skip("there is no openssl to make a certificate with")
    with tls_front(tmp_path_factory.mktemp("tls"), _service.port) as front:
        yield front


@pytest.mark.parametrize(
    "diff", PROGRAMS, ids=["tencentcloud-python", "qcloudapi-python", "tencentcloud-node", "qcloudapi-node"]
)
def test_the_program_runs_and_empties_the_queue(service: Service, front: TlsFront, tmp_path: Path, diff: str) -> None:
    for count, (name, source) in enumerate(SAMPLES.items(), 1):
        service.post(source, packaged(name))
        recorded(service, count)
    text = side(diff, "+")
    assert "…" not in text
    for shown, real in (
        ("inbox.example.com", front.host),
        ('"secretId"', f'"{SECRET_ID}"'),
        ('"secretKey"', f'"{SECRET_KEY}"'),
    ):
        assert shown in text
        text = real.join(re.split(re.escape(shown) + r"(?!:)", text))
    # The authority, as the page says for each SDK.
    text = text.replace("HttpProfile(", f"HttpProfile(certification={str(front.authority)!r}, ")
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    environment |= dict.fromkeys(("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(front.authority))
    if "require(" in text:
        environment |= {"NODE_PATH": str(node_modules())}
        command, program = ["node", "--no-deprecation"], tmp_path / "program.js"
    else:
        command, program = [sys.executable, "-I"], tmp_path / "program.py"
    program.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*command, program.name], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=40
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == PRINTED, done.stdout
    assert (waiting(service), held(service)) == (0, 0)


@pytest.mark.parametrize("diff", PROGRAMS[:2])
def test_the_program_before_is_one_too(diff: str) -> None:
    compile(side(diff, "-"), "before.py", "exec")


def signed_path(service: Service) -> str:
    return f"/v2/index.php?{PullClient(service).signed('PullEvent')}"


def client(
    service: Service, token: str | None = None, region: str = "", sign_method: str = "TC3-HMAC-SHA256"
) -> VodClient:
    profile = ClientProfile(signMethod=sign_method, httpProfile=HttpProfile(protocol="http", endpoint=service.host))
    return VodClient(Credential(SECRET_ID, SECRET_KEY, token), region, profile)


@pytest.mark.parametrize("sign_method", ["TC3-HMAC-SHA256", "HmacSHA1"])
def test_a_region_and_a_token_are_ignored(service: Service, sign_method: str) -> None:
    service.post("zego", packaged("zego"))
    recorded(service, 1)
    pulling = client(service, token="of-an-sts", region="mars-1", sign_method=sign_method)
    assert len(pulling.PullEvents(PullEventsRequest()).EventSet) == 1


def test_a_payload_that_is_not_signed_is_refused(service: Service) -> None:
    pulling = client(service)
    pulling.profile.unsignedPayload = True
    with pytest.raises(TencentCloudSDKException, match=r"AuthFailure\.SignatureFailure"):
        pulling.PullEvents(PullEventsRequest())


def test_another_action_of_vod_is_refused_by_name(service: Service) -> None:
    with pytest.raises(TencentCloudSDKException, match="InvalidAction"):
        client(service).DescribeEventsState(DescribeEventsStateRequest())


def test_the_third_signature_of_node_s_legacy_sdk_is_refused_as_a_parameter(service: Service) -> None:
    query = (
        f"Action=PullEvent&SecretId={SECRET_ID}&SignatureMethod=TC2-HmacSHA256&Timestamp={time.time():.0f}&Signature=x"
    )
    answer = service.get(f"/v2/index.php?{query}").json
    assert answer["code"] == 4000
    assert "SignatureMethod" in answer["message"]


def test_a_request_that_is_sent_again_is_answered_again(service: Service) -> None:
    for name in ("zego", "cts-snapshot"):
        service.post(name, packaged(name))
    recorded(service, 2)
    path = signed_path(service)
    assert len(service.get(path).json["eventList"]) == 2
    service.post("cts-audio", packaged("cts-audio"))
    recorded(service, 3)
    assert len(service.get(path).json["eventList"]) == 1


def test_a_host_that_was_rewritten_on_the_way_spoils_the_signature(service: Service) -> None:
    path = signed_path(service)
    assert service.request("GET", path, headers={"Host": "upstream"}).json["code"] == 4100


def test_only_vod_s_own_events_lack_the_source_in_their_data(service: Service) -> None:
    for name in ("tencent-vod", "cts-video"):
        service.post(name, packaged(name))
    recorded(service, 2)
    events = service.get(signed_path(service)).json["eventList"]
    sources = [event["eventContent"]["data"].get("source") for event in events]
    assert sorted(sources, key=str) == [None, "cts-video"]
    assert json.loads(packaged("tencent-vod")) in [event["eventContent"] for event in events]


def test_another_method_is_not_allowed(service: Service) -> None:
    assert service.request("PUT", "/", b"{}").status == 405
