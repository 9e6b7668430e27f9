"""Renditions, in the API: what may be asked, what is answered."""

from marshmallow import fields

from schemas.api.answer import Page
from schemas.api.events import Rendition
from schemas.api.query import PageQuery


class RenditionsQuery(PageQuery):
    """Which renditions."""

    media_id = fields.String(metadata={"description": "The whole media id."})
    kind = fields.String(metadata={"description": "The whole kind.", "examples": ["video"]})
    name = fields.String(metadata={"description": "The whole name.", "examples": ["f10"]})


class ListedRendition(Rendition):
    """A rendition, and what event it belongs to."""

    event_id = fields.String()
    source = fields.String()
    task_id = fields.String(allow_none=True)
    media_id = fields.String(allow_none=True)


class RenditionsPage(Page):
    """Renditions, newest first."""

    renditions = fields.List(fields.Nested(ListedRendition))
