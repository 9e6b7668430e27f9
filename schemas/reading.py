"""From a callback's bytes to the one event: decode, check the signature, validate, say it in our words."""

from hashlib import blake2b
from typing import Any

from marshmallow import ValidationError

from schemas.decoding import NotUnderstood, Payload, Place
from schemas.encoding import encode_canonical
from schemas.event import Rendition, TranscodeEvent
from schemas.problems import first_path, sentence
from schemas.sources import SOURCES
from schemas.sources.source import Source

__all__ = ["NotUnderstood", "decode_raw", "read_callback"]

#: Renditions of one callback. Four bytes are enough for one, which becomes 270 in the event and a delivery to each subscription:
#: a body of 1 MiB made a document of 67 MB. With the addresses that vendors write, no more fit into such a body.
MOST_RENDITIONS = 10_000


def read_callback(
    source: str,
    body: bytes,
    *,
    received_at: str,
    zego_secret: str | None = None,
    check_signature: bool = True,
) -> TranscodeEvent:
    """The event that `body`, a callback posted by `source` (a key of SOURCES), reports.

    `received_at` is passed through. `zego_secret` is the callback secret to check signatures with, for the
    sources that sign; None checks nothing, and neither does `check_signature=False`, which an operator's
    forced replay uses.

    `json.dumps` writes the event as it is. What it says can be encoded as UTF-8; `raw` is what came, and may
    hold half a character. The id is the same for the same content.

    Raises NotUnderstood, whatever the bytes are, and KeyError for a source nobody registered.
    """
    known = SOURCES[source]
    payload = known.decode(body)
    check = known.is_signed if check_signature else None
    if check is not None and zego_secret is not None and not check(payload, zego_secret):
        raise NotUnderstood("signature", "the signature is missing, or was not made with our callback secret")
    form = known.form_of(payload)
    try:
        loaded = form.schema.load(payload)
    except ValidationError as error:
        raise NotUnderstood("invalid", sentence(error.messages), _place(error.messages)) from None
    said = form.tell(loaded)
    if len(said.renditions) > MOST_RENDITIONS:
        count = len(said.renditions)
        raise NotUnderstood("invalid", f"it lists {count} renditions; {MOST_RENDITIONS} of one callback are taken")
    event_id = _identity(known, payload)
    _number(said.renditions, event_id)
    return {
        "id": event_id,
        "source": source,
        "type": said.type,
        "status": said.status,
        "task_id": said.task_id,
        "media_id": said.media_id,
        "app_id": said.app_id,
        "input": said.input,
        "errors": said.errors,
        "created_at": said.created_at,
        "finished_at": said.finished_at,
        "received_at": received_at,
        "renditions": said.renditions,
        "raw": payload,
    }


def decode_raw(source: str, body: bytes) -> Any:
    """`raw` of the event that `body` became: the whole JSON document in it. Raises NotUnderstood."""
    return SOURCES[source].decode(body)


def _identity(source: Source, payload: Payload) -> str:
    """`<source>:` and 32 hex digits of the content, whatever its white space, key order or varying fields."""
    content = payload
    if source.varying:
        content = {key: value for key, value in payload.items() if key not in source.varying}
    return f"{source.name}:{blake2b(encode_canonical(content), digest_size=16).hexdigest()}"


def _number(renditions: list[Rendition], event_id: str) -> None:
    """Gives each rendition its id; the second of one kind and name ends in `~2`, the third in `~3`."""
    times: dict[str, int] = {}
    for rendition in renditions:
        plain = candidate = f"{event_id}/{rendition['kind']}/{rendition['name']}"
        while candidate in times:
            times[plain] += 1
            candidate = f"{plain}~{times[plain]}"
        times[candidate] = 1
        rendition["id"] = candidate


def _place(messages: Any) -> Place | None:
    path = first_path(messages)
    return {"field": path} if path else None
