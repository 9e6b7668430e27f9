"""Dead letters, in the API: what may be asked, what is answered."""

from typing import Any, ClassVar

from marshmallow import Schema, fields, validate

from schemas.api.answer import Answer, Page, Time
from schemas.api.body import TrueOrFalse, Whole
from schemas.api.query import MOST_LIMIT, Instant, PageQuery, Query, SourceName, Word, YesOrNo

#: Why something became a dead letter.
REASONS = ("malformed_json", "invalid", "signature", "unreadable", "internal", "undeliverable")


#: Not understood; not delivered.
SORTS = ("callback", "delivery")


class DeadLetterFilter(Query):
    """Which dead letters: those that match everything given."""

    source = SourceName(metadata={"description": "Of this source."})
    reason = Word(*REASONS, metadata={"description": "With this reason."})
    sort = Word(*SORTS, metadata={"description": "`callback`: not understood. `delivery`: not delivered."})
    subscription = fields.String(
        validate=validate.Length(max=100, error="must be the id of a subscription"),
        metadata={"description": "Those that this subscription's destination did not take."},
    )
    since = Instant(metadata={"description": "Received then or later; the list is in order of receipt then."})
    until = Instant(metadata={"description": "Received then or earlier; the list is in order of receipt then."})


class DeadLettersQuery(PageQuery, DeadLetterFilter):
    """Which dead letters, and how many."""


class SomeDeadLetters(Schema):
    """Which dead letters, a batch at a time, oldest first."""

    example: ClassVar[Any] = {"filter": {"source": "cts-video", "reason": "invalid"}, "limit": 100}

    filter = fields.Nested(DeadLetterFilter, load_default=dict, metadata={"description": "None means all."})
    limit = Whole(1, MOST_LIMIT, load_default=100, metadata={"description": "How many, at most."})
    before = fields.String(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "What the batch before answered. Without it a new run begins, over the letters that are there "
            "now; so letters that come back at once are not taken for ever."
        },
    )


class SomeToReplay(SomeDeadLetters):
    """Which dead letters are tried again, a batch at a time, oldest first."""

    force = TrueOrFalse(load_default=False, metadata={"description": "Without the check of signatures."})


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
    times = fields.Integer(metadata={"description": "How often it came since it is here."})
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


class Refused(Answer):
    """A letter that stays where it is."""

    id = fields.String()
    message = fields.String(metadata={"description": "Why."})


class _Batch(Answer):
    left = fields.Integer(
        metadata={"description": "How many of those that were there at the beginning are still to come."}
    )
    before = fields.String(
        allow_none=True, metadata={"description": "What to send with the next batch; null when there is none."}
    )


class SomeReplayed(_Batch):
    """What became of a batch that was tried again."""

    example: ClassVar[Any] = {"replayed": 100, "refused": [], "left": 27, "before": "1204.1177"}

    replayed = fields.Integer()
    refused = fields.List(fields.Nested(Refused))


class SomeDiscarded(_Batch):
    """What became of a batch that was discarded."""

    example: ClassVar[Any] = {"discarded": 100, "left": 27, "before": "1204.1177"}

    discarded = fields.Integer()


class Count(Answer):
    """How many there are."""

    example: ClassVar[Any] = {"count": 127}

    count = fields.Integer()


class Imported(Answer):
    """What became of letters that were given back."""

    example: ClassVar[Any] = {"imported": 126, "known": 1}

    imported = fields.Integer(metadata={"description": "How many are here now that were not."})
    known = fields.Integer(metadata={"description": "How many were here already, and stay as they are."})
