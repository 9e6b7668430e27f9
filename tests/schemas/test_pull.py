"""The two pulled forms, field by field, as clients of Tencent's SDKs expect them."""

import pytest

from schemas.pull.v2 import event_content
from schemas.pull.v3 import EVENT_FIELDS
from tests.schemas.bodies import SAMPLES, event_fields, payload, read

CTS = "http://cts-123456.cossh.myqcloud.com"
VIDEO = "963f1d4048dfdfad362d9b94e922d5696"


def v2(name, **changes):
    return event_content(read(SAMPLES[name], {**payload(name), **changes}))


def v3(name, **changes):
    """EventType and the one field that is not null, with its content."""
    fields = event_fields(read(SAMPLES[name], {**payload(name), **changes}))
    assert sorted(fields) == sorted(["EventType", *EVENT_FIELDS])
    filled = {key: value for key, value in fields.items() if value is not None and key != "EventType"}
    assert len(filled) <= 1
    return fields["EventType"], *(filled.popitem() if filled else (None, None))


def test_v2_transcode_complete():
    event = read("cts-video", payload("cts-video"))
    plays = [("f10", 10, 300, 480, 270), ("f20", 20, 600, 852, 480), ("f30", 30, 1200, 1280, 720)]
    plays.append(("f40", 40, 2400, 1920, 1080))
    assert event_content(event) == {
        "version": "4.0",
        "eventType": "TranscodeComplete",
        "data": {
            "status": 0,
            "message": "",
            "vodTaskId": VIDEO,
            "fileId": VIDEO,
            "fileName": "w.mp4",
            "duration": 600,
            "coverUrl": f"{CTS}/test/w.mp4.0_0.p0.png",
            "playSet": [
                {
                    "url": f"{CTS}/test/w.mp4.{name}.mp4",
                    "definition": definition,
                    "vbitrate": kbps * 1000,
                    "vheight": height,
                    "vwidth": width,
                }
                for name, definition, kbps, width, height in plays
            ],
            "source": "cts-video",
            "eventId": event["id"],
        },
    }


def test_v3_transcode_complete():
    event_type, field, content = v3("cts-video")
    assert (event_type, field) == ("TranscodeComplete", "TranscodeCompleteEvent")
    plays = content.pop("PlayInfoSet")
    assert content == {
        "TaskId": VIDEO,
        "ErrCode": 0,
        "Message": "",
        "FileId": VIDEO,
        "FileName": "w.mp4",
        "Duration": 600,
        "CoverUrl": f"{CTS}/test/w.mp4.0_0.p0.png",
    }
    assert [play["Definition"] for play in plays] == [10, 20, 30, 40]
    assert plays[0] == {
        "Url": f"{CTS}/test/w.mp4.f10.mp4",
        "Definition": 10,
        "Bitrate": 300_000,
        "Height": 270,
        "Width": 480,
    }


def test_audio_is_played_too_and_has_no_definition():
    plays = v2("cts-audio")["data"]["playSet"]
    assert len(plays) == 7
    assert [plays[2][key] for key in ("definition", "vbitrate", "vheight")] == [0, 128_000, None]


@pytest.mark.parametrize(
    ("codes", "messages", "code", "message"),
    [
        ([122], ["回调Gif提交接口调用失败"], 122, "回调Gif提交接口调用失败"),
        ([5, 6], ["a", "b"], 5, "a; b"),
        ([], ["a"], 30010, "a"),
        ([0], [], 30010, ""),
        (["E_GIF", 7], [None, "b"], 7, "b"),
        ([], [], 30010, ""),
    ],
)
def test_a_failure_never_looks_like_a_success(codes, messages, code, message):
    detail = {"error_code": codes, "error_msg": messages}
    data = v2("cts-video-failed", detail=detail)["data"]
    assert (data["status"], data["message"], data["playSet"], data["coverUrl"]) == (code, message, [], None)
    content = v3("cts-video-failed", detail=detail)[2]
    assert (content["ErrCode"], content["Message"], content["PlayInfoSet"]) == (code, message, [])


def test_a_failed_start_is_a_failed_transcode():
    content = v2("cts-video-basic-failed")
    assert (content["eventType"], content["data"]["status"]) == ("TranscodeComplete", 30010)
    assert content["data"]["duration"] is None


def test_v2_procedure_state_of_a_start():
    event = read("cts-video", payload("cts-video-basic"))
    assert event_content(event) == {
        "version": "4.0",
        "eventType": "ProcedureStateChanged",
        "data": {
            "vodTaskId": event["task_id"],
            "status": "PROCESSING",
            "errCode": 0,
            "message": "",
            "fileId": event["media_id"],
            "metaData": {
                "size": 39909209,
                "container": "mov,mp4,m4a,3gp,3g2,mj2",
                "bitrate": 10260,
                "height": 2032,
                "width": 3840,
                "duration": 31,
                "videoStreamList": [{"bitrate": None, "height": 2032, "width": 3840, "codec": None, "fps": 24}],
                "audioStreamList": [{"bitrate": None, "samplingRate": None, "codec": None}],
            },
            "processTaskList": [],
            "source": "cts-video",
            "eventId": event["id"],
        },
    }


