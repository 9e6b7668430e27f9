"""A subscription: where something is sent to, what of everything that comes in, and what it is signed with.

Destinations are the operator's choice: whoever holds API_TOKEN may name any address the workers can reach, internal ones
included. So nothing here keeps a URL from pointing inwards.
"""

import base64
import re
import secrets
from typing import Any, ClassVar, Literal, TypedDict
from urllib.parse import SplitResult, unquote, urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from schemas.sources import SOURCES

#: Characters a URL may have.
MOST_URL = 2048
#: Characters a word of a filter may have.
MOST_WORD = 256
#: Lines of the tallest picture a filter may ask for.
MOST_HEIGHT = 100_000
#: Bytes a secret may have before it is written as base64, as Standard Webhooks says; and how many ours have.
LEAST_SECRET, MOST_SECRET, OUR_SECRET = 24, 64, 32
#: What every secret begins with.
SECRET_PREFIX = "whsec_"  # noqa: S105 -- the prefix is no secret
#: The queue that inbox entry ids travel through. A task sent there would go to our own workers, who know none but ours.
OWN_QUEUE = "transcode-inbox"
#: What our keys in the store begin with. On Redis a queue is a key, and a task sent to a pull queue's would stand among events.
OWN_KEYS = "ti:"

_VISIBLE = re.compile(r"[!-~]+")
_QUEUE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TASK = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,199}")


class Filter(TypedDict):
    """Which events and renditions a subscription is about. None asks for nothing."""

    source: str | None
    type: str | None
    status: str | None
    kind: str | None
    #: a glob: `*`, `?`, `[…]`
    name: str | None
    #: the beginning of a media id
    media_id: str | None
    #: lines; of gifs, covers and snapshots only where `kind` asks for them
    min_height: int | None


class Disabled(TypedDict):
    """Since when (UTC) and why nothing is sent."""

    at: str
    reason: str


class Subscription(TypedDict):
    """A subscription as it is kept, and as the API answers it."""

    id: str
    url: str
    filter: Filter
    each: Literal["rendition", "event"]
    secret: str
    created_at: str
    disabled: Disabled | None


class CeleryTask(TypedDict):
    """What `celery://<queue>/<task name>` names."""

    queue: str
    task: str


def new_secret() -> str:
    """A secret nobody knows yet."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(OUR_SECRET)).decode()


def celery_task(url: str) -> CeleryTask | None:
    """The queue and the task that a `celery://` URL names; None for any other URL."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "celery":
        return None
    queue, _, task = rest.partition("/")
    return {"queue": unquote(queue), "task": unquote(task)}


def without_query(url: str) -> str:
    """The URL without its query string, where some receivers keep their secrets: for histories and letters."""
    return url.partition("?")[0]


