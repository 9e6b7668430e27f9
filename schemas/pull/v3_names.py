"""VOD's own notifications, whose fields have legacy names, under the names API 3.0 gives the same fields.

Legacy names: https://www.tencentcloud.com/document/product/266/33962; 3.0 names and types: the vendor's
SDKs. Values are carried over by name and made the type the SDKs expect; what cannot be that type is null.
Nothing is converted: the legacy page says kbps of `metaData`, and its own example has bit/s there.
"""

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError

from schemas.fields import Quantity, Text, Whole

_TEXT, _WHOLE, _NUMBER = Text(), Whole(), Quantity()

Reader = Callable[[Any], Any]


def _text(value: Any) -> str | None:
    if value == "":
        return ""
    return _typed(_TEXT, value)  # type: ignore[no-any-return]


def _whole(value: Any) -> int | None:
    if isinstance(value, float):
        value = round(value)
    return _typed(_WHOLE, value)  # type: ignore[no-any-return]


def _number(value: Any) -> float | None:
    return 0 if value == 0 and value is not False else _typed(_NUMBER, value)


def _typed(field: Text | Whole | Quantity, value: Any) -> Any:
    try:
        return field.deserialize(value)
    except ValidationError:
        return None


def _texts(value: Any) -> list[str | None]:
    return [_text(item) for item in value] if isinstance(value, list) else []


