"""An event as API 3.0 (2018-07-17) hands it over: one entry of a PullEvents answer's EventSet, without its
handle.

Names and types are those of the vendor's SDKs (tencentcloud-sdk-python-vod, `EventContent` and the
structures in it), which fill their models from it. Units there: bit/s everywhere, unlike the legacy API's
kbps; whole frames a second.
"""

from typing import Any

from schemas.encoding import encode
from schemas.event import Input, Rendition, TranscodeEvent
from schemas.pull.v3_names import vod_event_field
from schemas.pull.wording import (
    cover_url,
    definition,
    error_code,
    file_name,
    first_url,
    is_playable,
    message,
    pull_event_type,
)

#: Every event field of EventContent; those that do not apply are null.
EVENT_FIELDS = (
    "FileUploadEvent",
    "ProcedureStateChangeEvent",
    "FileDeleteEvent",
    "PullCompleteEvent",
    "EditMediaCompleteEvent",
    "SplitMediaCompleteEvent",
    "ComposeMediaCompleteEvent",
    "ClipCompleteEvent",
    "TranscodeCompleteEvent",
    "CreateImageSpriteCompleteEvent",
    "ConcatCompleteEvent",
    "SnapshotByTimeOffsetCompleteEvent",
    "WechatPublishCompleteEvent",
    "WechatMiniProgramPublishCompleteEvent",
    "RemoveWatermarkCompleteEvent",
    "RestoreMediaCompleteEvent",
    "RebuildMediaCompleteEvent",
    "ExtractTraceWatermarkCompleteEvent",
    "ExtractCopyRightWatermarkCompleteEvent",
    "ReviewAudioVideoCompleteEvent",
    "ReduceMediaBitrateCompleteEvent",
    "DescribeFileAttributesCompleteEvent",
    "QualityInspectCompleteEvent",
    "QualityEnhanceCompleteEvent",
    "MediaCastStatusChangedEvent",
    "PersistenceCompleteEvent",
    "ComplexAdaptiveDynamicStreamingCompleteEvent",
    "ProcessMediaByMPSCompleteEvent",
    "AigcImageCompleteEvent",
    "AigcVideoCompleteEvent",
    "ExtractBlindWatermarkComplete",
    "SceneAigcImageCompleteEvent",
    "ProcessImageAsyncCompleteEvent",
    "CreateAigcAdvancedCustomElementCompleteEvent",
    "CreateAigcCustomVoiceCompleteEvent",
    "DescribeAigcFaceInfoAsyncCompleteEvent",
    "AigcHunyuan3DCompleteEvent",
)


def few_fields(event: TranscodeEvent) -> bytes:
    """`TranscodeCompleteEvent{"EventType": …, "TranscodeCompleteEvent": {…}}` for `event`: the one event field of EventContent
    that is not null, and the document without all that are, for `all_fields` when somebody asks.

    tencent-vod's events keep their type; those of 2017 whose fields we know are filled by name, of others all fields are null.
    """
    event_type, field, content = _said(event)
    return (field or "").encode() + encode({"EventType": event_type, **({field: content} if field else {})})


def all_fields(few: bytes) -> bytes:
    """What `few_fields` left out put back: the members of a JSON object, without its braces."""
    start = few.index(b"{")
    if not start and _FIRST_FIELD in few:
        # The version before left nothing out.
        return few[1:-1]
    return b"%b,%b" % (few[start + 1 : -1], _NULLS[few[:start]])


def _said(event: TranscodeEvent) -> tuple[str, str | None, Any]:
    """The event type, the one field that is not null, and what is in it."""
    if event["source"] == "tencent-vod":
        raw = event["raw"]
        event_type = event["type"].removeprefix("vod.") if event["type"].startswith("vod.") else "TranscodeComplete"
        return (event_type, *vod_event_field(event_type, raw.get("data")))
    event_type = pull_event_type(event["type"])
    field, describe = _FIELDS[event_type]
    return event_type, field, describe(event)


_FIRST_FIELD = b'"%b":' % EVENT_FIELDS[0].encode()
#: By the field that is there, all others, as text.
_NULLS = {
    field.encode(): b",".join(b'"%b":null' % other.encode() for other in EVENT_FIELDS if other != field)
    for field in ("", *EVENT_FIELDS)
}


