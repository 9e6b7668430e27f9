"""Bodies to read: the packaged samples, the vendors' pages verbatim, and variations of either."""

import json
from pathlib import Path
from typing import Any

from schemas.event import Rendition, TranscodeEvent
from schemas.pull.v3 import all_fields, few_fields
from schemas.reading import NotUnderstood, read_callback
from schemas.samples import packaged

RECEIVED = "2026-01-02T03:04:05.678Z"

#: Every packaged sample, and the source that posts it.
SAMPLES = {
    "cts-video": "cts-video",
    "cts-video-failed": "cts-video",
    "cts-video-basic": "cts-video",
    "cts-video-basic-failed": "cts-video",
    "cts-audio": "cts-audio",
    "cts-snapshot": "cts-snapshot",
    "cts-snapshot-failed": "cts-snapshot",
    "tencent-vod": "tencent-vod",
    "tencent-vod-failed": "tencent-vod",
    "zego": "zego",
}

#: How an absent input or rendition looks, to say in a test only what is there.
NO_INPUT: dict[str, Any] = dict.fromkeys(
    [
        "url",
        "path",
        "bucket",
        "container",
        "size",
        "duration",
        "width",
        "height",
        "fps",
        "bitrate",
        "rotation",
        "codec",
        "sample_rate",
        "has_video",
        "has_audio",
    ]
)
NO_RENDITION: dict[str, Any] = {
    **dict.fromkeys(
        ["bucket", "width", "height", "fps", "bitrate", "size", "sample_rate", "codec", "container", "gop"]
    ),
    "urls": [],
    "paths": [],
}


def payload(name: str) -> dict[str, Any]:
    """The packaged sample, decoded, to be changed."""
    return json.loads(packaged(name))


def verbatim(name: str) -> bytes:
    """The body as it stands on the vendor's page."""
    return (Path(__file__).parent / "documented" / f"{name}.txt").read_bytes()


def read(source: str, body: Any, **options: Any) -> TranscodeEvent:
    """The event in `body`: bytes as they are, anything else as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return read_callback(source, body, received_at=RECEIVED, **options)


def refusal(source: str, body: Any, **options: Any) -> tuple[str, str]:
    """Why `body` is not understood: reason and message."""
    try:
        event = read(source, body, **options)
    except NotUnderstood as error:
        return error.reason, error.message
    raise AssertionError(f"understood, as {event}")


def by_name(event: TranscodeEvent, kind: str) -> dict[str, Rendition]:
    """The renditions of a kind, by name."""
    return {r["name"]: r for r in event["renditions"] if r["kind"] == kind}


def event_fields(event: TranscodeEvent) -> dict[str, Any]:
    """What API 3.0 answers of an event, every field of it present."""
    fields: dict[str, Any] = json.loads(b"{%b}" % all_fields(few_fields(event)))
    return fields
