"""What any body comes to: an event that can be written, or a sentence that says why not."""

import copy
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decoding import MAX_DEPTH
from schemas.pull.v2 import event_content
from schemas.reading import NotUnderstood, decode_raw
from schemas.sources import SOURCES
from tests.schemas.bodies import SAMPLES, event_fields, payload, read, refusal, verbatim

#: What every TranscodeEvent and Rendition has, present or None.
EVENT = [
    "id",
    "source",
    "type",
    "status",
    "task_id",
    "media_id",
    "app_id",
    "input",
    "errors",
    "created_at",
    "finished_at",
    "received_at",
    "renditions",
    "raw",
]
RENDITION = [
    "id",
    "kind",
    "name",
    "urls",
    "paths",
    "bucket",
    "width",
    "height",
    "fps",
    "bitrate",
    "size",
    "sample_rate",
    "codec",
    "container",
    "gop",
]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cts-video", "line 9 column 5: expecting ','"),
        ("cts-video-basic", "line 3 column 16: expecting ','"),
        ("cts-video-basic-failed", "line 3 column 16: expecting ','"),
    ],
)
def test_a_page_s_broken_json_is_refused_where_it_breaks(name, message):
    assert refusal(SAMPLES[name], verbatim(name)) == ("malformed_json", message)


def test_a_page_s_trailing_comma_is_refused_where_it_breaks():
    reason, message = refusal("cts-video", verbatim("cts-video-failed"))
    assert reason == "malformed_json"
    # Python says so at the bracket until 3.12, and at the comma from 3.13 on.
    assert message in (
        "line 10 column 9: expecting a value",
        "line 9 column 16: illegal trailing comma before end of array",
    )


@pytest.mark.parametrize(
    ("name", "typos"),
    [
        ("cts-video", [('"trans_result"\n', '"trans_result",\n')]),
        ("cts-video-basic", [("12xxxxxxxx", "1250000000")]),
        ("cts-video-basic-failed", [("12xxxxxxxx", "1250000000")]),
        ("cts-video-failed", [("122,\n", "122\n"), ('失败",\n', '失败"\n')]),
        ("cts-audio", []),
        ("cts-snapshot", []),
        ("cts-snapshot-failed", []),
        ("tencent-vod", []),
        ("tencent-vod-failed", []),
        ("zego", []),
    ],
)
def test_corrected_every_documented_body_is_understood(name, typos):
    text = verbatim(name).decode()
    for typo, corrected in typos:
        assert typo in text
        text = text.replace(typo, corrected)
    assert read(SAMPLES[name], text.encode())["raw"] == payload(name)


@pytest.mark.parametrize(
    ("body", "reason", "message"),
    [
        (b"", "malformed_json", "the body is empty"),
        (b" \r\n", "malformed_json", "the body is empty"),
        (b"{", "malformed_json", "line 1 column 2: expecting property name enclosed in double quotes"),
        (b"{}x", "malformed_json", "line 1 column 3: extra data"),
        (b'{"a": "b', "malformed_json", "line 1 column 7: unterminated string starting"),
        (b"null", "malformed_json", "line 1 column 1: expecting an object, not null"),
        (b"[{}]", "malformed_json", "line 1 column 1: expecting an object, not an array"),
        (b'"x"', "malformed_json", "line 1 column 1: expecting an object, not a string"),
        (b"12", "malformed_json", "line 1 column 1: expecting an object, not a number"),
        (b"true", "malformed_json", "line 1 column 1: expecting an object, not true or false"),
        (b'{"NaN":\n NaN}', "malformed_json", "line 2 column 2: NaN is no number JSON can hold"),
        (b'{"a": -Infinity}', "malformed_json", "line 1 column 7: -Infinity is no number JSON can hold"),
        (b'{"1e999": [1, 1e999]}', "malformed_json", "line 1 column 15: 1e999 is no number JSON can hold"),
        (b'{"a": ' + b"9" * 5000 + b"}", "malformed_json", "a number has too many digits"),
        (b'{"a":' * 5000, "malformed_json", "nested more than 100 levels deep"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "malformed_json", "nested more than 100 levels deep"),
        (b'{"status": "\xff"}', "unreadable", "byte 13 is not UTF-8"),
        ('{"a": "é"}'.encode("latin-1"), "unreadable", "byte 8 is not UTF-8"),
        (b'{\x00"\x00\x00\xd8"\x00', "unreadable", "byte 5 is not UTF-16"),
    ],
)
def test_an_operator_is_told_what_is_wrong_and_where(body, reason, message):
    assert refusal("cts-video", body) == (reason, message)


def test_as_deep_as_is_allowed_is_understood():
    body = payload("cts-audio")
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    text = json.dumps(body)[:-1] + f', "deep": {deep}}}'
    assert read("cts-audio", text.encode())["status"] == "succeeded"


def test_brackets_in_strings_are_no_nesting():
    assert read("cts-audio", {**payload("cts-audio"), "x": "[{" * 1000})["status"] == "succeeded"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
