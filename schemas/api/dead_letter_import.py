"""A dead letter that comes back: as it was exported, or as somebody has edited or written it."""

import base64
import binascii
import json
import re
import time
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from schemas.api.body import Whole
from schemas.api.dead_letters import REASONS, SORTS
from schemas.api.query import Instant
from schemas.sources import SOURCES
from schemas.webhook import webhook_id

#: What is said of a letter that comes without a message.
IMPORTED = "It was imported."
#: Characters of a message, and of a name or a URL.
MOST_MESSAGE, MOST_WORD = 4000, 2048
#: The reason of what could not be delivered.
UNDELIVERABLE = "undeliverable"
SUBSCRIPTION_ID = re.compile(r"sub_[0-9a-f]{20}")


class _Words(fields.String):
    """Text that may be absent."""

    def __init__(self, description: str) -> None:
        super().__init__(
            load_default=None,
            allow_none=True,
            validate=validate.Length(max=MOST_WORD),
            metadata={"description": description},
        )


class ImportedPlace(Schema):
    """Where the body is broken."""

    class Meta:
        unknown = EXCLUDE

    line = Whole(1, 1_000_000_000)
    column = Whole(1, 1_000_000_000)
    field = fields.String(validate=validate.Length(max=MOST_WORD))


class DeadLetterImport(Schema):
    """A dead letter as it is exported. Only `source` and a body are needed; fields that are not known are passed over.

    `raw_base64` is the body to the byte; but a `raw` that is not the text of it was edited, and is the body. The id follows
    from the body.
    """

    class Meta:
        unknown = EXCLUDE

    example: ClassVar[Any] = {
        "source": "cts-video",
        "reason": "malformed_json",
        "received_at": "2026-11-20T09:32:15.332Z",
        "raw": '{"status":success}',
    }

    sort = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(SORTS))
    source = fields.String(required=True, validate=validate.OneOf(sorted(SOURCES)))
    reason = fields.String(load_default="invalid", validate=validate.OneOf(REASONS))
    message = fields.String(load_default=IMPORTED, validate=validate.Length(max=MOST_MESSAGE))
    place = fields.Nested(ImportedPlace, load_default=None, allow_none=True)
    received_at = Instant(load_default=None, allow_none=True, metadata={"description": "Now, if it is not given."})
    failed_at = Instant(load_default=None, allow_none=True, metadata={"description": "Now, if it is not given."})
    times = Whole(1, 1_000_000_000, load_default=1)
    subscription = _Words("Whom it could not be delivered to.")
    url = _Words("Where that was.")
    event_id = _Words("")
    rendition_id = _Words("")
    raw = fields.String(load_default=None, allow_none=True)
    raw_base64 = fields.String(load_default=None, allow_none=True, metadata={"format": "byte"})

    @post_load
    def as_it_is_kept(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """In the terms of `workers.queues.dead_letters`: the body as bytes, times in ms, and no field left out."""
        now = int(time.time() * 1000)
        if (given["reason"] == UNDELIVERABLE) != (given["subscription"] is not None):
            raise ValidationError(f"Goes with the reason {UNDELIVERABLE}, and only with it", "subscription")
        body, is_edited = _body(given["raw"], given["raw_base64"])
        letter_id = None
        if given["subscription"] is not None:
            if not SUBSCRIPTION_ID.fullmatch(given["subscription"]):
                raise ValidationError("Must be the id of a subscription", "subscription")
            letter_id = f"{given['subscription']}:{_webhook_id(body)}"
        return {
            "id": letter_id,
            "source": given["source"],
            "reason": given["reason"],
            "message": given["message"],
            "place": None if is_edited else given["place"],
            "received": now if given["received_at"] is None else given["received_at"],
            "failed": now if given["failed_at"] is None else given["failed_at"],
            "times": given["times"],
            "subscription": given["subscription"],
            "url": given["url"],
            "event": given["event_id"],
            "rendition": given["rendition_id"],
            "body": body,
        }


def _body(raw: str | None, raw_base64: str | None) -> tuple[bytes, bool]:
    """The body, and whether it is not the one that was exported. Raises ValidationError."""
    if raw_base64 is None:
        if raw is None:
            raise ValidationError("A letter needs its body", "raw")
        return _encoded(raw), False
    try:
        body = base64.b64decode(raw_base64, validate=True)
    except (binascii.Error, ValueError):
        raise ValidationError("Must be base64", "raw_base64") from None
    if raw is None or raw == body.decode("utf-8", "replace"):
        return body, False
    return _encoded(raw), True


def _webhook_id(body: bytes) -> str:
    """The id of what was to be sent. Raises ValidationError."""
    try:
        sent = json.loads(body)
        if isinstance(sent, dict) and isinstance(sent.get("id"), str):
            return webhook_id(sent)
    except (ValueError, RecursionError):
        pass
    raise ValidationError("Must be what was to be sent: a JSON object with an id", "raw")


def _encoded(raw: str) -> bytes:
    try:
        return raw.encode()
    except UnicodeEncodeError:
        raise ValidationError("Holds half a character", "raw") from None
