"""No request, however odd, gets past a check or makes an error of ours: the parsers by property, and the routes with anything."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, urlencode

import pytest
import redis
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from app.cli.pull_clients import tc3_authorization
from app.front import Front
from app.pull import v2, v3
from app.pull.parameters import numbered, read_parameters, to_bytes
from app.pull.refused import Refused
from app.pull.signature import (
    SignedRequest,
    read_authorization,
    signature_1,
    tc3_signatures,
    text_to_sign,
)
from app.pull.waiting_room import WaitingRoom
from schemas.settings import PullCredential
from workers.queues.pull import PullQueues

HOST = "inbox.example:8080"
ID, KEY = "AKIDtest", "键"


@pytest.fixture(scope="module")
def client(redis_url: str) -> Iterator[Client]:
    """Both APIs on an empty queue that nobody has to wait for."""
    store = redis.Redis.from_url(redis_url)
    store.flushdb()
    queues = PullQueues(store, key=b"k", queues=1)
    pulling = (WaitingRoom(queues, long_poll=0.0, most_waiting=9), queues, [PullCredential(ID, KEY)])
    apis = {v2.PATH: v2.PullApi2(*pulling).answer, v3.PATH: v3.PullApi3(*pulling).answer}
    yield Client(Front(Flask("nothing else"), below={}, at=apis))
    store.close()


def code(client: Client, method: str, path: str, query: bytes, body: bytes, headers: dict[str, str]) -> str:
    answer = client.open(
        path,
        method=method,
        query_string=query.decode("latin-1"),
        data=body,
        headers={"Host": HOST, **headers},
    )
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    answer.data.decode("ascii")
    assert answer.json is not None
    found = str(answer.json["code"]) if path == v2.PATH else answer.json["Response"].get("Error", {}).get("Code", "")
    assert found not in ("5000", "InternalError")
    return found


NAMES = st.sampled_from(
    b"Action Version SecretId Timestamp Signature SignatureMethod SubAppId Nonce msgHandle.0 msgHandle_1 msghandle2 "
    b"EventHandles.0 EventHandles.999999 ExtInfo a_b a.b".split()
) | st.binary(max_size=12)
VALUES = st.binary(max_size=40) | st.sampled_from(
    b"PullEvent PullEvents ConfirmEvent ConfirmEvents 2018-07-17 HmacSHA1 AKIDtest 0 \xff\xfe \xed\xa0\x80 % %zz + &=;#".split()
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
RAW = st.binary(max_size=200) | PAIRS.map(
    lambda pairs: b"&".join(b"%b=%b" % (quote_from_bytes(n).encode(), quote_from_bytes(v).encode()) for n, v in pairs)
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-TC-Action", "X-TC-Version", "X-TC-Timestamp", "Authorization", "Content-Type", "Host", "X-TC-Token"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80)
    | st.sampled_from(
        [
            "PullEvents",
            "ConfirmEvents",
            "2018-07-17",
            "application/json",
            "multipart/form-data; boundary=x",
            "SKIP",
            f"TC3-HMAC-SHA256 Credential={ID}/2018-07-17/vod/tc3_request, SignedHeaders=content-type;host, Signature="
            + "0" * 64,
        ]
    ),
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(st.sampled_from(["GET", "POST"]), st.sampled_from([v2.PATH, v3.PATH]), RAW, RAW, HEADERS, st.booleans())
def test_no_request_makes_an_error_of_ours_and_none_without_the_key_gets_in(
    client: Client, method: str, path: str, query: bytes, body: bytes, headers: dict[str, str], timely: bool
) -> None:
    if timely:
        headers = {**headers, "X-TC-Timestamp": str(int(time.time()))}
        query += b"&Timestamp=%d" % time.time()
        body += b"&Timestamp=%d" % time.time()
    assert code(client, method, path, query, body, headers) not in ("", "0")


@QUICK
@given(PAIRS, st.sampled_from(["GET", "POST"]), st.sampled_from([v2.PATH, v3.PATH]), st.booleans())
@example([(b"\xff", b"\xfe")], "POST", v2.PATH, True)
def test_a_signature_over_any_bytes_is_good_for_these_bytes_and_no_others(
    client: Client, pairs: list[tuple[bytes, bytes]], method: str, path: str, pull: bool
) -> None:
    """Values that are no UTF-8, that hold `&` and `=`, that are empty: what is signed is what was sent, byte for byte."""
    action = {v2.PATH: (b"PullEvent", b"ConfirmEvent"), v3.PATH: (b"PullEvents", b"ConfirmEvents")}[path][not pull]
    sent = {
        **{name: value for name, value in pairs if name not in (b"SignatureMethod", b"SubAppId")},
        b"Action": action,
        b"Version": b"2018-07-17",
        b"SecretId": ID.encode(),
        b"Timestamp": b"%d" % time.time(),
        b"Nonce": b"\xc3(",
    }
    sent.pop(b"Signature", None)
    named = sorted((name.replace(b"_", b"."), value) for name, value in sent.items())
    text = b"%b%b%b?" % (method.encode(), HOST.encode(), path.encode())
    text += b"&".join(b"%b=%b" % pair for pair in named)

    def ask(**changed: bytes) -> str:
        signature = base64.b64encode(hmac.digest(KEY.encode(), text, hashlib.sha1))
        fields = {**sent, **{name.encode(): value for name, value in changed.items()}, b"Signature": signature}
        raw = urlencode(fields).encode()
        return code(client, method, path, raw if method == "GET" else b"", raw if method == "POST" else b"", {})

    # An empty queue is 4000 in v2; in 3.0, bad and missing handles have codes of their own.
    assert ask() in ("4000", "", "InvalidParameterValue", "MissingParameter")
    assert ask(Nonce=b"\xc4(") in ("4100", "AuthFailure.SignatureFailure")
    assert ask(Nonce="\ufffd(".encode()) in ("4100", "AuthFailure.SignatureFailure")


@QUICK
@given(st.binary(max_size=120), st.sampled_from(["PullEvents", "ConfirmEvents"]))
@example(b'{"EventHandles":["\\ud800"],"SubAppId":0}', "ConfirmEvents")
@example(b'{"EventHandles":[],"EventHandles":["x"]}', "ConfirmEvents")
@example(b'{"SubAppId":NaN}', "PullEvents")
@example(b"\xef\xbb\xbf{}", "PullEvents")
def test_no_signed_body_makes_an_error_of_ours(client: Client, body: bytes, action: str) -> None:
    now = int(time.time())
    authorization = tc3_authorization(
        ID, KEY, service="vod", host=HOST, content_type="application/json", payload=body, timestamp=now
    )
    headers = {
        "Content-Type": "application/json",
        "X-TC-Action": action,
        "X-TC-Version": "2018-07-17",
        "X-TC-Timestamp": str(now),
        "Authorization": authorization,
    }
    assert not code(client, "POST", "/", b"", body, headers).startswith("AuthFailure")
    assert code(client, "POST", "/", b"", body + b" ", headers) == "AuthFailure.SignatureFailure"


@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=20), max_size=10))
def test_parameters_are_read_back_byte_for_byte(sent: dict[bytes, bytes]) -> None:
    raw = urlencode(sent).encode()
    assert {to_bytes(name): to_bytes(value) for name, value in read_parameters(raw).items()} == sent


@given(st.binary(max_size=100))
def test_any_bytes_are_parameters_or_refused(raw: bytes) -> None:
    try:
        parameters = read_parameters(raw)
    except Refused as refused:
        str(refused).encode()  # and what is refused can be said
    else:
        text_to_sign("GET", HOST, "/", parameters)
        assert signature_1(KEY, "HmacSHA1", text_to_sign("GET", HOST, "/", parameters))


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"a=1&%61=2", b"a=1&a", b"a=1&b=2&a=1", b"=1&=2", b"a+b=1&a%20b=2"])
def test_a_parameter_given_twice_is_refused_however_it_is_written(raw: bytes) -> None:
    with pytest.raises(Refused, match="twice"):
        read_parameters(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", {}),
        (b"&&", {}),
        (b"a", {"a": ""}),
        (b"a=", {"a": ""}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
        (b"a=x+y%2B", {"a": "x y+"}),
        (b"%61=%E5%8F%A5", {"a": "句"}),
        (b"a=%zz%", {"a": "%zz%"}),
        ("a=句".encode(), {"a": "句"}),
        (b"a=\xff", {"a": "\udcff"}),
    ],
)
def test_odd_encodings_mean_what_forms_mean_by_them(raw: bytes, expected: dict[str, str]) -> None:
    assert read_parameters(raw) == expected


def test_numbers_may_begin_anywhere_and_come_in_any_order() -> None:
    given_ = {"h.10": "c", "h.9": "b", "h_1": "a", "hx": "-", "h.": "-", "h.1.1": "-", "xh.1": "-", "h.-1": "-"}
    assert numbered(given_, "h") == ["a", "b", "c"]
    assert numbered({"h.１": "-", "h.9999999": "-"}, "h") == []


def test_the_vendor_s_example_of_a_version_1_signature() -> None:
    # "签名方法", https://cloud.tencent.com/document/product/215/1693
    parameters = {
        "Action": "DescribeInstances",
        "InstanceIds.0": "ins-09dx96dg",
        "Nonce": "11886",
        "Region": "ap-guangzhou",
        "SecretId": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3gnPhESA",
        "SignatureMethod": "HmacSHA256",
        "Timestamp": "1465185768",
        "Signature": "not part of it",
    }
    text = text_to_sign("GET", "cvm.api.qcloud.com", "/v2/index.php", parameters)
    assert text == (
        b"GETcvm.api.qcloud.com/v2/index.php?Action=DescribeInstances&InstanceIds.0=ins-09dx96dg&Nonce=11886"
        b"&Region=ap-guangzhou&SecretId=AKIDz8krbsJ5yKBZQpn74WFkmLPx3gnPhESA&SignatureMethod=HmacSHA256"
        b"&Timestamp=1465185768"
    )
    signature = signature_1("Gu5t9xGARNpq86cd98joQYCN3Cozk1qA", "HmacSHA256", text)
    assert signature == "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="


def test_the_vendor_s_example_of_a_tc3_signature() -> None:
    # "签名方法 v3", https://cloud.tencent.com/document/product/213/30654: its headers' values become lower-case.
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    expected = "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    authorization = read_authorization(
        "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, "
        f"SignedHeaders=content-type;host;x-tc-action, Signature={expected}"
    )
    assert authorization is not None
    assert authorization.signature == expected
    request = SignedRequest(
        "POST",
        b"",
        {
            "content-type": "application/json; charset=utf-8",
            "host": "cvm.tencentcloudapi.com",
            "x-tc-action": "DescribeInstances",
        },
        body,
        "1551113065",
    )
    assert expected in tc3_signatures("********************************", authorization, request)
    for changed in (
        SignedRequest("GET", b"", request.headers, body, "1551113065"),
        SignedRequest("POST", b"a", request.headers, body, "1551113065"),
        SignedRequest("POST", b"", {**request.headers, "x-tc-action": "RunInstances"}, body, "1551113065"),
        SignedRequest("POST", b"", request.headers, body + b" ", "1551113065"),
        SignedRequest("POST", b"", request.headers, body, "1551113066"),
    ):
        assert expected not in tc3_signatures("********************************", authorization, changed)


@given(st.text(max_size=200))
def test_any_text_is_an_authorization_or_none(text: str) -> None:
    assert read_authorization(text) is None
