"""`tencentcloud-sdk-python-vod` against the running service."""

import json
import time
import uuid
import warnings

import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.vod.v20180717.models import EventContent, PullEventsRequest

from schemas.samples import packaged, sample
from tests.queue_state import later, recorded, waiting
from tests.running import SECRET_KEY, Service
from tests.schemas.bodies import SAMPLES
from tests.sdk.expected import SAMPLE_EVENTS
from tests.sdk.expected_others import OTHER_EVENTS
from tests.sdk.vod import SIGN_METHODS, SdkClient


def pulled(service: Service) -> EventContent:
    recorded(service, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the SDK warns of fields that it does not know
        (event,) = SdkClient(service).pull()
    return event


def expect(event: EventContent, event_type: str, field: str | None, content: dict) -> None:
    assert event.EventType == event_type
    serialized = event._serialize()
    assert serialized.pop("EventHandle") == event.EventHandle
    assert serialized == {"EventType": event_type, **({field: content} if field else {})}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_arrives_in_the_sdk_s_objects_field_by_field(service: Service, name: str) -> None:
    service.post(SAMPLES[name], packaged(name))
    expect(pulled(service), *SAMPLE_EVENTS[name])


@pytest.mark.parametrize(
    ("source", "body", "event_type", "field", "content"), OTHER_EVENTS, ids=lambda value: str(value)[:30]
)
def test_every_other_event_arrives_in_the_sdk_s_objects_field_by_field(
    service: Service, source: str, body: dict, event_type: str, field: str | None, content: dict
) -> None:
    service.post(source, json.dumps(body).encode())
    expect(pulled(service), event_type, field, content)


def test_a_consumer_reads_what_it_always_read(service: Service) -> None:
    service.post("cts-video", packaged("cts-video"))
    event = pulled(service)
    task = event.TranscodeCompleteEvent
    assert (task.ErrCode, task.FileName, task.Duration) == (0, "w.mp4", 600)
    assert [(play.Definition, play.Height, play.Url.rpartition(".")[2]) for play in task.PlayInfoSet] == [
        (10, 270, "mp4"),
        (20, 480, "mp4"),
        (30, 720, "mp4"),
        (40, 1080, "mp4"),
    ]
    assert event.ProcedureStateChangeEvent is None
    assert event.FileUploadEvent is None


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sign_method", SIGN_METHODS)
def test_a_queue_is_emptied_however_the_sdk_signs_and_sends(service: Service, sign_method: str, method: str) -> None:
    for _ in range(18):
        service.post("cts-snapshot", sample("cts-snapshot"))
    recorded(service, 18)
    client = SdkClient(service, sign_method=sign_method, method=method, sub_app_id=0)
    ids, ext_info = set(), 'a=1&b="任意"+%'
    for count in (16, 2):
        events = client.pull(ext_info)
        assert len(events) == count
        ids.add(client.confirm(*(event.EventHandle for event in events)))
    assert waiting(service) == 0
    assert len({uuid.UUID(one) for one in ids}) == 2


def test_an_empty_queue_is_an_empty_list_after_five_seconds(service: Service) -> None:
    start = time.monotonic()
    assert SdkClient(service).pull() == []
    assert 4.4 <= time.monotonic() - start <= 6.5


@pytest.mark.parametrize("sign_method", SIGN_METHODS)
@pytest.mark.parametrize(
    ("made", "code"),
    [
        ({"secret_key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKIDnobody"}, "AuthFailure.SecretIdNotFound"),
        ({"sub_app_id": 7}, "UnauthorizedOperation"),
    ],
)
def test_who_may_not_pull_gets_the_vendor_s_exception(
    service: Service, sign_method: str, made: dict, code: str
) -> None:
    with pytest.raises(TencentCloudSDKException) as raised:
        SdkClient(service, sign_method=sign_method, **made).pull()
    assert raised.value.code == code
    assert SECRET_KEY not in raised.value.message
    assert uuid.UUID(raised.value.requestId)


def test_what_cannot_be_confirmed_gets_the_vendor_s_exception_and_the_rest_is_confirmed(filled: Service) -> None:
    client = SdkClient(filled)
    first, second, *_ = client.pull()
    refused = client.refused(first.EventHandle, "garbled")
    assert refused.code == "InvalidParameterValue"
    assert "garbled" in refused.message
    assert uuid.UUID(refused.requestId)
    assert waiting(filled) == len(SAMPLES) - 1
    later(filled, 30)
    assert client.refused(second.EventHandle).code == "InvalidParameterValue"
    assert client.refused(*["x"] * 17).code == "InvalidParameterValue"
    assert client.refused().code == "InvalidParameterValue"
    assert SdkClient(filled, sign_method="HmacSHA1").refused().code == "MissingParameter"


@pytest.mark.parametrize("sign_method", SIGN_METHODS)
def test_any_other_action_or_version_gets_the_vendor_s_exception(service: Service, sign_method: str) -> None:
    client = SdkClient(service, sign_method=sign_method)
    with pytest.raises(TencentCloudSDKException, match="InvalidAction"):
        client.sdk.call_json("DescribeMediaInfos", {"FileIds": ["1"]})
    client.sdk._apiVersion = "2024-07-18"
    with pytest.raises(TencentCloudSDKException, match="NoSuchVersion"):
        client.sdk.PullEvents(PullEventsRequest())


@pytest.mark.parametrize("sign_method", SIGN_METHODS)
def test_a_request_too_large_gets_the_vendor_s_exception(service: Service, sign_method: str) -> None:
    with pytest.raises(TencentCloudSDKException) as raised:
        SdkClient(service, sign_method=sign_method).pull("x" * 100_000)
    assert raised.value.code == "RequestSizeLimitExceeded"


@pytest.mark.parametrize("off", [-301, 302])
@pytest.mark.parametrize("sign_method", SIGN_METHODS)
def test_a_client_whose_clock_is_off_gets_the_vendor_s_exception(
    service: Service, monkeypatch: pytest.MonkeyPatch, sign_method: str, off: int
) -> None:
    now = time.time()
    with monkeypatch.context() as patched:
        patched.setattr("time.time", lambda: now + off)
        with pytest.raises(TencentCloudSDKException) as raised:
            SdkClient(service, sign_method=sign_method).pull()
    assert raised.value.code == "AuthFailure.SignatureExpire"
