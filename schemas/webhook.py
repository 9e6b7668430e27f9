"""What is sent for a delivery: the document, its id, and the headers of Standard Webhooks."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from standardwebhooks import Webhook

from schemas.encoding import encode
from schemas.event import TranscodeEvent
from schemas.matching import WHOLE_EVENT, matching
from schemas.subscription import Filter

#: What the ids of Celery tasks are made in.
_NAMESPACE = uuid.UUID("6b1ce0b7-1a2f-5c52-9d3a-3a1f1c3f6a55")


def _version() -> str:
    try:
        return version("transcode-inbox")
    except PackageNotFoundError:
        return "0"


#: Says who sends.
USER_AGENT = f"transcode-inbox/{_version()}"


def document(event: TranscodeEvent, number: int, asked: Filter) -> dict[str, Any]:
    """The rendition with that number and its event under `event`, without `raw` and `renditions`, as on the exchange.

    For WHOLE_EVENT, the event with those of its renditions that are asked for. Raises IndexError for no such rendition.
    """
    if number == WHOLE_EVENT:
        return {**event, "renditions": [event["renditions"][found] for found in matching(asked, event)]}
    about = {key: value for key, value in event.items() if key not in ("raw", "renditions")}
    return {**event["renditions"][number], "event": about}


def webhook_id(sent: Mapping[str, Any]) -> str:
    """The `webhook-id` of a document: the same at every attempt and every replay, so that a receiver can tell."""
    return f"msg_{blake2b(sent['id'].encode(), digest_size=16).hexdigest()}"


def task_id(message_id: str) -> str:
    """The id of the Celery task for a webhook id; as stable as that."""
    return str(uuid.uuid5(_NAMESPACE, message_id))


def body_of(sent: Mapping[str, Any]) -> bytes:
    """The document as it is sent and signed, to the byte."""
    return encode(sent)


def headers(message_id: str, body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The headers of a request sent `at` this moment, signed with `secret`."""
    at = at.astimezone(UTC)
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }
