"""Events, in the API: what may be asked, what is answered. The document of an event is `schemas.event.TranscodeEvent`."""

from typing import get_args

from marshmallow import fields, validate

from schemas.api.answer import Answer, Page, TextOrNumber, Time
from schemas.api.query import PageQuery, SourceName, Word
from schemas.event import Status


class EventsQuery(PageQuery):
    """Which events."""

    source = SourceName(metadata={"description": "The callback URL it came to."})
    media_id = fields.String(metadata={"description": "The whole media id."})
    task_id = fields.String(metadata={"description": "The whole task id."})
    type = fields.String(metadata={"description": "The whole type.", "examples": ["transcode.completed"]})
    status = Word(*get_args(Status), metadata={"description": "How it went."})


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
        metadata={"description": "`received`, `recorded`, `duplicate`, `pulled`, `expired`, `confirmed`"}
    )
    queue = fields.String(metadata={"description": "The pull queue.", "sometimes": True})
    count = fields.Integer(metadata={"description": "How many times.", "sometimes": True})


class WholeEvent(Event):
    """An event with the body it came as, and its story."""

    raw_body = fields.String(metadata={"description": "The callback's body as text."})
    history = fields.List(fields.Nested(Step), metadata={"description": "Oldest first."})


class EventsPage(Page):
    """Events, newest first."""

    events = fields.List(fields.Nested(Event))
