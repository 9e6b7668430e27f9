"""Dead letters, in the API: what may be asked, what is answered."""

from typing import Any, ClassVar

from marshmallow import fields

from schemas.api.answer import Answer, Page, Time
from schemas.api.query import PageQuery, Query, SourceName, Word, YesOrNo

#: Why something became a dead letter.
REASONS = ("malformed_json", "invalid", "signature", "unreadable", "internal", "undeliverable")


class DeadLettersQuery(PageQuery):
    """Which dead letters."""

    source = SourceName(metadata={"description": "The callback URL it came to."})
    reason = Word(*REASONS, metadata={"description": "Why it became one."})


class ReplayQuery(Query):
    """How a dead letter is tried again."""

    force = YesOrNo(load_default=False, metadata={"description": "Without the check of its signature."})


class Place(Answer):
    """A line and a column of the body, from 1; or the dotted path of a field in it."""

    line = fields.Integer(metadata={"sometimes": True})
    column = fields.Integer(metadata={"sometimes": True})
    field = fields.String(metadata={"sometimes": True})


class DeadLetter(Answer):
    """What could not be understood or not be delivered, whole, and why."""

    example: ClassVar[Any] = {
        "id": "cts-video:9cf3a680e5aa2f036e86748143a0bb72",
        "sort": "callback",
        "source": "cts-video",
        "reason": "malformed_json",
        "message": "line 1 column 11: expecting a value",
        "place": {"line": 1, "column": 11},
        "received_at": "2026-11-20T09:32:15.332Z",
        "failed_at": "2026-11-20T09:32:15.340Z",
        "times": 1,
        "size": 19,
        "subscription": None,
        "url": None,
        "event_id": None,
        "rendition_id": None,
        "raw": '{"status":success}\n',
        "raw_base64": "eyJzdGF0dXMiOnN1Y2Nlc3N9Cg==",
    }

    id = fields.String(
        metadata={"description": "`<source>:` and 32 hexadecimal digits of the body; `<subscription>:<webhook-id>`."}
    )
    sort = fields.String(metadata={"description": "`callback` (not understood) or `delivery` (not delivered)"})
    source = fields.String()
    reason = fields.String(metadata={"description": "`" + "`, `".join(REASONS) + "`"})
    message = fields.String(metadata={"description": "What and where."})
    place = fields.Nested(
        Place, allow_none=True, metadata={"description": "Where the body is broken, where that is known."}
    )
    received_at = Time("When it was acknowledged, UTC.")
    failed_at = Time("When it became a dead letter, UTC.")
    times = fields.Integer(metadata={"description": "How often it came, replays included."})
    size = fields.Integer(metadata={"description": "bytes of its body"})
    subscription = fields.String(allow_none=True, metadata={"description": "Whom it could not be delivered to."})
    url = fields.String(allow_none=True, metadata={"description": "Where that was, at the time."})
    event_id = fields.String(allow_none=True)
    rendition_id = fields.String(allow_none=True)
    raw = fields.String(metadata={"description": "Its body as text."})
    raw_base64 = fields.String(metadata={"description": "Its body to the byte.", "format": "byte"})


class DeadLettersPage(Page):
    """Dead letters, newest first."""

    dead_letters = fields.List(fields.Nested(DeadLetter))


class Replayed(Answer):
    """What is being tried again."""

    example: ClassVar[Any] = {"id": DeadLetter.example["id"], "replayed": True}

    id = fields.String()
    replayed = fields.Boolean()
