"""What is API 3.0's own: how a request is signed and named, and how an error looks. Written from the vendor's page, by hand,
because no SDK can be made to send most of this.
"""

import hashlib
import hmac
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from app.cli.pull_clients import tc3_authorization
from schemas.samples import sample
from tests.pull_client import PullClient
from tests.queue_state import recorded, waiting
from tests.running import SECRET_ID, SECRET_KEY, Answer, Service


def headers(
    service: Service,
    payload: bytes,
    *,
    key: str = SECRET_KEY,
    signed: bytes | None = None,
    off: int = 0,
    scope: str = "vod",
    **changes: str | None,
) -> dict[str, str]:
    """A TC3 request's headers; `signed` is what the signature is over, where that is not the payload."""
    timestamp = int(time.time()) + off
    made = {
        "Content-Type": "application/json",
        "Host": service.host,
        "X-TC-Action": "PullEvents",
        "X-TC-Version": "2018-07-17",
        "X-TC-Timestamp": str(timestamp),
        "Authorization": tc3_authorization(
            SECRET_ID,
            key,
            service=scope,
            host=service.host,
            content_type="application/json",
            payload=payload if signed is None else signed,
            timestamp=timestamp,
        ),
    }
    made.update({name.replace("_", "-"): value for name, value in changes.items() if value is not None})
    return {name: value for name, value in made.items() if changes.get(name.replace("-", "_"), "") is not None}


def code(answer: Answer) -> str:
    """The error's code, or "" for none; and the whole answer is as every answer has to be."""
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"  # under any other the SDK sees no error
    response = answer.json["Response"]
    assert list(answer.json) == ["Response"]
    assert uuid.UUID(response["RequestId"]).version == 4
    if "Error" not in response:
        return ""
    assert list(response) == ["Error", "RequestId"]
    assert response["Error"]["Message"]
    return response["Error"]["Code"]


def call(service: Service, payload: Any = None, **how: Any) -> Answer:
    body = payload if isinstance(payload, bytes) else json.dumps({} if payload is None else payload).encode()
    return service.request("POST", "/", body, headers(service, body, **how))


@pytest.fixture
def filled(service: Service) -> Service:
    """The service with an event in it, so that nothing waits."""
    service.post("zego", sample("zego"))
    recorded(service, 1)
    return service


def test_a_signed_request_is_answered_with_a_new_request_id_each(filled: Service) -> None:
    first = call(filled)
    assert code(first) == ""
    assert list(first.json["Response"]) == ["EventSet", "RequestId"]
    handle = first.json["Response"]["EventSet"][0]["EventHandle"]
    ids = set()
    for _ in range(3):
        answer = call(filled, {"EventHandles": [handle]}, X_TC_Action="ConfirmEvents")
        assert code(answer) == ""
        assert list(answer.json["Response"]) == ["RequestId"]
        ids.add(answer.json["Response"]["RequestId"])
    assert len(ids) == 3
    assert waiting(filled) == 0


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"signed": b"{} "}, "AuthFailure.SignatureFailure"),
        ({"signed": b""}, "AuthFailure.SignatureFailure"),
        ({"signed": b"UNSIGNED-PAYLOAD", "X_TC_Content_SHA256": "UNSIGNED-PAYLOAD"}, "AuthFailure.SignatureFailure"),
        ({"off": -301}, "AuthFailure.SignatureExpire"),
        ({"off": 302}, "AuthFailure.SignatureExpire"),
        ({"X_TC_Timestamp": "soon"}, "AuthFailure.SignatureExpire"),
        ({"X_TC_Timestamp": None}, "MissingParameter"),
        ({"X_TC_Timestamp": str(int(time.time()) + 100)}, "AuthFailure.SignatureFailure"),
        ({"X_TC_Action": "DescribeMediaInfos"}, "InvalidAction"),
        ({"X_TC_Action": "pullevents"}, "InvalidAction"),
        ({"X_TC_Action": None}, "MissingParameter"),
        ({"X_TC_Version": "2024-07-18"}, "NoSuchVersion"),
        ({"X_TC_Version": None}, "MissingParameter"),
        ({"Authorization": "SKIP"}, "AuthFailure.InvalidAuthorization"),
        ({"Authorization": None}, "MissingParameter"),
        ({"Content_Type": "application/json; charset=utf-8"}, "AuthFailure.SignatureFailure"),
    ],
)
def test_what_is_not_signed_or_named_right_is_refused_with_the_vendor_s_code(
    filled: Service, how: dict[str, Any], expected: str
) -> None:
    assert code(call(filled, **how)) == expected
    assert filled.store.zcard("ti:pull:0:held") == 0


