"""Numbered callbacks: each is an event of its own, and its number is found again in what is pulled."""

import json
from collections.abc import Mapping
from typing import Any

#: How many renditions a callback has, by its number modulo 3.
RENDITIONS = (2, 1, 2)


def callback(number: int) -> tuple[str, bytes]:
    """The source and the body of callback `number`: three sources in turn, one of which accumulates renditions."""
    task = f"n{number}"
    match number % 3:
        case 0:
            play_set = [{"url": f"http://host/{task}.f{d}.mp4", "definition": d} for d in (10, 20)]
            data: Any = {"status": 0, "message": "", "vodTaskId": task, "fileId": f"f{number}", "playSet": play_set}
            return "tencent-vod", _json({"version": "4.0", "eventType": "TranscodeComplete", "data": data})
        case 1:
            output = {"StreamId": "out", "StreamUrl": "rtmp://host/out", "Fps": 15, "Width": 640, "Height": 360}
            details = {"Input": {"StreamId": f"s{number}", "StreamUrl": "rtmp://host/in"}, "Outputs": [output]}
            start = {"Event": "transcode_start", "Status": "TranscodeStarted", "Appid": "1", "TaskId": task}
            return "zego", _json({**start, "Details": details})
        case _:
            pictures = [f"http://bucket-1.cos.host/{task}.{position}.png" for position in (1, 2)]
            return "cts-snapshot", _json({"vid": task, "status": "5", "url": "http://host/in.mp4", "result": pictures})


def number_of(content: Mapping[str, Any]) -> int:
    """The number of a pulled event."""
    return int(content["data"]["vodTaskId"][1:])


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()
