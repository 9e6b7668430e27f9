"""What it takes to be a source: one object of this class, in one file, registered in one line.

To add a source, write `schemas/sources/<name>.py` after the model of its neighbours (the vendor's tables as
Shapes, a `tell` function for each form of callback, `SOURCE`), register it in
`schemas/sources/__init__.py`, and put the vendor's documented callback in `schemas/samples/<name>.json`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from schemas.decoding import Payload, decode_json
from schemas.event import Bucket, EventError, Input, Rendition, Status


@dataclass(slots=True)
class Said:
    """What one callback says, in the words of a TranscodeEvent; what it does not say is None."""

    type: str
    status: Status
    task_id: str | None = None
    media_id: str | None = None
    app_id: str | None = None
    input: Input | None = None
    errors: list[EventError] = field(default_factory=list)
    created_at: str | None = None
    finished_at: str | None = None
    renditions: list[Rendition] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Form:
    """One form of callback: the schema that reads it, and what the loaded data says."""

    schema: Schema
    tell: Callable[[dict[str, Any]], Said]


@dataclass(frozen=True, slots=True)
class Source:
    """One vendor service that posts callbacks."""

    #: As in the callback's URL, in an event's id and in SOURCES.
    name: str
    #: Which form a payload has. Never raises: it looks at discriminators only, and the form's schema judges.
    form_of: Callable[[Payload], Form]
    #: Gives a sample new ids, in place, so that it is another callback.
    freshen: Callable[[Payload], None]
    #: Raises NotUnderstood.
    decode: Callable[[bytes], Payload] = decode_json
    #: Top-level fields that differ between two deliveries of one callback, and so are no part of its
    #: identity.
    varying: frozenset[str] = frozenset()
    #: Whether a later callback for the same task may bring further renditions of the same transcode.
    renditions_accumulate: bool = False
    #: Whether a payload was signed with a secret; None where the vendor does not sign.
    is_signed: Callable[[Payload, str], bool] | None = None
    #: Signs a payload in place with a secret, as the vendor does.
    sign: Callable[[Payload, str], None] | None = None
    #: The vendor's retries: seconds it waits before each attempt after the first.
    retries: tuple[float, ...] = ()
    #: Seconds the vendor waits for an answer; 5 where its page does not say.
    response_timeout: float = 5.0


def rendition(
    kind: str,
    name: str,
    *,
    urls: list[str] | None = None,
    paths: list[str] | None = None,
    bucket: Bucket | None = None,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    bitrate: int | None = None,
    size: int | None = None,
    sample_rate: int | None = None,
    codec: str | None = None,
    container: str | None = None,
    gop: int | None = None,
) -> Rendition:
    """A rendition with what is known of it, in the units of `schemas.event`; its id comes later."""
    return {
        "id": "",
        "kind": kind,
        "name": name,
        "urls": urls or [],
        "paths": paths or [],
        "bucket": bucket,
        "width": width,
        "height": height,
        "fps": fps,
        "bitrate": bitrate,
        "size": size,
        "sample_rate": sample_rate,
        "codec": codec,
        "container": container,
        "gop": gop,
    }


def input_file(
    *,
    url: str | None = None,
    path: str | None = None,
    bucket: Bucket | None = None,
    container: str | None = None,
    size: int | None = None,
    duration: float | None = None,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    bitrate: int | None = None,
    rotation: str | int | None = None,
    codec: str | None = None,
    sample_rate: int | None = None,
    has_video: bool | None = None,
    has_audio: bool | None = None,
) -> Input:
    """The input with what is known of it, in the units of `schemas.event`."""
    return {
        "url": url,
        "path": path,
        "bucket": bucket,
        "container": container,
        "size": size,
        "duration": duration,
        "width": width,
        "height": height,
        "fps": fps,
        "bitrate": bitrate,
        "rotation": rotation,
        "codec": codec,
        "sample_rate": sample_rate,
        "has_video": has_video,
        "has_audio": has_audio,
    }
