"""As expected.py, for further callbacks, of which there is no packaged sample: the rest of all events there can be."""

from typing import Any

from tests.sdk.expected import stream, task

_ZEGO = {"Appid": "111111", "TaskId": "2222", "Sequence": 1, "Timestamp": "1", "Nonce": "1", "Signature": "1"}
_FILE = {"fileType": "mp4", "status": 0, "message": "", "fileId": "2", "fileUrl": "http://x/f0.mp4"}
_FILE_3 = {"FileType": "mp4", "ErrCode": 0, "Message": "", "FileId": "2", "FileUrl": "http://x/f0.mp4"}

#: Source, body; then EventType, the one event field that is filled, if any, and all that is in it.
OTHER_EVENTS: list[tuple[str, dict[str, Any], str, str | None, dict[str, Any]]] = [
    (
        "zego",
        {
            **_ZEGO,
            "Event": "transcode_start",
            "Status": "TranscodeUpdated",
            "Details": {"Input": {"StreamId": "in"}, "Outputs": [{"StreamId": "out", "StreamUrl": "rtmp://x/out"}]},
        },
        "ProcedureStateChanged",
        "ProcedureStateChangeEvent",
        {
            **stream("PROCESSING", [task({"Url": "rtmp://x/out", "VideoStreamSet": []})]),
            "FileId": "in",
        },
    ),
    (
        "zego",
        {**_ZEGO, "Event": "transcode_stop", "StopReason": "ApiStop"},
        "ProcedureStateChanged",
        "ProcedureStateChangeEvent",
        {name: value for name, value in stream("FINISH", []).items() if name != "FileId"},
    ),
    (
        "tencent-vod",
        {
            "eventType": "NewFileUpload",
            "data": {"fileId": 1, "fileName": "n", "fileUrl": "u", "coverUrl": "c", "procedureTaskId": "p"},
        },
        "NewFileUpload",
        "FileUploadEvent",
        {
            "FileId": "1",
            "MediaBasicInfo": {"Name": "n", "CoverUrl": "c", "MediaUrl": "u"},
            "ProcedureTaskId": "p",
        },
    ),
    (
        "tencent-vod",
        {
            "eventType": "ProcedureStateChanged",
            "data": {
                "vodTaskId": "t",
                "status": "FINISH",
                "errCode": 0,
                "message": "",
                "fileId": "1",
                "metaData": {
                    "size": 5,
                    "container": "mp4",
                    "bitrate": 246_035,
                    "duration": 1.5,
                    "rotate": 90,
                    "md5": "m",
                    "videoStreamList": [{"bitrate": 1, "height": 2, "width": 3, "codec": "h264", "fps": 222}],
                    "audioStreamList": [{"bitrate": 1, "samplingRate": 44_100, "codec": "aac"}],
                },
                "processTaskList": [
                    {
                        "taskType": "Transcode",
                        "status": "SUCCESS",
                        "errCode": 0,
                        "message": "",
                        "input": {"definition": 20},
                        "output": {"url": "u", "size": 7, "duration": 2, "md5": "m"},
                    },
                    {"taskType": "SampleSnapshot", "status": "SUCCESS", "output": {"imageUrls": ["a", "b"]}},
                    {"taskType": "CoverBySnapshot", "status": "FAIL", "errCode": 1, "message": "no"},
                ],
            },
        },
        "ProcedureStateChanged",
        "ProcedureStateChangeEvent",
        {
            "TaskId": "t",
            "Status": "FINISH",
            "ErrCode": 0,
            "Message": "",
            "FileId": "1",
            "MetaData": {
                "Size": 5,
                "Container": "mp4",
                "Bitrate": 246_035,
                "Duration": 1.5,
                "Rotate": 90,
                "Md5": "m",
                "VideoStreamSet": [{"Bitrate": 1, "Height": 2, "Width": 3, "Codec": "h264", "Fps": 222}],
                "AudioStreamSet": [{"Bitrate": 1, "SamplingRate": 44_100, "Codec": "aac"}],
            },
            "MediaProcessResultSet": [
                {
                    "Type": "Transcode",
                    "TranscodeTask": {
                        "Status": "SUCCESS",
                        "ErrCode": 0,
                        "Message": "",
                        "Input": {"Definition": 20},
                        "Output": {
                            "Url": "u",
                            "Size": 7,
                            "Duration": 2,
                            "Md5": "m",
                            "VideoStreamSet": [],
                            "AudioStreamSet": [],
                        },
                    },
                },
                {
                    "Type": "SampleSnapshot",
                    "SampleSnapshotTask": {"Status": "SUCCESS", "Output": {"ImageUrlSet": ["a", "b"]}},
                },
                {"Type": "CoverBySnapshot", "CoverBySnapshotTask": {"Status": "FAIL", "ErrCode": 1, "Message": "no"}},
            ],
        },
    ),
    (
        "tencent-vod",
        {"eventType": "FileDeleted", "data": {"status": 0, "fileInfo": [{"fileId": "1"}, {"fileId": "2"}]}},
        "FileDeleted",
        "FileDeleteEvent",
        {"FileIdSet": ["1", "2"]},
    ),
    (
        "tencent-vod",
        {
            "eventType": "PullComplete",
            "data": {"vodTaskId": "t", "status": "0", "message": "", "fileId": "1", "fileUrl": "u"},
        },
        "PullComplete",
        "PullCompleteEvent",
        {"TaskId": "t", "ErrCode": 0, "Message": "", "FileId": "1", "FileUrl": "u"},
    ),
    (
        "tencent-vod",
        {"eventType": "ClipComplete", "data": {"vodTaskId": "t", "srcFileId": "1", "fileInfo": _FILE}},
        "ClipComplete",
        "ClipCompleteEvent",
        {"TaskId": "t", "SrcFileId": "1", "FileInfo": _FILE_3},
    ),
    (
        "tencent-vod",
        {"eventType": "ConcatComplete", "data": {"vodTaskId": "t", "fileInfo": [_FILE, _FILE]}},
        "ConcatComplete",
        "ConcatCompleteEvent",
        {"TaskId": "t", "FileInfoSet": [_FILE_3, _FILE_3]},
    ),
    (
        "tencent-vod",
        {
            "eventType": "CreateImageSpriteComplete",
            "data": {
                "vodTaskId": "t",
                "status": 0,
                "message": "",
                "fileId": "1",
                "definition": 10,
                "totalCount": 2,
                "imageSpriteUrl": ["a", "b"],
                "webVttUrl": "v",
            },
        },
        "CreateImageSpriteComplete",
        "CreateImageSpriteCompleteEvent",
        {
            "TaskId": "t",
            "ErrCode": 0,
            "Message": "",
            "FileId": "1",
            "Definition": 10,
            "TotalCount": 2,
            "ImageSpriteUrlSet": ["a", "b"],
            "WebVttUrl": "v",
        },
    ),
    (
        "tencent-vod",
        {
            "eventType": "CreateSnapshotByTimeOffsetComplete",
            "data": {
                "vodTaskId": "t",
                "fileId": "1",
                "definition": 10,
                "picInfo": [{"status": 0, "timeOffset": 1000, "url": "u"}, {"status": 3, "timeOffset": 2000}],
            },
        },
        "CreateSnapshotByTimeOffsetComplete",
        "SnapshotByTimeOffsetCompleteEvent",
        {
            "TaskId": "t",
            "FileId": "1",
            "Definition": 10,
            "SnapshotInfoSet": [{"ErrCode": 0, "TimeOffset": 1000, "Url": "u"}, {"ErrCode": 3, "TimeOffset": 2000}],
        },
    ),
    ("tencent-vod", {"eventType": "SomethingNew", "data": {"fileId": "1"}}, "SomethingNew", None, {}),
]
