"""Dead letters, in the API: what may be asked, what is answered."""

from marshmallow import fields

from schemas.api.answer import Answer, Page, Time
from schemas.api.query import PageQuery, Query, SourceName, Word, YesOrNo

#: Why something became a dead letter.
REASONS = ("malformed_json", "invalid", "signature", "unreadable", "internal")


class DeadLettersQuery(PageQuery):
    """Which dead letters."""

    source = SourceName(metadata={"description": "The callback URL it came to."})
    reason = Word(*REASONS, metadata={"description": "Why it became one."})


class ReplayQuery(Query):
    """How a dead letter is tried again."""

    force = YesOrNo(load_default=False, metadata={"description": "Without the check of its signature."})


class DeadLetter(Answer):
    """A callback that could not be understood, whole, and why."""

    id = fields.String(metadata={"description": "`<source>:` and 32 hexadecimal digits of the body."})
    source = fields.String()
    reason = fields.String(metadata={"description": "`" + "`, `".join(REASONS) + "`"})
    message = fields.String(metadata={"description": "What and where."})
    received_at = Time("When it was acknowledged, UTC.")
    failed_at = Time("When it became a dead letter, UTC.")
    times = fields.Integer(metadata={"description": "How often it came, replays included."})
    size = fields.Integer(metadata={"description": "bytes of its body"})
    raw = fields.String(metadata={"description": "Its body as text."})
    raw_base64 = fields.String(metadata={"description": "Its body to the byte.", "format": "byte"})


class DeadLettersPage(Page):
    """Dead letters, newest first."""

    dead_letters = fields.List(fields.Nested(DeadLetter))


class Replayed(Answer):
    """What is being tried again."""

    id = fields.String()
    replayed = fields.Boolean()