def test_v3_procedure_state_of_a_start_is_in_bits():
    event_type, field, content = v3("cts-video-basic", fps=23.976)
    assert (event_type, field) == ("ProcedureStateChanged", "ProcedureStateChangeEvent")
    meta = content["MetaData"]
    assert meta["Bitrate"] == 10_260_000
    assert meta["VideoStreamSet"] == [{"Bitrate": None, "Height": 2032, "Width": 3840, "Codec": None, "Fps": 24}]
    assert (content["Status"], content["ErrCode"], content["FileName"]) == ("PROCESSING", 0, "dragons.mp4")


def test_a_file_without_a_stream_shows_none():
    meta = v2("cts-video-basic", HasVideoStream=0, HasAudioStream=0)["data"]["metaData"]
    assert (meta["videoStreamList"], meta["audioStreamList"]) == ([], [])


def test_each_stream_of_zego_is_a_transcode_task():
    content = v2("zego")
    assert content["eventType"] == "ProcedureStateChanged"
    (task,) = content["data"]["processTaskList"]
    assert (task["taskType"], task["status"], task["input"]) == ("Transcode", "PROCESSING", {"definition": 0})
    assert (task["output"]["width"], task["output"]["height"]) == (1280, 720)
    (result,) = v3("zego")[2]["MediaProcessResultSet"]
    assert (result["Type"], result["TranscodeTask"]["Output"]["Width"]) == ("Transcode", 1280)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "PROCESSING"),
        ({"Status": "TranscodeUpdated"}, "PROCESSING"),
        ({"Event": "transcode_stop"}, "FINISH"),
    ],
)
def test_only_a_stop_finishes_the_procedure(changes, status):
    assert v2("zego", **changes)["data"]["status"] == status
    assert v3("zego", **changes)[2]["Status"] == status


def test_snapshots():
    data = v2("cts-snapshot")["data"]
    assert data["definition"] == 0
    assert [pic["url"].split(".")[-2] for pic in data["picInfo"]] == ["1", "4", "13", "16", "24"]
    assert {(pic["status"], pic["timeOffset"]) for pic in data["picInfo"]} == {(0, None)}
    event_type, field, content = v3("cts-snapshot")
    assert (event_type, field) == ("CreateSnapshotByTimeOffsetComplete", "SnapshotByTimeOffsetCompleteEvent")
    assert content["SnapshotInfoSet"][0] == {
        "ErrCode": 0,
        "TimeOffset": None,
        "Url": data["picInfo"][0]["url"],
    }
    assert (content["TaskId"], content["FileId"], content["Definition"]) == (
        data["vodTaskId"],
        data["fileId"],
        0,
    )


def test_a_failed_snapshot_shows_its_code():
    assert v2("cts-snapshot-failed")["data"]["picInfo"] == [{"status": 118, "timeOffset": None, "url": None}]
    assert v3("cts-snapshot-failed")[2]["SnapshotInfoSet"] == [{"ErrCode": 118, "TimeOffset": None, "Url": None}]


@pytest.mark.parametrize("name", ["tencent-vod", "tencent-vod-failed"])
def test_vod_s_own_event_leaves_as_it_came(name):
    assert v2(name) == payload(name)
    sibling = {"version": 4, "eventType": "NewFileUpload", "data": {"fileId": "1"}, "more": [1]}
    assert event_content(read("tencent-vod", sibling)) == sibling


def test_v3_of_vod_s_transcode_is_filled_by_name():
    event_type, field, content = v3("tencent-vod")
    assert (event_type, field) == ("TranscodeComplete", "TranscodeCompleteEvent")
    data = payload("tencent-vod")["data"]
    assert content["PlayInfoSet"][1] == {
        "Url": data["playSet"][1]["url"],
        "Definition": 10,
        "Bitrate": 149193,
        "Height": 240,
        "Width": 320,
    }
    del content["PlayInfoSet"]
    assert content == {
        "TaskId": data["vodTaskId"],
        "ErrCode": 2,
        "Message": "",
        "FileId": data["fileId"],
        "FileName": data["fileName"],
        "Duration": 599,
        "CoverUrl": data["coverUrl"],
    }
    failed = v3("tencent-vod-failed")[2]
    assert (failed["ErrCode"], failed["PlayInfoSet"], failed["FileName"]) == (0, [], None)


FILE = {"fileType": "mp4", "status": 0, "message": "", "fileId": "2", "fileUrl": "http://x/f0.mp4"}
FILE_3 = {"FileType": "mp4", "ErrCode": 0, "Message": "", "FileId": "2", "FileUrl": "http://x/f0.mp4"}


