"""Events, in the API: what may be asked, what is answered. The document of an event is `schemas.event.TranscodeEvent`."""

from typing import Any, ClassVar, get_args

from marshmallow import fields, validate

from schemas.api.answer import Answer, Page, TextOrNumber, Time
from schemas.api.query import Instant, PageQuery, SourceName, Word
from schemas.event import Status
from schemas.reading import read_callback
from schemas.samples import sample

#: What ZEGO's page documents, as it would be answered: the shortest there is.
_BODY = sample("zego", fresh=False)
_EXAMPLE: dict[str, Any] = {**read_callback("zego", _BODY, received_at="2026-11-20T09:32:13.084Z")}


class EventsQuery(PageQuery):
    """Which events."""

    source = SourceName(metadata={"description": "The callback URL it came to."})
    media_id = fields.String(metadata={"description": "The whole media id."})
    task_id = fields.String(metadata={"description": "The whole task id."})
    type = fields.String(metadata={"description": "The whole type.", "examples": ["transcode.completed"]})
    status = Word(*get_args(Status), metadata={"description": "How it went."})
    kind = fields.String(metadata={"description": "The whole kind of a rendition it has.", "examples": ["video"]})
    name = fields.String(metadata={"description": "The whole name of a rendition it has.", "examples": ["f10"]})
    since = Instant(metadata={"description": "Recorded then or later."})
    until = Instant(metadata={"description": "Recorded then or earlier."})
    url = fields.String(
        metadata={"description": "Part of an address or path of its input or of a rendition; searched for, so slower."}
    )
    q = fields.String(
        metadata={"description": "A whole media id, task id or event id; anything else is looked for as `url` is."}
    )


class Bucket(Answer):
    """Where a file lies in Tencent's object storage."""

    name = fields.String(allow_none=True)
    region = fields.String(allow_none=True)
    app_id = fields.String(allow_none=True)


class Input(Answer):
    """The file or stream that was transcoded."""

    url = fields.String(allow_none=True)
    path = fields.String(allow_none=True)
    bucket = fields.Nested(Bucket, allow_none=True)
    container = fields.String(allow_none=True)
    size = fields.Integer(allow_none=True, metadata={"description": "bytes"})
    duration = fields.Float(allow_none=True, metadata={"description": "seconds"})
    width = fields.Integer(allow_none=True, metadata={"description": "pixels"})
    height = fields.Integer(allow_none=True, metadata={"description": "pixels"})
    fps = fields.Float(allow_none=True)
    bitrate = fields.Integer(allow_none=True, metadata={"description": "bit/s"})
    rotation = TextOrNumber("number", "The vendor's word, or degrees.")
    codec = fields.String(allow_none=True)
    sample_rate = fields.Integer(allow_none=True, metadata={"description": "Hz"})
    has_video = fields.Boolean(allow_none=True)
    has_audio = fields.Boolean(allow_none=True)


class EventError(Answer):
    """One reason the vendor gives for a failure."""

    code = TextOrNumber("integer", "The vendor's own code.")
    message = fields.String(allow_none=True)


class Rendition(Answer):
    """One output of a transcode."""

    example = _EXAMPLE["renditions"][0]

    id = fields.String(metadata={"description": "`<event id>/<kind>/<name>`"})
    kind = fields.String(
        metadata={"description": "`video`, `audio`, `gif`, `cover`, `snapshot`, `stream`, or the vendor's."}
    )
    name = fields.String(metadata={"description": "The vendor's definition, a snapshot's number, a stream's id."})
    urls = fields.List(fields.String(), metadata={"description": "Most have one; a cover has several."})
    paths = fields.List(fields.String())
    bucket = fields.Nested(Bucket, allow_none=True)
    width = fields.Integer(allow_none=True, metadata={"description": "pixels"})
    height = fields.Integer(allow_none=True, metadata={"description": "pixels"})
    fps = fields.Float(allow_none=True)
    bitrate = fields.Integer(allow_none=True, metadata={"description": "bit/s"})
    size = fields.Integer(allow_none=True, metadata={"description": "bytes; null for a playlist"})
    sample_rate = fields.Integer(allow_none=True, metadata={"description": "Hz"})
    codec = fields.String(allow_none=True)
    container = fields.String(allow_none=True)
    gop = fields.Integer(allow_none=True)


class Event(Answer):
    """One thing that happened to one transcode task, whichever vendor said so."""

    example = _EXAMPLE

    id = fields.String(metadata={"description": "`<source>:` and 32 hexadecimal digits of the content."})
    source = fields.String()
    type = fields.String(metadata={"examples": ["transcode.completed"]})
    status = fields.String(validate=validate.OneOf(get_args(Status)))
    task_id = fields.String(allow_none=True)
    media_id = fields.String(allow_none=True)
    app_id = fields.String(allow_none=True)
    input = fields.Nested(Input, allow_none=True)
    errors = fields.List(fields.Nested(EventError))
    created_at = Time("The vendor's.", allow_none=True)
    finished_at = Time("The vendor's.", allow_none=True)
    received_at = Time("When the callback was acknowledged, UTC.")
    renditions = fields.List(fields.Nested(Rendition))
    raw = fields.Raw(metadata={"description": "The whole callback as JSON."})


class Step(Answer):
    """One step of an event's story."""

    at = Time("UTC. Of what happened several times, the last.")
    what = fields.String(
        metadata={
            "description": "`received`, `recorded`, `duplicate`, `pulled`, `expired`, `confirmed`, `pushed`, `push failed`"
        }
    )
    queue = fields.String(metadata={"description": "The pull queue.", "sometimes": True})
    count = fields.Integer(metadata={"description": "How many times.", "sometimes": True})
    subscription = fields.String(metadata={"description": "Who it was pushed to, or was to be.", "sometimes": True})
    url = fields.String(metadata={"description": "Where, without the query string.", "sometimes": True})
    rendition = fields.String(
        allow_none=True, metadata={"description": "The rendition's id; null for the whole event.", "sometimes": True}
    )
    status = fields.Integer(
        allow_none=True, metadata={"description": "The HTTP status; null without an answer.", "sometimes": True}
    )
    seconds = fields.Float(metadata={"description": "How long the attempt took.", "sometimes": True})
    answer = fields.String(
        allow_none=True, metadata={"description": "The first bytes of the answer.", "sometimes": True}
    )
    error = fields.String(allow_none=True, metadata={"description": "What went wrong, if anything.", "sometimes": True})
    attempt = fields.Integer(metadata={"description": "1 for the first.", "sometimes": True})
    by = fields.String(
        metadata={
            "description": "The worker that recorded it (host:process), the SecretId that pulled.",
            "sometimes": True,
        }
    )
    after = fields.Integer(metadata={"description": "ms after it was received.", "sometimes": True})


class WholeEvent(Event):
    """An event with the body it came as, and its story."""

    example: ClassVar[Any] = {
        **_EXAMPLE,
        "raw_body": _BODY.decode(),
        "history": [
            {"at": "2026-11-20T09:32:13.084Z", "what": "received"},
            {"at": "2026-11-20T09:32:13.097Z", "what": "recorded"},
            {"at": "2026-11-20T09:32:14.103Z", "what": "pulled", "queue": "0"},
            {"at": "2026-11-20T09:32:14.108Z", "what": "confirmed", "queue": "0"},
        ],
    }

    raw_body = fields.String(metadata={"description": "The callback's body as text."})
    history = fields.List(fields.Nested(Step), metadata={"description": "Oldest first."})


class EventsPage(Page):
    """Events, newest first."""

    events = fields.List(fields.Nested(Event))
