"""Subscriptions, in the API: what is answered. What may be asked for is `schemas.subscription.SubscriptionSchema`."""

from typing import Any, ClassVar

from marshmallow import fields, validate

from schemas.api.answer import Answer, Page, Time
from schemas.subscription import SubscriptionSchema


class KeptFilter(Answer):
    """Which events and renditions a subscription is about. Null asks for nothing."""

    source = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    status = fields.String(allow_none=True)
    kind = fields.String(allow_none=True)
    name = fields.String(allow_none=True, metadata={"description": "A pattern: f1?, *_hd."})
    media_id = fields.String(allow_none=True, metadata={"description": "Its beginning."})
    min_height = fields.Integer(allow_none=True, metadata={"description": "lines"})


class Disabled(Answer):
    """Since when and why nothing is sent."""

    at = Time("UTC.")
    reason = fields.String(metadata={"description": "A sentence."})


class Attempt(Answer):
    """One attempt to deliver something."""

    subscription = fields.String()
    url = fields.String(metadata={"description": "Without its query string."})
    rendition = fields.String(allow_none=True, metadata={"description": "Its id; null for a whole event."})
    at = Time("UTC. When it began.")
    status = fields.Integer(allow_none=True, metadata={"description": "The HTTP status; null without an answer."})
    seconds = fields.Float(metadata={"description": "How long it took."})
    answer = fields.String(allow_none=True, metadata={"description": "The first bytes of the answer."})
    error = fields.String(allow_none=True, metadata={"description": "What went wrong; null where nothing did."})
    attempt = fields.Integer(metadata={"description": "1 for the first."})


class Health(Answer):
    """How a subscription's destination does."""

    pending = fields.Integer(metadata={"description": "Deliveries that wait for their time."})
    out = fields.Integer(metadata={"description": "Deliveries on their way at this moment."})
    oldest_seconds = fields.Float(allow_none=True, metadata={"description": "How long the oldest has waited."})
    circuit = fields.String(
        validate=validate.OneOf(["closed", "open", "half-open"]),
        metadata={
            "description": "`open`: nothing is sent until `circuit_until`; `half-open`: the next one sent decides."
        },
    )
    circuit_until = Time("UTC.", allow_none=True)
    consecutive_failures = fields.Integer()
    delivered = fields.Integer(metadata={"description": "Since it was made, like the three that follow."})
    failed = fields.Integer(metadata={"description": "Attempts that failed."})
    dead = fields.Integer(metadata={"description": "Deliveries that became dead letters."})
    dropped = fields.Integer(metadata={"description": "Deliveries whose event was forgotten before."})
    last_attempts = fields.List(fields.Nested(Attempt), metadata={"description": "Newest first."})


class WholeSubscription(Answer):
    """A subscription, and how its destination does."""

    example: ClassVar[Any] = {
        "id": "sub_6f1d2c3b4a5968778695",
        **SubscriptionSchema.example,
        "created_at": "2026-11-20T09:30:00.000Z",
        "disabled": None,
        "health": {
            "pending": 1,
            "out": 0,
            "oldest_seconds": 0.2,
            "circuit": "closed",
            "circuit_until": None,
            "consecutive_failures": 0,
            "delivered": 41,
            "failed": 1,
            "dead": 0,
            "dropped": 0,
            "last_attempts": [
                {
                    "subscription": "sub_6f1d2c3b4a5968778695",
                    "url": "https://example.com/renditions",
                    "rendition": "cts-video:16d3f10d672425ade6cc25849b933539/video/f30",
                    "at": "2026-11-20T09:41:42.010Z",
                    "status": 200,
                    "seconds": 0.051,
                    "answer": "ok",
                    "error": None,
                    "attempt": 1,
                }
            ],
        },
    }

    id = fields.String()
    url = fields.String()
    filter = fields.Nested(KeptFilter)
    each = fields.String(validate=validate.OneOf(["rendition", "event"]))
    secret = fields.String(metadata={"description": "What requests are signed with."})
    created_at = Time("UTC.")
    disabled = fields.Nested(Disabled, allow_none=True)
    health = fields.Nested(Health)


class SubscriptionsPage(Page):
    """Subscriptions, newest first."""

    subscriptions = fields.List(fields.Nested(WholeSubscription))


class TrialOutcome(Answer):
    """What came of sending a sample."""

    example: ClassVar[Any] = {"status": 200, "seconds": 0.051, "answer": "ok", "error": None}

    status = fields.Integer(allow_none=True, metadata={"description": "The HTTP status; null without an answer."})
    seconds = fields.Float(metadata={"description": "How long it took."})
    answer = fields.String(
        allow_none=True, metadata={"description": "The first bytes of the answer; `published` for a Celery task."}
    )
    error = fields.String(allow_none=True, metadata={"description": "What went wrong; null where nothing did."})
