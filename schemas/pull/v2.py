"""An event as the legacy pull API hands it over: `eventContent` of a PullEvent answer.

tencent-vod's own events leave as they came. The others take the shapes VOD documents for its events
(https://www.tencentcloud.com/document/product/266/33962): TranscodeComplete, ProcedureStateChanged and
CreateSnapshotByTimeOffsetComplete. What our sources do not say is null there, but a message is "" as VOD's
are.
"""

from typing import Any

from schemas.event import EventError, Input, Rendition, TranscodeEvent
from schemas.pull.wording import (
    cover_url,
    definition,
    error_code,
    file_name,
    first_url,
    is_playable,
    kilobits,
    message,
    pull_event_type,
)


def event_content(event: TranscodeEvent) -> dict[str, Any]:
    """`{"version": "4.0", "eventType": …, "data": {…}}` for `event`; for tencent-vod its raw payload
    itself.

    Bitrates are bit/s in `playSet` and kbps in `metaData` and `output`, as VOD documents each. `data` also
    carries `source` and `eventId`, which a client that does not know them ignores.
    """
    if event["source"] == "tencent-vod":
        raw: dict[str, Any] = event["raw"]
        return raw
    event_type = pull_event_type(event["type"])
    data = _DATA[event_type](event)
    data["source"] = event["source"]
    data["eventId"] = event["id"]
    return {"version": "4.0", "eventType": event_type, "data": data}


def _transcode_complete(event: TranscodeEvent) -> dict[str, Any]:
    source = event["input"]
    return {
        "status": error_code(event),
        "message": message(event["errors"]),
        "vodTaskId": event["task_id"],
        "fileId": event["media_id"],
        "fileName": file_name(source),
        "duration": source["duration"] if source else None,
        "coverUrl": cover_url(event["renditions"]),
        "playSet": [
            {
                "url": first_url(rendition),
                "definition": definition(rendition["name"]),
                "vbitrate": rendition["bitrate"],
                "vheight": rendition["height"],
                "vwidth": rendition["width"],
            }
            for rendition in event["renditions"]
            if is_playable(rendition)
        ],
    }


def _procedure_state_changed(event: TranscodeEvent) -> dict[str, Any]:
    return {
        "vodTaskId": event["task_id"],
        "status": "FINISH" if event["type"] == "transcode.stopped" else "PROCESSING",
        "errCode": error_code(event),
        "message": message(event["errors"]),
        "fileId": event["media_id"],
        "metaData": _meta_data(event["input"]),
        "processTaskList": [_transcode_task(rendition, event["errors"]) for rendition in event["renditions"]],
    }


def _meta_data(source: Input | None) -> dict[str, Any]:
    if source is None:
        return dict(_NO_META_DATA)
    return {
        "size": source["size"],
        "container": source["container"],
        "bitrate": kilobits(source["bitrate"]),
        "height": source["height"],
        "width": source["width"],
        "duration": source["duration"],
        "videoStreamList": _video_streams(source) if source["has_video"] is not False else [],
        "audioStreamList": (
            [{"bitrate": None, "samplingRate": source["sample_rate"], "codec": None}] if source["has_audio"] else []
        ),
    }


_NO_META_DATA: dict[str, Any] = {
    "size": None,
    "container": None,
    "bitrate": None,
    "height": None,
    "width": None,
    "duration": None,
    "videoStreamList": [],
    "audioStreamList": [],
}


def _transcode_task(rendition: Rendition, errors: list[EventError]) -> dict[str, Any]:
    return {
        "taskType": "Transcode",
        "status": "PROCESSING",
        "errCode": 0,
        "message": message(errors),
        "input": {"definition": definition(rendition["name"])},
        "output": {
            "url": first_url(rendition),
            "size": rendition["size"],
            "container": rendition["container"],
            "bitrate": kilobits(rendition["bitrate"]),
            "height": rendition["height"],
            "width": rendition["width"],
            "videoStreamList": _video_streams(rendition),
            "audioStreamList": [],
        },
    }


def _video_streams(media: Input | Rendition) -> list[dict[str, Any]]:
    """The one video stream our sources tell of. Its own bitrate they do not tell: theirs is the file's."""
    if media["width"] is None and media["height"] is None and media["fps"] is None:
        return []
    return [
        {
            "bitrate": None,
            "height": media["height"],
            "width": media["width"],
            "codec": media["codec"],
            "fps": media["fps"],
        }
    ]


def _snapshots_complete(event: TranscodeEvent) -> dict[str, Any]:
    pictures = [{"status": 0, "timeOffset": None, "url": first_url(rendition)} for rendition in event["renditions"]]
    if event["status"] == "failed":
        # `picInfo[].status` is the only place where this form can tell of a failure.
        pictures.append({"status": error_code(event), "timeOffset": None, "url": None})
    return {
        "vodTaskId": event["task_id"],
        "fileId": event["media_id"],
        "definition": 0,
        "picInfo": pictures,
    }


_DATA = {
    "TranscodeComplete": _transcode_complete,
    "ProcedureStateChanged": _procedure_state_changed,
    "CreateSnapshotByTimeOffsetComplete": _snapshots_complete,
}
