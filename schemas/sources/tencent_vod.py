"""Tencent VOD event notification 4.0: TranscodeComplete, and its sibling events, which pass through whole.

https://cloud.tencent.com/document/product/266/7829. VOD waits 5 s for an answer and sends at most three
times.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from marshmallow import ValidationError, fields

from schemas.decoding import Payload
from schemas.event import EventError, Rendition, Status
from schemas.fields import Code, Measure, Quantity, Record, Records, Shape, Text, Whole
from schemas.sources.addresses import container_of, path_of
from schemas.sources.source import Form, Said, Source, input_file, rendition


class Play(Shape):
    """`data.playSet[]`: one rendition each. `definition` 0 is the source file, so it is a name like any
    other.
    """

    url = Text()
    definition = Whole()
    vbitrate = Measure()  # bit/s
    vheight = Measure()
    vwidth = Measure()


class TranscodeData(Shape):
    """`data` of TranscodeComplete."""

    status = Code()
    message = Text()
    task_id = Text(data_key="vodTaskId", required=True)
    file_id = Text(data_key="fileId")
    duration = Quantity()
    play_set = Records(Play, data_key="playSet")


class Notification(Shape):
    """What every notification carries. `version` is "4.0" or 4, and nothing hangs on it."""

    event_type = Text(data_key="eventType", required=True)


class TranscodeComplete(Notification):
    """The one event that vendor page documents."""

    data = Record(TranscodeData, required=True)


class Sibling(Notification):
    """Any other event: its data is looked at for ids and status, and never judged."""

    data: Any = fields.Raw(load_default=None, allow_none=True)


def _tell_transcode(loaded: dict[str, Any]) -> Said:
    data = loaded["data"]
    # The page's own success has status "2" and its failure 0; what tells them apart, there and in later
    # editions, is whether there is anything to play.
    succeeded = bool(data["play_set"])
    return Said(
        type="transcode.completed" if succeeded else "transcode.failed",
        status="succeeded" if succeeded else "failed",
        task_id=data["task_id"],
        media_id=data["file_id"],
        input=input_file(duration=data["duration"]) if data["duration"] is not None else None,
        errors=[] if succeeded else _errors(data["status"], data["message"]),
        renditions=[_play(play, position) for position, play in enumerate(data["play_set"], 1)],
    )


def _play(play: dict[str, Any], position: int) -> Rendition:
    path = path_of(play["url"])
    return rendition(
        "video",
        str(position if play["definition"] is None else play["definition"]),
        urls=[play["url"]] if play["url"] else [],
        paths=[path] if path else [],
        width=play["vwidth"],
        height=play["vheight"],
        bitrate=play["vbitrate"],
        container=container_of(path),
    )


def _tell_sibling(loaded: dict[str, Any]) -> Said:
    data = loaded["data"] if isinstance(loaded["data"], dict) else {}
    status = _sibling_status(data)
    code = next((code for code in _codes(data) if code != 0), None)
    return Said(
        type=f"vod.{loaded['event_type']}",
        status=status,
        task_id=_plain(data.get("vodTaskId")),
        media_id=_plain(data.get("fileId")),
        errors=_errors(code, _plain(data.get("message"))) if status == "failed" else [],
    )


def _sibling_status(data: dict[str, Any]) -> Status:
    """By `status` and `errCode` (0: success), the task's own or its files'; unknown when nothing says.

    ProcedureStateChanged has a word in `status` instead: PROCESSING, or FINISH, which says nothing about
    how well.
    """
    codes = list(_codes(data))
    if any(code != 0 for code in codes):
        return "failed"
    if data.get("status") == "PROCESSING":
        return "running"
    return "succeeded" if codes else "unknown"


def _codes(data: dict[str, Any]) -> Iterator[int]:
    holders: list[Any] = [data]
    for key in ("fileInfo", "picInfo"):
        inner = data.get(key)
        holders += inner if isinstance(inner, list) else [inner]
    for holder in holders:
        if isinstance(holder, dict):
            for key in ("status", "errCode"):
                code = _whole(holder.get(key))
                if code is not None:
                    yield code


_WHOLE, _TEXT = Whole(), Text()


def _whole(value: Any) -> int | None:
    try:
        return _WHOLE.deserialize(value)  # type: ignore[no-any-return]
    except ValidationError:
        return None


def _plain(value: Any) -> str | None:
    try:
        return _TEXT.deserialize(value)  # type: ignore[no-any-return]
    except ValidationError:
        return None


def _errors(code: int | str | None, message: str | None) -> list[EventError]:
    return [] if code is None and message is None else [{"code": code, "message": message}]


TRANSCODE_COMPLETE = Form(TranscodeComplete(), _tell_transcode)
SIBLING = Form(Sibling(), _tell_sibling)


def _form_of(payload: Payload) -> Form:
    return TRANSCODE_COMPLETE if payload.get("eventType") == "TranscodeComplete" else SIBLING


def _freshen(payload: Payload) -> None:
    payload["data"]["vodTaskId"] = f"transcode-{secrets.token_hex(16)}"
    payload["data"]["fileId"] = str(10**19 + secrets.randbelow(10**19))


SOURCE = Source(
    name="tencent-vod",
    form_of=_form_of,
    freshen=_freshen,
    # "是一个规格转码完成就回调一次，还是所有规格都转码完成再回调？" is open on the vendor's page: both work.
    renditions_accumulate=True,
    # The page gives the count, three in all, and no pause; the second between them is ours.
    retries=(1.0, 1.0),
)
