"""`qcloudapi-sdk-python`, the legacy API's client, against the running service. It knows only HTTPS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from QcloudApi.modules.vod import Vod
from QcloudApi.qcloudapi import QcloudApi

from schemas.samples import packaged
from tests.queue_state import later, recorded, waiting
from tests.running import SECRET_ID, SECRET_KEY, Service
from tests.schemas.bodies import SAMPLES
from tests.sdk.tls import TlsFront, can_make_certificates, tls_front

pytestmark = pytest.mark.skipif(
    not can_make_certificates(), reason="this SDK speaks only HTTPS, and there is no openssl to make a certificate with"
)


@pytest.fixture(scope="module")
def front(_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFront]:
    with tls_front(tmp_path_factory.mktemp("tls"), _service.port) as front:
        yield front


@pytest.fixture(autouse=True)
def _endpoint(front: TlsFront, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is changed for the client: the host of its VOD module, and whom its TLS trusts."""
    monkeypatch.setattr(Vod, "requestHost", front.host)
    monkeypatch.setenv("SSL_CERT_FILE", str(front.authority))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def call(action: str, parameters: dict[str, Any], **config: str) -> dict[str, Any]:
    made = {"Region": "gz", "secretId": SECRET_ID, "secretKey": SECRET_KEY, **config}
    return json.loads(QcloudApi("vod", made).call(action, parameters))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sha", [None, "HmacSHA1", "HmacSHA256"])
@pytest.mark.parametrize("names", [("PullEvent", "ConfirmEvent"), ("PullVodEvent", "ConfirmVodEvent")])
def test_a_queue_of_all_five_sources_is_emptied_however_the_sdk_signs_and_sends(
    filled: Service, method: str, sha: str | None, names: tuple[str, str]
) -> None:
    config = {"method": method, **({"SignatureMethod": sha} if sha else {})}
    answer = call(names[0], {}, **config)
    assert (answer["code"], answer["codeDesc"], answer["message"]) == (0, "Success", "")
    events = answer["eventList"]
    assert len(events) == len(SAMPLES)
    # The SDK numbers a list from 0 by itself.
    handles = [event["msgHandle"] for event in events]
    assert call(names[1], {"msgHandle": handles}, **config) == {"code": 0, "message": "", "codeDesc": "Success"}
    assert waiting(filled) == 0


def test_every_sample_arrives_in_the_documented_form(filled: Service) -> None:
    events = call("PullEvent", {"SubAppId": 0})["eventList"]
    for name, event in zip(SAMPLES, events, strict=True):
        content = event["eventContent"]
        if SAMPLES[name] == "tencent-vod":
            assert content == json.loads(packaged(name))
        else:
            assert list(content) == ["version", "eventType", "data"]
            assert content["version"] == "4.0"
            assert content["data"]["source"] == SAMPLES[name]
    by_name = {name: event["eventContent"] for name, event in zip(SAMPLES, events, strict=True)}
    video = by_name["cts-video"]
    assert video["eventType"] == "TranscodeComplete"
    assert (video["data"]["status"], video["data"]["fileName"], video["data"]["duration"]) == (0, "w.mp4", 600)
    assert video["data"]["playSet"][0] == {
        "url": "http://cts-123456.cossh.myqcloud.com/test/w.mp4.f10.mp4",
        "definition": 10,
        "vbitrate": 300_000,
        "vheight": 270,
        "vwidth": 480,
    }
    assert by_name["cts-video-failed"]["data"]["status"] == 122
    assert by_name["cts-video-basic"]["eventType"] == by_name["zego"]["eventType"] == "ProcedureStateChanged"
    assert by_name["cts-snapshot"]["eventType"] == "CreateSnapshotByTimeOffsetComplete"
    assert len(by_name["cts-snapshot"]["data"]["picInfo"]) == 5
    assert len(by_name["cts-audio"]["data"]["playSet"]) == 7


def test_both_numberings_of_the_vendor_s_pages_are_taken(filled: Service) -> None:
    first, second, *_ = call("PullEvent", {})["eventList"]
    for event, name in ((first, "msgHandle.0"), (second, "msgHandle.1")):
        assert call("ConfirmEvent", {name: event["msgHandle"]})["code"] == 0


def test_refusals_are_codes_in_an_ordinary_answer(filled: Service) -> None:
    first, second, *_ = call("PullEvent", {})["eventList"]
    answer = call("ConfirmEvent", {"msgHandle": [first["msgHandle"], "garbled"]})
    assert (answer["code"], "garbled" in answer["message"]) == (4000, True)
    assert waiting(filled) == len(SAMPLES) - 1
    later(filled, 30)
    assert call("ConfirmEvent", {"msgHandle": [second["msgHandle"]]})["code"] == 4000
    assert call("PullEvent", {}, secretKey="wrong")["code"] == 4100
    assert call("PullEvent", {}, secretId="AKIDnobody")["code"] == 4100
    assert call("PullEvent", {"SubAppId": 7})["code"] == 4100
    assert call("PullEvent", {"Timestamp": 1_700_000_000})["code"] == 4104
    assert call("DescribeVodInfo", {})["code"] == 4000


def test_values_of_any_kind_keep_the_signature_right(service: Service) -> None:
    service.post("zego", packaged("zego"))
    recorded(service, 1)
    odd = {"extInfo": "a=1&b=任意 +%", "empty": "", "number": 1.5, "nested": {"list": [1, {"x_y": "z"}]}}
    assert call("PullEvent", odd, method="POST")["code"] == 0
