"""Renditions, in the API: what may be asked, what is answered."""

from typing import Any, ClassVar

from marshmallow import fields

from schemas.api.answer import Page
from schemas.api.events import Event, Rendition
from schemas.api.query import PageQuery


class RenditionsQuery(PageQuery):
    """Which renditions."""

    media_id = fields.String(metadata={"description": "The whole media id."})
    kind = fields.String(metadata={"description": "The whole kind.", "examples": ["video"]})
    name = fields.String(metadata={"description": "The whole name.", "examples": ["f10"]})


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