@pytest.mark.parametrize(
    ("event_type", "data", "field", "expected"),
    [
        (
            "NewFileUpload",
            {"fileId": 1, "fileName": "n", "fileUrl": "u", "coverUrl": "c", "procedureTaskId": "p"},
            "FileUploadEvent",
            {
                "FileId": "1",
                "MediaBasicInfo": {"Name": "n", "CoverUrl": "c", "MediaUrl": "u"},
                "ProcedureTaskId": "p",
            },
        ),
        (
            "FileDeleted",
            {"status": 0, "fileInfo": [{"fileId": "1"}]},
            "FileDeleteEvent",
            {"FileIdSet": ["1"]},
        ),
        (
            "PullComplete",
            {"vodTaskId": "t", "status": "0", "message": "", "fileId": "1", "fileUrl": "u"},
            "PullCompleteEvent",
            {
                "TaskId": "t",
                "ErrCode": 0,
                "Message": "",
                "FileId": "1",
                "FileUrl": "u",
                "ProcedureTaskId": None,
            },
        ),
        (
            "ClipComplete",
            {"vodTaskId": "t", "srcFileId": "1", "fileInfo": FILE},
            "ClipCompleteEvent",
            {"TaskId": "t", "SrcFileId": "1", "FileInfo": FILE_3},
        ),
        (
            "ConcatComplete",
            {"vodTaskId": "t", "fileInfo": [FILE, FILE]},
            "ConcatCompleteEvent",
            {"TaskId": "t", "FileInfoSet": [FILE_3, FILE_3]},
        ),
        (
            "CreateImageSpriteComplete",
            {"vodTaskId": "t", "status": 0, "definition": 10, "totalCount": 2, "imageSpriteUrl": ["a", "b"]},
            "CreateImageSpriteCompleteEvent",
            {
                "TaskId": "t",
                "ErrCode": 0,
                "Message": None,
                "FileId": None,
                "Definition": 10,
                "TotalCount": 2,
                "ImageSpriteUrlSet": ["a", "b"],
                "WebVttUrl": None,
            },
        ),
        (
            "CreateSnapshotByTimeOffsetComplete",
            {
                "vodTaskId": "t",
                "fileId": "1",
                "definition": 10,
                "picInfo": [{"status": 0, "timeOffset": 1000.4}],
            },
            "SnapshotByTimeOffsetCompleteEvent",
            {
                "TaskId": "t",
                "FileId": "1",
                "Definition": 10,
                "SnapshotInfoSet": [{"ErrCode": 0, "TimeOffset": 1000, "Url": None}],
            },
        ),
        ("SomethingNew", {"fileId": "1"}, None, None),
        ("PullComplete", [1, 2], None, None),
    ],
)
def test_v3_of_vod_s_other_events_is_filled_by_name(event_type, data, field, expected):
    event = read("tencent-vod", {"eventType": event_type, "data": data})
    fields = event_fields(event)
    assert fields["EventType"] == event_type
    assert {key for key, value in fields.items() if value is not None} == {"EventType", field} - {None}
    if field:
        assert fields[field] == expected


def test_v3_of_vod_s_procedure_tells_of_every_task():
    data = {
        "vodTaskId": "t",
        "status": "FINISH",
        "errCode": 0,
        "message": "",
        "fileId": "1",
        "metaData": {"size": 5, "bitrate": 246035, "duration": 0, "videoStreamList": [{"fps": 22.5}]},
        "processTaskList": [
            {
                "taskType": "Transcode",
                "status": "SUCCESS",
                "input": {"definition": 20},
                "output": {"url": "u"},
            },
            {"taskType": "SampleSnapshot", "status": "SUCCESS", "output": {"imageUrls": ["a"]}},
            {"taskType": "PullFile", "status": "SUCCESS"},
            7,
        ],
    }
    event = read("tencent-vod", {"eventType": "ProcedureStateChanged", "data": data})
    content = event_fields(event)["ProcedureStateChangeEvent"]
    assert (content["TaskId"], content["Status"], content["FileId"]) == ("t", "FINISH", "1")
    assert (content["MetaData"]["Size"], content["MetaData"]["Duration"]) == (5, 0)
    assert content["MetaData"]["VideoStreamSet"][0]["Fps"] == 22
    transcode, snapshot = content["MediaProcessResultSet"]
    assert transcode["TranscodeTask"]["Input"] == {"Definition": 20}
    assert transcode["TranscodeTask"]["Output"]["Url"] == "u"
    assert snapshot["SampleSnapshotTask"]["Output"] == {"ImageUrlSet": ["a"]}


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.startswith("tencent-vod")])
def test_every_translated_event_can_be_traced_to_ours(name):
    event = read(SAMPLES[name], payload(name))
    data = event_content(event)["data"]
    assert (data["source"], data["eventId"]) == (SAMPLES[name], event["id"])