@pytest.mark.parametrize("off", [-295, 295])
def test_a_timestamp_off_by_less_than_five_minutes_is_good(filled: Service, off: int) -> None:
    assert code(call(filled, off=off)) == ""


@pytest.mark.parametrize("scope", ["vod", "127", "localhost:8080", "pull"])
def test_the_scope_s_service_is_whatever_the_client_takes_its_endpoint_for(filled: Service, scope: str) -> None:
    # The SDK for Node takes the first label of the endpoint.
    assert code(call(filled, scope=scope)) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.0.0.1:1"])
def test_the_host_may_be_signed_without_its_port_and_no_other_way(filled: Service, host: str) -> None:
    # The SDK for Node signs the host name, and sends it with its port.
    authorization = tc3_authorization(
        SECRET_ID,
        SECRET_KEY,
        service="127",
        host=host,
        content_type="application/json",
        payload=b"{}",
        timestamp=int(time.time()),
    )
    answer = code(call(filled, Authorization=authorization))
    assert answer == ("" if host == "127.0.0.1" else "AuthFailure.SignatureFailure")


@pytest.mark.parametrize("signed", ["host", "content-type", "content-typehost", "x-tc-action"])
def test_content_type_and_host_must_be_signed(filled: Service, signed: str) -> None:
    authorization = headers(filled, b"{}")["Authorization"].replace("content-type;host", signed)
    assert code(call(filled, Authorization=authorization)) == "AuthFailure.InvalidAuthorization"


