"""Tencent CTS snapshots: a list of URLs, each a rendition, or the reason why there are none."""

import re
import secrets
from typing import Any

from schemas.decoding import Payload
from schemas.event import EventError, Rendition
from schemas.fields import Code, Measure, OneOf, OneOrMany, Quantity, Text
from schemas.sources.addresses import bucket_of, container_of, path_of
from schemas.sources.cts_fields import BeijingTime, CosBucket, bucket_in
from schemas.sources.source import Form, Said, Source, input_file, rendition

#: `13` in `/test-fast-snapshot/d.mp4.13.png`. What it counts is not documented: it is a name, not a time.
_NUMBER = re.compile(r"\.([0-9]+)\.[A-Za-z0-9]+$")


class Snapshot(CosBucket):
    """截图成功回包, 截图失败回包. The table's `delete` and the examples' `deleted` stay in `raw`."""

    vid = Text(required=True)
    create_time = BeijingTime()
    finish_time = BeijingTime()
    url = Text()
    duration = Quantity()
    width = Measure()
    height = Measure()
    # 5：成功，4：失败; typed String, shown as a number.
    status = OneOf("5", "4", required=True)
    result = OneOrMany(Text())
    error_code = Code()
    error_msg = Text()


def _tell(loaded: dict[str, Any]) -> Said:
    failed = loaded["status"] == "4"
    return Said(
        type="snapshot.failed" if failed else "snapshot.completed",
        status="failed" if failed else "succeeded",
        task_id=loaded["vid"],
        media_id=loaded["vid"],
        app_id=loaded["app_id"],
        input=input_file(
            url=loaded["url"],
            path=path_of(loaded["url"]),
            bucket=bucket_in(loaded),
            duration=loaded["duration"],
            width=loaded["width"],
            height=loaded["height"],
        ),
        errors=_errors(loaded) if failed else [],
        created_at=loaded["create_time"],
        finished_at=loaded["finish_time"],
        renditions=[_picture(url, position) for position, url in enumerate(filter(None, loaded["result"]), 1)],
    )


def _errors(loaded: dict[str, Any]) -> list[EventError]:
    if loaded["error_code"] is None and loaded["error_msg"] is None:
        return []
    return [{"code": loaded["error_code"], "message": loaded["error_msg"]}]


def _picture(url: str, position: int) -> Rendition:
    path = path_of(url)
    numbered = _NUMBER.search(path or "")
    file_name = (path or "").rpartition("/")[2]
    return rendition(
        "snapshot",
        numbered[1] if numbered else file_name or str(position),
        urls=[url],
        paths=[path] if path else [],
        # The bucket of the pictures is configured on its own, and only their URLs say which it is.
        bucket=bucket_of(url),
        container=container_of(path),
    )


SNAPSHOT = Form(Snapshot(), _tell)


def _form_of(payload: Payload) -> Form:
    return SNAPSHOT


def _freshen(payload: Payload) -> None:
    payload["vid"] = secrets.token_hex(16)


SOURCE = Source(name="cts-snapshot", form_of=_form_of, freshen=_freshen)
