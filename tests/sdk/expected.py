"""What a consumer must find in the SDK's objects: names and values as they stand in `EventContent`, for each packaged sample.

Absent is None in the SDK and is left out here.
"""

from typing import Any

TEST = "http://test-1253125191.cossh.myqcloud.com"
CTS = "http://cts-123456.cossh.myqcloud.com"
VIDEO = "963f1d4048dfdfad362d9b94e922d5696"
MUSIC = "http://onlinemusic-1253125191.cosgz.myqcloud.com/20170428/strength.mp3"
VCLOUD = "http://vcloud1203.tc.qq.com/1203_8a5015084d4f47cd9a0bc5ecfe78aecb"


def _play(url: str, definition: int, bitrate: int | None, height: int | None, width: int | None) -> dict[str, Any]:
    found = {"Url": url, "Definition": definition, "Bitrate": bitrate, "Height": height, "Width": width}
    return {name: value for name, value in found.items() if value is not None}


def _snapshot(number: int) -> dict[str, Any]:
    return {"ErrCode": 0, "Url": f"{TEST}/test-fast-snapshot/d.mp4.{number}.png"}


def task(output: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Transcode",
        "TranscodeTask": {
            "Status": "PROCESSING",
            "ErrCodeExt": "",
            "ErrCode": 0,
            "Message": "",
            "Input": {"Definition": 0},
            "Output": {"Definition": 0, "AudioStreamSet": [], **output},
        },
    }


_STREAM = task({"Height": 720, "Width": 1280, "VideoStreamSet": [{"Height": 720, "Width": 1280}]})


def stream(status: str, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "TaskId": "2222",
        "Status": status,
        "ErrCode": 0,
        "Message": "",
        "FileId": "2222",
        "MediaProcessResultSet": tasks,
        "AiContentReviewResultSet": [],
        "AiAnalysisResultSet": [],
        "AiRecognitionResultSet": [],
    }


