"""Health answers: `/healthz` and `/readyz`."""

from marshmallow import INCLUDE, fields

from schemas.api.answer import Answer


class Alive(Answer):
    """The process answers."""

    alive = fields.Boolean()


class Part(Answer):
    """One part of an installation, with whatever is to be said of it."""

    class Meta:
        unknown = INCLUDE

    ok = fields.Boolean()
    message = fields.String(metadata={"description": "What is not well.", "sometimes": True})


class Ready(Answer):
    """Whether callbacks can be made durable, and how each part is."""

    ready = fields.Boolean()
    rates = fields.Dict(
        keys=fields.String(),
        values=fields.Float(),
        metadata={"description": "Callbacks acknowledged a second by source, over the last minute."},
    )
    parts = fields.Dict(keys=fields.String(), values=fields.Nested(Part))
