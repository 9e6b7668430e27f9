"""What is the legacy pull API's own: names, signatures, codes. What both generations promise is in test_pull_semantics.py."""

import json
import time

import pytest

from schemas.samples import sample
from tests.pull_client import PullClient
from tests.queue_state import recorded, waiting
from tests.running import Service

pytestmark = pytest.mark.usefixtures("real_time")  # which is under way while these run


@pytest.fixture
def client(service: Service) -> PullClient:
    return PullClient(service)


def test_one_call_gives_sixteen_at_most_in_order_of_arrival(service: Service, client: PullClient) -> None:
    for number in range(20):
        body = sample("tencent-vod").replace(b'"version": "4.0"', f'"version": "4.0", "n": {number}'.encode())
        service.post("tencent-vod", body)
        recorded(service, number + 1)
    first, second = client.pull(), client.pull()
    assert (len(first), len(second)) == (16, 4)
    assert [event["eventContent"]["n"] for event in first + second] == list(range(20))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sha", ["", "HmacSHA1", "HmacSHA256"])
@pytest.mark.parametrize("action", ["ConfirmEvent", "ConfirmVodEvent"])
def test_every_documented_way_to_sign_name_and_number_works(
    service: Service, method: str, sha: str, action: str
) -> None:
    client = PullClient(service, method=method, sha=sha)
    for count, numbers in enumerate(("msgHandle.0", "msgHandle.1", "msgHandle_0", "msgHandle0"), 1):
        service.post("zego", sample("zego"))
        recorded(service, count)
        (event,) = client.call("PullVodEvent" if action == "ConfirmVodEvent" else "PullEvent")["eventList"]
        assert client.call(action, **{numbers: event["msgHandle"]}) == {
            "code": 0,
            "message": "",
            "codeDesc": "Success",
        }
    assert waiting(service) == 0


def test_a_pulled_event_has_exactly_the_documented_form(service: Service, client: PullClient) -> None:
    body = sample("tencent-vod")
    service.post("tencent-vod", body)
    recorded(service, 1)
    answer = client.call("PullEvent")
    assert list(answer) == ["code", "message", "codeDesc", "eventList"]
    (event,) = answer["eventList"]
    assert list(event) == ["msgHandle", "eventContent"]
    assert event["eventContent"] == json.loads(body)


@pytest.mark.parametrize("count", [0, 17])
def test_no_handle_or_seventeen_are_a_bad_parameter(client: PullClient, count: int) -> None:
    assert client.confirm(*["x"] * count)["code"] == 4000


def test_strangers_learn_nothing_but_the_code(service: Service) -> None:
    unknown = PullClient(service, secret_id="nobody").call("PullEvent")
    wrong = PullClient(service, secret_key="wrong").call("PullEvent")
    assert unknown == wrong
    assert unknown["code"] == 4100


@pytest.mark.parametrize("off", [-301, 301, "soon", "", "-1", "1e9", "１７", "9" * 30])
def test_a_timestamp_off_by_more_than_five_minutes_is_refused(client: PullClient, off: int | str) -> None:
    timestamp = int(time.time()) + off if isinstance(off, int) else off
    assert client.call("PullEvent", Timestamp=timestamp)["code"] == 4104


@pytest.mark.parametrize("off", [-295, 295])
def test_a_timestamp_off_by_less_is_good(service: Service, client: PullClient, off: int) -> None:
    service.post("zego", sample("zego"))
    recorded(service, 1)
    assert client.call("PullEvent", Timestamp=int(time.time()) + off)["code"] == 0


def test_one_nonce_serves_twice(service: Service, client: PullClient) -> None:
    # One of the vendor's SDKs draws it from 65,536 values.
    service.post("zego", sample("zego"))
    recorded(service, 1)
    (event,) = client.pull()
    query = client.signed("ConfirmEvent", **{"msgHandle.0": event["msgHandle"]})
    assert client.send(query)["code"] == client.send(query)["code"] == 0


def test_an_unknown_action_names_the_known_ones(client: PullClient) -> None:
    answer = client.call("DescribeInstances")
    assert answer["code"] == 4000
    assert "PullEvent" in answer["message"]


def test_an_unknown_signature_method_is_a_bad_parameter(service: Service) -> None:
    client = PullClient(service, sha="")
    assert client.call("PullEvent", SignatureMethod="HmacMD5")["code"] == 4000


def test_a_changed_parameter_breaks_the_signature(client: PullClient) -> None:
    query = client.signed("PullEvent").replace("Region=gz", "Region=sh")
    assert client.send(query)["code"] == 4100


def test_a_request_too_large_is_refused_in_the_api_s_own_form(service: Service) -> None:
    client = PullClient(service, method="POST")
    answer = client.call("PullEvent", ExtInfo="x" * 100_000)
    assert answer["code"] == 4000
    assert "large" in answer["message"]