class _Structure:
    """A 3.0 structure: for each of its fields the legacy name and the type. Called, it fills itself from an
    object.
    """

    def __init__(self, **fields: tuple[str, Reader]) -> None:
        self._fields = [(name, legacy, read) for name, (legacy, read) in fields.items()]

    def __call__(self, value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        return {name: read(value.get(legacy)) for name, legacy, read in self._fields}

    def each(self, value: Any) -> list[dict[str, Any]]:
        """One for every object in a list; one object alone is a list of one."""
        items = value if isinstance(value, list) else [value]
        return [filled for filled in map(self, items) if filled is not None]


_PLAY_INFO = _Structure(
    Url=("url", _text),
    Definition=("definition", _whole),
    Bitrate=("vbitrate", _whole),
    Height=("vheight", _whole),
    Width=("vwidth", _whole),
)

_TRANSCODE = _Structure(
    TaskId=("vodTaskId", _text),
    ErrCode=("status", _whole),
    Message=("message", _text),
    FileId=("fileId", _text),
    FileName=("fileName", _text),
    Duration=("duration", _whole),
    CoverUrl=("coverUrl", _text),
    PlayInfoSet=("playSet", _PLAY_INFO.each),
)

_VIDEO_STREAM = _Structure(
    Bitrate=("bitrate", _whole),
    Height=("height", _whole),
    Width=("width", _whole),
    Codec=("codec", _text),
    Fps=("fps", _whole),
)

_AUDIO_STREAM = _Structure(Bitrate=("bitrate", _whole), SamplingRate=("samplingRate", _whole), Codec=("codec", _text))

_META_DATA = _Structure(
    Size=("size", _whole),
    Container=("container", _text),
    Bitrate=("bitrate", _whole),
    Height=("height", _whole),
    Width=("width", _whole),
    Duration=("duration", _number),
    Rotate=("rotate", _whole),
    VideoStreamSet=("videoStreamList", _VIDEO_STREAM.each),
    AudioStreamSet=("audioStreamList", _AUDIO_STREAM.each),
    Md5=("md5", _text),
)

_TASK_INPUT = _Structure(Definition=("definition", _whole))


def _task_of(**output: tuple[str, Reader]) -> _Structure:
    return _Structure(
        Status=("status", _text),
        ErrCode=("errCode", _whole),
        Message=("message", _text),
        Input=("input", _TASK_INPUT),
        Output=("output", _Structure(**output)),
    )


_SNAPSHOT_IN_TASK = _Structure(TimeOffset=("timeOffset", _whole), Url=("url", _text))

#: `taskType` in `processTaskList`: the Type and the field of MediaProcessTaskResult, and what fills it.
_TASKS: dict[str, tuple[str, str, _Structure]] = {
    "Transcode": (
        "Transcode",
        "TranscodeTask",
        _task_of(
            Url=("url", _text),
            Size=("size", _whole),
            Container=("container", _text),
            Bitrate=("bitrate", _whole),
            Height=("height", _whole),
            Width=("width", _whole),
            Md5=("md5", _text),
            Duration=("duration", _number),
            VideoStreamSet=("videoStreamList", _VIDEO_STREAM.each),
            AudioStreamSet=("audioStreamList", _AUDIO_STREAM.each),
        ),
    ),
    "AnimatedGraphics": (
        "AnimatedGraphics",
        "AnimatedGraphicTask",
        _task_of(
            Url=("url", _text),
            Container=("container", _text),
            Height=("height", _whole),
            Width=("width", _whole),
        ),
    ),
    "SampleSnapshot": ("SampleSnapshot", "SampleSnapshotTask", _task_of(ImageUrlSet=("imageUrls", _texts))),
    "SnapshotByTimeOffset": (
        "SnapshotByTimeOffset",
        "SnapshotByTimeOffsetTask",
        _task_of(PicInfoSet=("imgInfo", _SNAPSHOT_IN_TASK.each)),
    ),
    "CoverBySnapshot": ("CoverBySnapshot", "CoverBySnapshotTask", _task_of(CoverUrl=("imageUrl", _text))),
    "ImageSprites": (
        "ImageSprites",
        "ImageSpriteTask",
        _task_of(TotalCount=("totalCount", _whole), ImageUrlSet=("urlList", _texts), WebVttUrl=("webVttUrl", _text)),
    ),
}


def _tasks(value: Any) -> list[dict[str, Any]]:
    results = []
    for task in value if isinstance(value, list) else []:
        known = _TASKS.get(str(task.get("taskType"))) if isinstance(task, dict) else None
        if known:
            kind, field, structure = known
            results.append({"Type": kind, field: structure(task)})
    return results


_PROCEDURE = _Structure(
    TaskId=("vodTaskId", _text),
    Status=("status", _text),
    ErrCode=("errCode", _whole),
    Message=("message", _text),
    FileId=("fileId", _text),
    MetaData=("metaData", _META_DATA),
    MediaProcessResultSet=("processTaskList", _tasks),
)

_SNAPSHOT = _Structure(ErrCode=("status", _whole), TimeOffset=("timeOffset", _whole), Url=("url", _text))

_SNAPSHOTS = _Structure(
    TaskId=("vodTaskId", _text),
    FileId=("fileId", _text),
    Definition=("definition", _whole),
    SnapshotInfoSet=("picInfo", _SNAPSHOT.each),
)

_FILE = _Structure(
    ErrCode=("status", _whole),
    Message=("message", _text),
    FileId=("fileId", _text),
    FileUrl=("fileUrl", _text),
    FileType=("fileType", _text),
)

_CLIP = _Structure(TaskId=("vodTaskId", _text), SrcFileId=("srcFileId", _text), FileInfo=("fileInfo", _FILE))

_CONCAT = _Structure(TaskId=("vodTaskId", _text), FileInfoSet=("fileInfo", _FILE.each))

_IMAGE_SPRITE = _Structure(
    TaskId=("vodTaskId", _text),
    ErrCode=("status", _whole),
    Message=("message", _text),
    FileId=("fileId", _text),
    Definition=("definition", _whole),
    TotalCount=("totalCount", _whole),
    ImageSpriteUrlSet=("imageSpriteUrl", _texts),
    WebVttUrl=("webVttUrl", _text),
)

_PULL = _Structure(
    TaskId=("vodTaskId", _text),
    ErrCode=("status", _whole),
    Message=("message", _text),
    FileId=("fileId", _text),
    FileUrl=("fileUrl", _text),
    ProcedureTaskId=("procedureTaskId", _text),
)


def _file_ids(value: Any) -> list[str | None]:
    return [_text(item.get("fileId")) for item in value if isinstance(item, dict)] if isinstance(value, list) else []


_DELETE = _Structure(FileIdSet=("fileInfo", _file_ids))

_BASIC_INFO = _Structure(Name=("fileName", _text), CoverUrl=("coverUrl", _text), MediaUrl=("fileUrl", _text))


def _upload(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    return {
        "FileId": _text(value.get("fileId")),
        "MediaBasicInfo": _BASIC_INFO(value),
        "ProcedureTaskId": _text(value.get("procedureTaskId")),
    }


#: VOD's event types: the EventContent field of each, and what fills it from the notification's `data`.
_EVENTS: dict[str, tuple[str, Reader]] = {
    "TranscodeComplete": ("TranscodeCompleteEvent", _TRANSCODE),
    "ProcedureStateChanged": ("ProcedureStateChangeEvent", _PROCEDURE),
    "CreateSnapshotByTimeOffsetComplete": ("SnapshotByTimeOffsetCompleteEvent", _SNAPSHOTS),
    "NewFileUpload": ("FileUploadEvent", _upload),
    "FileDeleted": ("FileDeleteEvent", _DELETE),
    "PullComplete": ("PullCompleteEvent", _PULL),
    "ClipComplete": ("ClipCompleteEvent", _CLIP),
    "ConcatComplete": ("ConcatCompleteEvent", _CONCAT),
    "CreateImageSpriteComplete": ("CreateImageSpriteCompleteEvent", _IMAGE_SPRITE),
}

#: VOD's event types that the vendor's pages or SDKs describe.
VOD_EVENT_TYPES = frozenset(_EVENTS)


def vod_event_field(event_type: str, data: Any) -> tuple[str | None, dict[str, Any] | None]:
    """The EventContent field for a VOD event type, and what it holds for `data`. (None, None) for an
    unknown type.

    Never raises, whatever `data` is: what does not fit is null.
    """
    known = _EVENTS.get(event_type)
    if known is None:
        return None, None
    field, fill = known
    return field, fill(data)