def _transcode_complete(event: TranscodeEvent) -> dict[str, Any]:
    """TranscodeTask2017."""
    source = event["input"]
    return {
        "TaskId": event["task_id"],
        "ErrCode": error_code(event),
        "Message": message(event["errors"]),
        "FileId": event["media_id"],
        "FileName": file_name(source),
        "Duration": _rounded(source["duration"]) if source else None,
        "CoverUrl": cover_url(event["renditions"]),
        "PlayInfoSet": [
            {
                "Url": first_url(rendition),
                "Definition": definition(rendition["name"]),
                "Bitrate": rendition["bitrate"],
                "Height": rendition["height"],
                "Width": rendition["width"],
            }
            for rendition in event["renditions"]
            if is_playable(rendition)
        ],
    }


def _procedure_state_change(event: TranscodeEvent) -> dict[str, Any]:
    """ProcedureTask."""
    source = event["input"]
    return {
        "TaskId": event["task_id"],
        "Status": "FINISH" if event["type"] == "transcode.stopped" else "PROCESSING",
        "ErrCode": error_code(event),
        "Message": message(event["errors"]),
        "FileId": event["media_id"],
        "FileName": file_name(source),
        "FileUrl": source["url"] if source else None,
        "MetaData": _meta_data(source) if source else None,
        "MediaProcessResultSet": [_transcode_result(rendition) for rendition in event["renditions"]],
        "AiContentReviewResultSet": [],
        "AiAnalysisResultSet": [],
        "AiRecognitionResultSet": [],
        "TasksPriority": None,
        "TasksNotifyMode": None,
        "SessionContext": None,
        "SessionId": None,
    }


def _meta_data(source: Input) -> dict[str, Any]:
    """MediaMetaData."""
    return {
        "Size": source["size"],
        "Container": source["container"],
        "Bitrate": source["bitrate"],
        "Height": source["height"],
        "Width": source["width"],
        "Duration": source["duration"],
        "Rotate": source["rotation"] if isinstance(source["rotation"], int) else None,
        "VideoStreamSet": _video_streams(source) if source["has_video"] is not False else [],
        "AudioStreamSet": (
            [{"Bitrate": None, "SamplingRate": source["sample_rate"], "Codec": None}] if source["has_audio"] else []
        ),
    }


def _transcode_result(rendition: Rendition) -> dict[str, Any]:
    """MediaProcessTaskResult with a MediaProcessTaskTranscodeResult."""
    number = definition(rendition["name"])
    return {
        "Type": "Transcode",
        "TranscodeTask": {
            "Status": "PROCESSING",
            "ErrCodeExt": "",
            "ErrCode": 0,
            "Message": "",
            "Input": {"Definition": number},
            "Output": {
                "Url": first_url(rendition),
                "Size": rendition["size"],
                "Container": rendition["container"],
                "Bitrate": rendition["bitrate"],
                "Height": rendition["height"],
                "Width": rendition["width"],
                "VideoStreamSet": _video_streams(rendition),
                "AudioStreamSet": [],
                "Definition": number,
            },
        },
    }


def _video_streams(media: Input | Rendition) -> list[dict[str, Any]]:
    """MediaVideoStreamItem, the one our sources tell of. Its own bitrate they do not tell: theirs is the
    file's.
    """
    if media["width"] is None and media["height"] is None and media["fps"] is None:
        return []
    return [
        {
            "Bitrate": None,
            "Height": media["height"],
            "Width": media["width"],
            "Codec": media["codec"],
            "Fps": _rounded(media["fps"]),
        }
    ]


def _snapshots_complete(event: TranscodeEvent) -> dict[str, Any]:
    """SnapshotByTimeOffsetTask2017."""
    pictures = [{"ErrCode": 0, "TimeOffset": None, "Url": first_url(rendition)} for rendition in event["renditions"]]
    if event["status"] == "failed":
        # `ErrCode` here is the only place where this form can tell of a failure.
        pictures.append({"ErrCode": error_code(event), "TimeOffset": None, "Url": None})
    return {
        "TaskId": event["task_id"],
        "FileId": event["media_id"],
        "Definition": 0,
        "SnapshotInfoSet": pictures,
    }


def _rounded(number: float | None) -> int | None:
    return None if number is None else round(number)


_FIELDS = {
    "TranscodeComplete": ("TranscodeCompleteEvent", _transcode_complete),
    "ProcedureStateChanged": ("ProcedureStateChangeEvent", _procedure_state_change),
    "CreateSnapshotByTimeOffsetComplete": ("SnapshotByTimeOffsetCompleteEvent", _snapshots_complete),
}
