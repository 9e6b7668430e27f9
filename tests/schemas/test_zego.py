"""zego-transcode-start.md, its sibling transcode_stop, and the signature."""

import json
from urllib.parse import quote, quote_plus

import pytest

from schemas.samples import sample
from schemas.sources.zego import signature
from tests.schemas.bodies import NO_INPUT, NO_RENDITION, payload, read, refusal


def test_a_start_tells_of_each_output_stream():
    event = read("zego", payload("zego"))
    assert (event["type"], event["status"]) == ("transcode.started", "running")
    assert (event["task_id"], event["media_id"], event["app_id"], event["input"]) == (
        "2222",
        "2222",
        "111111",
        None,
    )
    assert event["renditions"] == [
        {
            **NO_RENDITION,
            "id": f"{event['id']}/stream/2222",
            "kind": "stream",
            "name": "2222",
            "width": 1280,
            "height": 720,
            "gop": 2,
        }
    ]


def test_urls_and_frame_rates_are_told_and_the_bitrate_of_unknown_unit_is_not():
    body = payload("zego")
    body["Details"]["Input"]["StreamUrl"] = "rtmp://play.example.com/live/2222"
    body["Details"]["Outputs"][0].update(StreamUrl="rtmp://play.example.com/live/out", Fps=15, VideoBitrate=1500)
    event = read("zego", body)
    assert event["input"] == {**NO_INPUT, "url": "rtmp://play.example.com/live/2222"}
    rendition = event["renditions"][0]
    assert (rendition["urls"], rendition["fps"], rendition["bitrate"]) == (
        ["rtmp://play.example.com/live/out"],
        15,
        None,
    )
    assert event["raw"]["Details"]["Outputs"][0]["VideoBitrate"] == 1500


def test_an_update_is_told_from_a_start():
    assert read("zego", {**payload("zego"), "Status": "TranscodeUpdated"})["type"] == "transcode.updated"


def test_a_stop_is_a_stop_whatever_its_status_says():
    body = {**payload("zego"), "Event": "transcode_stop", "StopReason": "ApiStop"}
    del body["Details"]
    event = read("zego", body)
    assert (event["type"], event["status"], event["task_id"], event["media_id"], event["renditions"]) == (
        "transcode.stopped",
        "unknown",
        "2222",
        None,
        [],
    )
    assert event["raw"]["StopReason"] == "ApiStop"


def test_a_start_without_details_is_still_a_start():
    body = payload("zego")
    del body["Details"]
    assert (read("zego", body)["type"], read("zego", body)["renditions"]) == ("transcode.started", [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Event": "stream_create"}, "Event: Must be transcode_start or transcode_stop, not 'stream_create'"),
        ({"Event": None}, "Event: Missing data for required field"),
        ({"Status": "x"}, "Status: Must be TranscodeStarted or TranscodeUpdated, not 'x'"),
        ({"TaskId": ""}, "TaskId: Missing data for required field"),
        ({"Details": {"Outputs": [{"Width": "x"}]}}, "Details.Outputs.0.Width: Not a valid integer"),
    ],
)
def test_what_is_no_transcode_callback_is_refused(changes, message):
    assert refusal("zego", {**payload("zego"), **changes}) == ("invalid", message)


@pytest.mark.parametrize("encode", [quote, quote_plus, lambda text: quote(text, safe="{}:,[]")])
@pytest.mark.parametrize("compact", [True, False])
def test_a_percent_encoded_body_is_the_same_event(encode, compact):
    body = {**payload("zego"), "UserId": "a b+c%20视频"}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":") if compact else None)
    event = read("zego", encode(text).encode())
    assert event == read("zego", text.encode())
    assert event["raw"]["UserId"] == "a b+c%20视频"


def test_a_plain_body_keeps_its_plus_and_percent_signs():
    assert read("zego", {**payload("zego"), "TaskId": "1+1=%32"})["task_id"] == "1+1=%32"


def test_the_vendor_s_own_signature_vector():
    assert signature("secret", "1470820198", "123412") == "5bd59fd62953a8059fb7eaba95720f66d19e4517"


def signed(**changes):
    return {
        **payload("zego"),
        "Timestamp": "1470820198",
        "Nonce": "123412",
        "Signature": "5bd59fd62953a8059fb7eaba95720f66d19e4517",
        **changes,
    }


@pytest.mark.parametrize("changes", [{}, {"Timestamp": 1470820198, "Nonce": 123412}, {"Details": {}}])
def test_a_signed_callback_is_let_through(changes):
    assert read("zego", signed(**changes), zego_secret="secret")["status"] == "running"


@pytest.mark.parametrize(
    "changes",
    [
        {"Signature": "5bd59fd62953a8059fb7eaba95720f66d19e4518"},
        {"Signature": ""},
        {"Signature": None},
        {"Signature": ["5bd59fd62953a8059fb7eaba95720f66d19e4517"]},
        {"Signature": "签名"},
        {"Signature": "\ud800"},
        {"Nonce": "123413"},
        {"Nonce": None},
        {"Nonce": True},
        {"Timestamp": {}},
        {"Timestamp": "\ud800"},
    ],
)
def test_a_forged_callback_is_refused(changes):
    reason, message = refusal("zego", signed(**changes), zego_secret="secret")
    assert reason == "signature"
    assert "secret" in message


def test_without_a_secret_or_when_forced_nothing_is_checked():
    forged = signed(Signature="x")
    assert read("zego", forged)["status"] == "running"
    assert read("zego", forged, zego_secret="secret", check_signature=False)["status"] == "running"


def test_the_secret_of_zego_is_nothing_to_other_sources():
    assert read("cts-audio", payload("cts-audio"), zego_secret="secret")["status"] == "succeeded"


def test_retries_are_the_same_event():
    first = read("zego", sample("zego", zego_secret="s"), zego_secret="s")
    again = {**first["raw"], "Timestamp": "9", "Nonce": "8", "Signature": "7"}
    assert read("zego", again)["id"] == first["id"]
    assert read("zego", {**again, "Sequence": 1})["id"] != first["id"]
