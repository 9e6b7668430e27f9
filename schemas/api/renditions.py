"""Renditions, in the API: what may be asked, what is answered."""

from typing import Any, ClassVar, get_args

from marshmallow import fields

from schemas.api.answer import Page
from schemas.api.events import Event, Rendition
from schemas.api.query import Instant, PageQuery, SourceName, WholeNumber, Word
from schemas.event import Status


class RenditionsQuery(PageQuery):
    """Which renditions."""

    source = SourceName(metadata={"description": "The callback URL that its event came to."})
    media_id = fields.String(metadata={"description": "The whole media id."})
    task_id = fields.String(metadata={"description": "The whole task id."})
    type = fields.String(metadata={"description": "The whole type of its event.", "examples": ["transcode.completed"]})
    status = Word(*get_args(Status), metadata={"description": "How its event went."})
    kind = fields.String(metadata={"description": "The whole kind.", "examples": ["video"]})
    name = fields.String(metadata={"description": "The whole name.", "examples": ["f10"]})
    min_height = WholeNumber(1, 1_000_000, metadata={"description": "So many pixels high, or more.", "examples": [720]})
    since = Instant(metadata={"description": "Recorded then or later."})
    until = Instant(metadata={"description": "Recorded then or earlier."})


class ListedRendition(Rendition):
    """A rendition, and what event it belongs to."""

    example: ClassVar[Any] = {
        **Rendition.example,
        "event_id": Event.example["id"],
        **{name: Event.example[name] for name in ("source", "task_id", "media_id")},
    }

    event_id = fields.String()
    source = fields.String()
    task_id = fields.String(allow_none=True)
    media_id = fields.String(allow_none=True)


class RenditionsPage(Page):
    """Renditions, newest first."""

    renditions = fields.List(fields.Nested(ListedRendition))