class FilterSchema(Schema):
    """What a filter may hold. Absent, `null` and `""` are the same: not asked for."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "Unknown field", "type": "Must be an object"}  # noqa: RUF012 -- marshmallow's own form

    source = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(sorted(SOURCES), error="Must be one of {choices}, not {input!r}"),
        metadata={"description": "Only from this source."},
    )
    type = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(
            r"^(transcode|snapshot|vod)\.[A-Za-z0-9_]{1,100}$",
            error="Must be a type of event, as in transcode.completed or vod.NewFileUpload",
        ),
        metadata={"description": "Only events of this type."},
    )
    status = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(
            ["running", "succeeded", "failed", "unknown"], error="Must be one of {choices}, not {input!r}"
        ),
        metadata={"description": "Only events with this status."},
    )
    kind = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=MOST_WORD, error="May have {max} characters"),
        metadata={"description": "Only renditions of this kind: video, audio, gif, cover, snapshot, stream, …"},
    )
    name = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=MOST_WORD, error="May have {max} characters"),
        metadata={
            "description": "Only renditions whose name matches this pattern, upper and lower case apart: f1?, *_hd."
        },
    )
    media_id = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=MOST_WORD, error="May have {max} characters"),
        metadata={"description": "Only of media whose id begins with this."},
    )
    min_height = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, MOST_HEIGHT, error="Must be a whole number from {min} to {max}, not {input}"),
        error_messages={"invalid": "Must be a whole number"},
        metadata={
            "description": "Only renditions of at least so many lines; of gifs, covers and snapshots only where `kind` says so."
        },
    )

    @pre_load
    def _empty_is_absent(self, data: Any, **_: Any) -> Any:
        return {name: value for name, value in data.items() if value != ""} if isinstance(data, dict) else data


def _check_url(url: str) -> None:
    """Raises ValidationError where nothing could be sent to `url`; the message never repeats it."""
    if not url:
        raise ValidationError("Must not be empty")
    if len(url) > MOST_URL:
        raise ValidationError(f"May have {MOST_URL} characters")
    if not _VISIBLE.fullmatch(url):
        raise ValidationError("Must be visible ASCII: write other characters percent-encoded, and other hosts as xn--…")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValidationError("Not a URL: its port or its host cannot be read") from None
    if parts.scheme == "celery":
        _check_celery(url)
    elif parts.scheme in ("http", "https"):
        _check_http(parts, port)
    else:
        raise ValidationError("Must begin with http://, https:// or celery://")


def _check_http(parts: SplitResult, port: int | None) -> None:
    if "@" in parts.netloc:
        raise ValidationError("Must not hold a user name or a password; every request is signed with the secret")
    if not parts.hostname or port == 0:
        raise ValidationError("Must name a host, as in https://host/path")
    if parts.fragment:
        raise ValidationError("Must have nothing after a #")


def _check_celery(url: str) -> None:
    named = celery_task(url)
    if named is None or not (_QUEUE.fullmatch(named["queue"]) and _TASK.fullmatch(named["task"])):
        raise ValidationError("Must be celery://<queue>/<task name>, as in celery://video/tasks.publish")
    if named["queue"] == OWN_QUEUE or named["queue"].startswith(OWN_KEYS):
        raise ValidationError(
            f"The queue {named['queue']} is transcode-inbox's own; name one that your own workers consume"
        )


def _check_secret(secret: str) -> None:
    """Raises ValidationError; the message never repeats the secret."""
    try:
        size = len(base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True))
    except ValueError:
        size = 0
    if not secret.startswith(SECRET_PREFIX) or not LEAST_SECRET <= size <= MOST_SECRET:
        raise ValidationError(f"Must be {SECRET_PREFIX} and the base64 of {LEAST_SECRET} to {MOST_SECRET} bytes")


class SubscriptionSchema(Schema):
    """What somebody may ask for: `url`, and if wanted `filter`, `each` and `secret`. Loads with all four filled in."""

    example: ClassVar[Any] = {
        "url": "https://example.com/renditions",
        "filter": {**dict.fromkeys(Filter.__annotations__), "source": "cts-video", "kind": "video", "min_height": 720},
        "each": "rendition",
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "Unknown field", "type": "Must be an object"}  # noqa: RUF012 -- marshmallow's own form

    url = fields.String(
        required=True,
        validate=_check_url,
        metadata={
            "description": "An http or https URL, or celery://<queue>/<task name>.",
            "maxLength": MOST_URL,
            "pattern": "^(https?|celery)://",
        },
    )
    filter = fields.Nested(
        FilterSchema,
        load_default=lambda: dict.fromkeys(Filter.__annotations__),
        allow_none=True,
        metadata={"description": "What of everything that comes in is sent."},
    )
    each = fields.String(
        load_default="rendition",
        allow_none=True,
        validate=validate.OneOf(["rendition", "event"], error="Must be one of {choices}, not {input!r}"),
        metadata={
            "description": "A request for each rendition, or one for each event with those renditions that match."
        },
    )
    secret = fields.String(
        load_default=new_secret,
        allow_none=True,
        validate=_check_secret,
        metadata={
            "description": "What requests are signed with: whsec_ and the base64 of 24 to 64 bytes. Made when absent.",
            "pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$",
        },
    )

    @pre_load
    def _null_is_absent(self, data: Any, **_: Any) -> Any:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data