#: For each packaged sample: EventType, the one event field that is filled, and all that is in it.
SAMPLE_EVENTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "cts-video": (
        "TranscodeComplete",
        "TranscodeCompleteEvent",
        {
            "TaskId": VIDEO,
            "ErrCode": 0,
            "Message": "",
            "FileId": VIDEO,
            "FileName": "w.mp4",
            "Duration": 600,
            "CoverUrl": f"{CTS}/test/w.mp4.0_0.p0.png",
            "PlayInfoSet": [
                _play(f"{CTS}/test/w.mp4.f10.mp4", 10, 300_000, 270, 480),
                _play(f"{CTS}/test/w.mp4.f20.mp4", 20, 600_000, 480, 852),
                _play(f"{CTS}/test/w.mp4.f30.mp4", 30, 1_200_000, 720, 1280),
                _play(f"{CTS}/test/w.mp4.f40.mp4", 40, 2_400_000, 1080, 1920),
            ],
        },
    ),
    "cts-video-failed": (
        "TranscodeComplete",
        "TranscodeCompleteEvent",
        {
            "TaskId": "7d70b89fdf72ee6b98dcc0b0211",
            "ErrCode": 122,
            "Message": "回调Gif提交接口调用失败",
            "FileId": "7d70b89fdf72ee6b98dcc0b0211",
            "FileName": "27a33649a97b4c3481b609f2be925b7d_h264418000nero_aac32-4.mp4",
            "PlayInfoSet": [],
        },
    ),
    "cts-video-basic": (
        "ProcedureStateChanged",
        "ProcedureStateChangeEvent",
        {
            "TaskId": "4e4d4cb91b14be1faca76aecad5cd28c1519806353",
            "Status": "PROCESSING",
            "ErrCode": 0,
            "Message": "",
            "FileId": "4e4d4cb91b14be1faca76aecad5cd28c1519806353",
            "FileName": "dragons.mp4",
            "FileUrl": "http://test-1250000000.cossh.myqcloud.com/dragons.mp4",
            "MetaData": {
                "Size": 39_909_209,
                "Container": "mov,mp4,m4a,3gp,3g2,mj2",
                "Bitrate": 10_260_000,
                "Height": 2032,
                "Width": 3840,
                "Duration": 31,
                "VideoStreamSet": [{"Height": 2032, "Width": 3840, "Fps": 24}],
                "AudioStreamSet": [{}],
            },
            "MediaProcessResultSet": [],
            "AiContentReviewResultSet": [],
            "AiAnalysisResultSet": [],
            "AiRecognitionResultSet": [],
        },
    ),
    "cts-video-basic-failed": (
        "TranscodeComplete",
        "TranscodeCompleteEvent",
        {
            "TaskId": "7d6cec782335ff8c9d332daf7c0fda1f1519803613",
            "ErrCode": 30010,
            "Message": "AVC文件不存在或者文件内容有误，无法识别和处理",
            "FileId": "7d6cec782335ff8c9d332daf7c0fda1f1519803613",
            "FileName": "x.mov",
            "PlayInfoSet": [],
        },
    ),
    "cts-audio": (
        "TranscodeComplete",
        "TranscodeCompleteEvent",
        {
            "TaskId": "e5fea7f66851b7176b8c89c254d0a11b1493379478",
            "ErrCode": 0,
            "Message": "",
            "FileId": "e5fea7f66851b7176b8c89c254d0a11b1493379478",
            "FileName": "strength.mp3",
            "Duration": 140,
            "PlayInfoSet": [
                _play(f"{MUSIC}.{name}", 0, bitrate, None, None)
                for name, bitrate in (
                    ("0_ape.ape", None),
                    ("0_flac.flac", None),
                    ("128000_mp3.mp3", 128_000),
                    ("24000_m4a.m4a", 24_000),
                    ("24000_mp3.mp3", 24_000),
                    ("48000_m4a.m4a", 48_000),
                    ("48000_mp3.mp3", 48_000),
                )
            ],
        },
    ),
    "cts-snapshot": (
        "CreateSnapshotByTimeOffsetComplete",
        "SnapshotByTimeOffsetCompleteEvent",
        {
            "TaskId": "064ffb39073403d22fb16df22a0d0b7e1534820888",
            "FileId": "064ffb39073403d22fb16df22a0d0b7e1534820888",
            "Definition": 0,
            "SnapshotInfoSet": [_snapshot(number) for number in (1, 4, 13, 16, 24)],
        },
    ),
    "cts-snapshot-failed": (
        "CreateSnapshotByTimeOffsetComplete",
        "SnapshotByTimeOffsetCompleteEvent",
        {
            "TaskId": "064ffb39073403d22fb16df22a0d0b7e1534820999",
            "FileId": "064ffb39073403d22fb16df22a0d0b7e1534820999",
            "Definition": 0,
            "SnapshotInfoSet": [{"ErrCode": 118}],
        },
    ),
    "tencent-vod": (
        "TranscodeComplete",
        "TranscodeCompleteEvent",
        {
            "TaskId": "transcode-1edb7eb88a599d05abe451cfc541cfbd",
            "ErrCode": 2,
            "Message": "",
            "FileId": "14508071098244931831",
            "FileName": "13425173277_2015-09-06-19-06-11_2015-09-06-19-16-11",
            "Duration": 599,
            "CoverUrl": "http://p.qpic.cn/videoyun/0/1203_8a5015084d4f47cd9a0bc5ecfe78aecb_1/640",
            "PlayInfoSet": [
                _play(f"{VCLOUD}.f0.mp4", 0, 246_000, 480, 640),
                _play(f"{VCLOUD}.f10.mp4", 10, 149_193, 240, 320),
                _play(f"{VCLOUD}.f20.mp4", 20, 297_656, 480, 640),
                _play(f"{VCLOUD}.f220.av.m3u8", 220, 524_288, 480, 640),
                _play(f"{VCLOUD}.f30.mp4", 30, 899_976, 960, 1280),
                _play(f"{VCLOUD}.f40.mp4", 40, 1_746_652, 1440, 1920),
            ],
        },
    ),
    "tencent-vod-failed": (
        "TranscodeComplete",
        "TranscodeCompleteEvent",
        {
            "TaskId": "transcode-1edb7eb88a599d05abe451cfc541cfbd",
            "ErrCode": 0,
            "Message": "",
            "FileId": "14508071098244931831",
            "PlayInfoSet": [],
        },
    ),
    "zego": ("ProcedureStateChanged", "ProcedureStateChangeEvent", stream("PROCESSING", [_STREAM])),
}
