"""vod-transcode-complete.md, its later edition, and the sibling events it does not describe."""

import pytest

from schemas.sources import SOURCES
from tests.schemas.bodies import NO_INPUT, NO_RENDITION, by_name, payload, read, refusal


@pytest.mark.parametrize(
    ("name", "bitrate", "height", "width", "suffix"),
    [
        ("0", 246000, 480, 640, "f0.mp4"),
        ("10", 149193, 240, 320, "f10.mp4"),
        ("20", 297656, 480, 640, "f20.mp4"),
        ("220", 524288, 480, 640, "f220.av.m3u8"),
        ("30", 899976, 960, 1280, "f30.mp4"),
        ("40", 1746652, 1440, 1920, "f40.mp4"),
    ],
)
def test_each_entry_of_the_play_set_is_a_rendition(name, bitrate, height, width, suffix):
    event = read("tencent-vod", payload("tencent-vod"))
    path = f"/1203_8a5015084d4f47cd9a0bc5ecfe78aecb.{suffix}"
    assert len(event["renditions"]) == 6
    assert by_name(event, "video")[name] == {
        **NO_RENDITION,
        "id": f"{event['id']}/video/{name}",
        "kind": "video",
        "name": name,
        "urls": [f"http://vcloud1203.tc.qq.com{path}"],
        "paths": [path],
        "bitrate": bitrate,
        "height": height,
        "width": width,
        "container": suffix.rpartition(".")[2],
    }


def test_a_success_is_identified_and_its_input_holds_what_is_known():
    event = read("tencent-vod", payload("tencent-vod"))
    assert (event["type"], event["task_id"], event["media_id"], event["app_id"]) == (
        "transcode.completed",
        "transcode-1edb7eb88a599d05abe451cfc541cfbd",
        "14508071098244931831",
        None,
    )
    assert event["input"] == {**NO_INPUT, "duration": 599}


@pytest.mark.parametrize(
    ("status", "plays", "expected", "errors"),
    [
        ("2", True, "succeeded", []),
        (0, True, "succeeded", []),
        (0, False, "failed", [{"code": 0, "message": None}]),
        (-43001, False, "failed", [{"code": -43001, "message": None}]),
    ],
)
def test_a_transcode_succeeded_if_and_only_if_there_is_something_to_play(status, plays, expected, errors):
    body = payload("tencent-vod")
    body["data"]["status"] = status
    if not plays:
        body["data"]["playSet"] = []
    event = read("tencent-vod", body)
    assert (event["status"], event["errors"]) == (expected, errors)
    assert event["type"] == ("transcode.completed" if plays else "transcode.failed")


def test_the_documented_failure_is_a_failure_though_its_status_is_0():
    event = read("tencent-vod", payload("tencent-vod-failed"))
    assert (event["type"], event["status"], event["input"], event["renditions"]) == (
        "transcode.failed",
        "failed",
        None,
        [],
    )


def test_the_version_may_be_a_number():
    assert read("tencent-vod", {**payload("tencent-vod"), "version": 4})["status"] == "succeeded"


@pytest.mark.parametrize(
    ("event_type", "data", "status", "task", "media"),
    [
        ("NewFileUpload", {"fileId": "1", "fileName": "x"}, "unknown", None, "1"),
        (
            "ProcedureStateChanged",
            {"vodTaskId": "t", "status": "PROCESSING", "errCode": 0},
            "running",
            "t",
            None,
        ),
        (
            "ProcedureStateChanged",
            {"vodTaskId": "t", "status": "FINISH", "errCode": 0},
            "succeeded",
            "t",
            None,
        ),
        ("ProcedureStateChanged", {"vodTaskId": "t", "status": "FINISH"}, "unknown", "t", None),
        ("ProcedureStateChanged", {"status": "FINISH", "errCode": 30009}, "failed", None, None),
        ("FileDeleted", {"status": 0, "fileInfo": [{"fileId": "1"}]}, "succeeded", None, None),
        ("PullComplete", {"status": 1, "vodTaskId": 5, "fileId": 6}, "failed", "5", "6"),
        ("ClipComplete", {"vodTaskId": "t", "fileInfo": {"status": 0}}, "succeeded", "t", None),
        ("ConcatComplete", {"fileInfo": [{"status": 0}, {"status": -1}]}, "failed", None, None),
        ("CreateSnapshotByTimeOffsetComplete", {"picInfo": [{"status": 0}]}, "succeeded", None, None),
        ("CreateImageSpriteComplete", {"status": "0"}, "succeeded", None, None),
        ("SomethingNew", None, "unknown", None, None),
        ("SomethingNew", [1], "unknown", None, None),
        (
            "SomethingNew",
            {"status": [], "vodTaskId": {}, "fileInfo": [3], "picInfo": 3},
            "unknown",
            None,
            None,
        ),
    ],
)
def test_sibling_events_pass_through_whole(event_type, data, status, task, media):
    body = {"version": "4.0", "eventType": event_type, "data": data}
    event = read("tencent-vod", body)
    assert event["type"] == f"vod.{event_type}"
    assert (event["status"], event["task_id"], event["media_id"]) == (status, task, media)
    assert (event["renditions"], event["raw"]) == ([], body)


def test_a_failed_sibling_says_why():
    body = {"eventType": "PullComplete", "data": {"status": 40000, "message": "no such URL"}}
    assert read("tencent-vod", body)["errors"] == [{"code": 40000, "message": "no such URL"}]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"version": "4.0", "data": {}}, "eventType: Missing data for required field"),
        ({"eventType": "TranscodeComplete"}, "data: Missing data for required field"),
        ({"eventType": "TranscodeComplete", "data": {}}, "data.vodTaskId: Missing data for required field"),
        (
            {"eventType": "TranscodeComplete", "data": {"vodTaskId": "t", "playSet": [{"vwidth": {}}, 3]}},
            "data.playSet.0.vwidth: Not a valid integer; data.playSet.1: Not a valid object",
        ),
    ],
)
def test_what_cannot_be_identified_is_refused(body, message):
    assert refusal("tencent-vod", body) == ("invalid", message)


def test_only_this_source_adds_renditions_to_a_task():
    assert [name for name, source in SOURCES.items() if source.renditions_accumulate] == ["tencent-vod"]
