"""The one event that every callback becomes, exactly as it leaves: in the API, to consumers, in the store.

A TranscodeEvent is its own JSON document, so nothing converts it on the way out. Units: bytes, seconds,
pixels, bit/s, Hz. What a vendor did not say is None, never 0 and never "".
"""

from typing import Any, Literal, TypedDict

Status = Literal["running", "succeeded", "failed", "unknown"]


class Bucket(TypedDict):
    """Where a file lies in Tencent's object storage."""

    name: str | None
    region: str | None
    app_id: str | None


class Input(TypedDict):
    """The file or stream that was transcoded."""

    url: str | None
    path: str | None
    bucket: Bucket | None
    container: str | None
    size: int | None
    duration: float | None
    width: int | None
    height: int | None
    fps: float | None
    bitrate: int | None
    rotation: str | int | None
    codec: str | None
    sample_rate: int | None
    has_video: bool | None
    has_audio: bool | None


class EventError(TypedDict):
    """One reason the vendor gives for a failure."""

    code: int | str | None
    message: str | None


class Rendition(TypedDict):
    """One output of a transcode. `id` is `<event id>/<kind>/<name>`, unique within the event."""

    id: str
    kind: str
    name: str
    urls: list[str]
    paths: list[str]
    bucket: Bucket | None
    width: int | None
    height: int | None
    fps: float | None
    bitrate: int | None
    size: int | None
    sample_rate: int | None
    codec: str | None
    container: str | None
    gop: int | None


class TranscodeEvent(TypedDict):
    """One thing that happened to one transcode task, whichever vendor said so."""

    id: str
    source: str
    type: str
    status: Status
    task_id: str | None
    media_id: str | None
    app_id: str | None
    input: Input | None
    errors: list[EventError]
    created_at: str | None
    finished_at: str | None
    received_at: str
    renditions: list[Rendition]
    raw: Any