def test_json_may_come_in_every_encoding_json_allows(encoding):
    text = json.dumps(payload("cts-snapshot-failed"), ensure_ascii=False)
    event = read("cts-snapshot", text.encode(encoding))
    assert event["errors"][0]["message"] == "解码失败"
    assert event["id"] == read("cts-snapshot", text.encode())["id"]


def test_messages_hold_nothing_that_breaks_a_log_or_an_encoder():
    _, message = refusal("cts-video", {"vid": "1", "status": "\ud800\x1b[2J\n"})
    assert message.isprintable()
    assert message.encode()


def test_an_unregistered_source_is_the_caller_s_mistake():
    with pytest.raises(KeyError):
        read("nobody", b"{}")


@pytest.mark.parametrize("name", SAMPLES)
def test_white_space_and_key_order_do_not_make_another_event(name):
    body = payload(name)
    event = read(SAMPLES[name], body)
    turned = json.dumps(dict(reversed(body.items())), indent=3).encode()
    assert read(SAMPLES[name], turned)["id"] == event["id"]
    prefix, _, digest = event["id"].partition(":")
    assert (prefix, len(digest), set(digest) <= set("0123456789abcdef")) == (SAMPLES[name], 32, True)


@pytest.mark.parametrize("name", SAMPLES)
def test_other_content_is_another_event(name):
    body = payload(name)
    assert read(SAMPLES[name], {**body, "extra": 1})["id"] != read(SAMPLES[name], body)["id"]


def test_only_zego_varies_between_deliveries():
    body = payload("cts-audio")
    assert read("cts-audio", {**body, "Nonce": "1"})["id"] != read("cts-audio", {**body, "Nonce": "2"})["id"]


@pytest.mark.parametrize("name", SAMPLES)
def test_unknown_fields_stay_in_raw_and_fail_nothing(name):
    body = {**payload(name), "something": {"new": [1, 2]}}
    assert read(SAMPLES[name], body)["raw"] == body
    assert decode_raw(SAMPLES[name], json.dumps(body).encode()) == body


@pytest.mark.parametrize("name", SAMPLES)
def test_an_event_has_every_key_whatever_the_vendor_left_out(name):
    event = read(SAMPLES[name], payload(name))
    assert list(event) == EVENT
    assert all(list(rendition) == RENDITION for rendition in event["renditions"])


def test_half_a_character_in_an_id_does_not_break_the_store():
    body = payload("cts-video")
    body["vid"] = "a\ud800"
    body["detail"]["result"]["k\udfff"] = body["detail"]["result"]["gif"]
    event = read("cts-video", body)
    assert event["task_id"] == "a\ufffd"
    assert {r["kind"] for r in event["renditions"]} == {"gif", "video", "cover", "k\ufffd"}
    assert event["raw"] == body


def check_any(source, body):
    """Whatever comes: NotUnderstood with a good sentence, or an event that can be written and handed on."""
    try:
        event = read(source, body)
    except NotUnderstood as error:
        refused = error
    else:
        return check_event(event)
    assert refused.reason in {"malformed_json", "invalid", "unreadable"}
    assert 0 < len(refused.message) <= 1030
    assert refused.message.isprintable()
    return None


def check_event(event):
    for document in (event, event_content(event), event_fields(event)):
        assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert json.dumps({**event, "raw": None}, ensure_ascii=False).encode()
    ids = [rendition["id"] for rendition in event["renditions"]]
    assert len(set(ids)) == len(ids)
    check_no_empty_values({key: value for key, value in event.items() if key != "raw"})


def check_no_empty_values(value):
    """Absent is None: no "" and no immeasurable number anywhere in our part of an event."""
    if isinstance(value, dict):
        for inner in value.values():
            check_no_empty_values(inner)
    elif isinstance(value, list):
        for inner in value:
            check_no_empty_values(inner)
    else:
        assert value != ""
        assert not isinstance(value, float) or math.isfinite(value)


@given(st.sampled_from(sorted(SOURCES)), st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(source, body):
    check_any(source, body)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**63, 2**64, 10**400, "", "0", "Infinity", "nan", "1e999", "\ud800", "\x00", "٣"])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """The path of every value in a document."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def replaced(document, path, value):
    if not path:
        return value
    document = copy.deepcopy(document)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return document


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(sorted(SAMPLES)), st.integers(1, 2))
def test_no_changed_callback_breaks_the_reader(data, name, times):
    body = payload(name)
    for _ in range(times):
        path = data.draw(st.sampled_from(list(places(body))))
        body = replaced(body, path, data.draw(ANYTHING))
    check_any(SAMPLES[name], json.dumps(body).encode())


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(sorted(SAMPLES)))
def test_no_damaged_callback_breaks_the_reader(data, name):
    body = bytearray(json.dumps(payload(name), ensure_ascii=False).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    check_any(SAMPLES[name], bytes(body))