def test_an_unknown_secret_id_has_a_code_of_its_own(filled: Service) -> None:
    authorization = headers(filled, b"{}")["Authorization"].replace(SECRET_ID, "AKIDnobody")
    answer = call(filled, Authorization=authorization)
    assert code(answer) == "AuthFailure.SecretIdNotFound"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({}, "MissingParameter"),
        ({"EventHandles": None}, "MissingParameter"),
        ({"EventHandles": []}, "InvalidParameterValue"),
        ({"EventHandles": ["x"]}, "InvalidParameterValue"),
        ({"EventHandles": ["x"] * 17}, "InvalidParameterValue"),
        ({"EventHandles": "x"}, "InvalidParameter"),
        ({"EventHandles": [1]}, "InvalidParameter"),
        ({"EventHandles": {"0": "x"}}, "InvalidParameter"),
        ({"EventHandles": ["\ud800"]}, "InvalidParameterValue"),
        ({"SubAppId": 1.5}, "InvalidParameter"),
        ({"SubAppId": True}, "InvalidParameter"),
        ({"SubAppId": 7}, "UnauthorizedOperation"),
        ({"SubAppId": int("9" * 4000)}, "UnauthorizedOperation"),
        ([], "InvalidParameter"),
        (b"{", "InvalidParameter"),
        (b"\xff\xfe\xff", "InvalidParameter"),
        (b"[" * 60_000, "InvalidParameter"),
        (b'{"SubAppId": ' + b"9" * 5000 + b"}", "InvalidParameter"),
        (b"", "MissingParameter"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused_with_the_vendor_s_code(
    service: Service, payload: Any, expected: str
) -> None:
    assert code(call(service, payload, X_TC_Action="ConfirmEvents")) == expected


def test_ext_info_and_parameters_nobody_knows_are_ignored(filled: Service) -> None:
    assert code(call(filled, {"ExtInfo": "任意", "SubAppId": 0, "More": {"x": [1]}})) == ""


@pytest.mark.parametrize("size", [70_000, 2_000_000])
def test_a_request_too_large_is_refused_in_the_api_s_own_form(service: Service, size: int) -> None:
    assert code(call(service, {"ExtInfo": "x" * size})) == "RequestSizeLimitExceeded"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert code(service.request("POST", "/", b"a=" + b"x" * size, form)) == "RequestSizeLimitExceeded"


def test_somebody_who_opens_the_address_in_a_browser_is_told_what_it_is(service: Service) -> None:
    answer = service.get("/")
    assert code(answer) == "MissingParameter"
    assert "pull API" in answer.json["Response"]["Error"]["Message"]


@pytest.mark.parametrize("missing", ["Action", "Version", "SecretId", "Timestamp", "Signature"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_parameter_that_version_1_needs_is_named_when_it_is_missing(
    service: Service, missing: str, method: str
) -> None:
    given = {
        "Action": "PullEvents",
        "Version": "2018-07-17",
        "SecretId": SECRET_ID,
        "Timestamp": int(time.time()),
        "Signature": "x",
    }
    del given[missing]
    query = urlencode(given)
    if method == "GET":
        answer = service.get(f"/?{query}")
    else:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = service.request("POST", "/", query.encode(), form)
    assert code(answer) == "MissingParameter"
    assert missing in answer.json["Response"]["Error"]["Message"]


def test_a_signature_of_the_legacy_api_is_none_of_this_one(service: Service) -> None:
    # The path is signed, so a request that was overheard cannot be taken from one API to the other.
    query = PullClient(service).signed("PullEvents", Version="2018-07-17")
    assert code(service.get(f"/?{query}")) == "AuthFailure.SignatureFailure"


def ask_by_hand(
    service: Service,
    query: str,
    signed: str,
    *,
    days_off: int = 0,
    action: str = "ConfirmEvents",
    content_type: str = "a",
) -> str:
    """The code for a GET, signed as the vendor's page says, step by step; `signed` is the query that the signature is over."""
    now = int(time.time())
    date = datetime.fromtimestamp(now + days_off * 86_400, UTC).strftime("%Y-%m-%d")
    canonical = f"GET\n/\n{signed}\ncontent-type:{content_type.lower()}\nhost:{service.host}\n\ncontent-type;host\n"
    canonical += hashlib.sha256().hexdigest()
    key = f"TC3{SECRET_KEY}".encode()
    for part in (date, "vod", "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.digest(key, f"TC3-HMAC-SHA256\n{now}\n{date}/vod/tc3_request\n{digest}".encode(), "sha256")
    made = {
        "Content-Type": content_type,
        "X-TC-Action": action,
        "X-TC-Version": "2018-07-17",
        "X-TC-Timestamp": str(now),
        "Authorization": f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{date}/vod/tc3_request,"
        f"SignedHeaders=content-type;host,Signature={signature.hex()}",
    }
    return code(service.request("GET", f"/?{query}", headers=made))


def test_the_signature_is_over_the_query_exactly_as_it_was_sent(filled: Service) -> None:
    query = "EventHandles.0=%e5+x&ExtInfo="
    assert ask_by_hand(filled, query, query) == "InvalidParameterValue"
    for other in (
        query.upper(),
        query.replace("+", "%20"),
        query.replace("%e5", "%E5"),
        query.removesuffix("&ExtInfo="),
    ):
        assert ask_by_hand(filled, other, query) == "AuthFailure.SignatureFailure"
    twice = "EventHandles.0=a&EventHandles.0=b"
    assert ask_by_hand(filled, twice, twice) == "InvalidParameter"


@pytest.mark.parametrize("days_off", [-1, 1])
def test_a_signature_with_the_key_of_another_day_is_refused(filled: Service, days_off: int) -> None:
    assert ask_by_hand(filled, "", "", days_off=days_off) == "AuthFailure.SignatureFailure"


def test_header_values_may_be_signed_in_lower_case_as_the_vendor_s_page_does(filled: Service) -> None:
    assert ask_by_hand(filled, "", "", content_type="Application/X-WWW-Form-Urlencoded") == "MissingParameter"
