"""Tencent CTS video transcoding: what it says when it starts (`trans_basic`) and when it is done
(`trans_result`).

Both come to one URL. `callback_type` is "需配置", so it may be absent; then a body with `detail` is a
result.
"""

import secrets
from typing import Any

from schemas.decoding import Payload
from schemas.fields import Flag, Kbps, Measure, OneOf, OneOrMany, Quantity, Record, Shape, Text, TextOrNumber
from schemas.sources.addresses import path_of
from schemas.sources.cts_fields import bucket_in
from schemas.sources.cts_result import ByKind, FailureDetail, Heading, tell_result
from schemas.sources.source import Form, Said, Source, input_file


class Callback(Heading):
    """The fields of both forms."""

    callback_type = OneOf("trans_basic", "trans_result")


class Basic(Callback):
    """转码开始时基本信息回调: what was found out about the input, or why nothing was."""

    size = Measure()
    duration = Quantity()
    height = Measure()
    width = Measure()
    bitrate = Kbps()
    fps = Quantity()
    # Typed Int, documented and shown as `horizon` or `vertical`.
    rotation = TextOrNumber()
    has_video = Flag(data_key="HasVideoStream")
    has_audio = Flag(data_key="HasAudioStream")
    fail_msg = Text()


class Video(Shape):
    """`detail.result.video.info[]`. `name` is the definition: f10 270p, f20 480p, f30 720p, f40 1080p."""

    name = Text()
    path = OneOrMany(Text())
    width = Measure()
    height = Measure()
    fps = Quantity()
    bitrate = Kbps()
    trans_size = Measure()  # 0 for m3u8


class Picture(Shape):
    """`detail.result.gif.info[]` and `.cover.info[]`; a cover has several paths. `name` is the size: `0_0`,
    `400_200`.
    """

    name = Text()
    path = OneOrMany(Text())
    width = Measure()
    height = Measure()


class Detail(FailureDetail):
    """`detail` of a result."""

    size = Measure()
    duration = Quantity()
    height = Measure()
    width = Measure()
    bitrate = Kbps()
    result = ByKind({"video": Video, "gif": Picture, "cover": Picture}, otherwise=Video)


class Result(Callback):
    """转码成功完成时回调, 转码失败时回调."""

    detail = Record(Detail)


def _tell_basic(loaded: dict[str, Any]) -> Said:
    failed = loaded["status"] == "fail"
    return Said(
        type="transcode.failed" if failed else "transcode.started",
        status="failed" if failed else "running",
        task_id=loaded["vid"],
        media_id=loaded["vid"],
        app_id=loaded["app_id"],
        input=input_file(
            url=loaded["url"],
            path=loaded["url_f0"] or path_of(loaded["url"]),
            bucket=bucket_in(loaded),
            container=loaded["v_type"],
            size=loaded["size"],
            duration=loaded["duration"],
            width=loaded["width"],
            height=loaded["height"],
            fps=loaded["fps"],
            bitrate=loaded["bitrate"],
            rotation=loaded["rotation"],
            has_video=loaded["has_video"],
            has_audio=loaded["has_audio"],
        ),
        errors=[{"code": None, "message": loaded["fail_msg"]}] if failed and loaded["fail_msg"] else [],
        created_at=loaded["create_time"],
    )


BASIC = Form(Basic(), _tell_basic)
RESULT = Form(Result(), tell_result)


def _form_of(payload: Payload) -> Form:
    callback_type = payload.get("callback_type") or None
    if callback_type == "trans_result" or (callback_type is None and payload.get("detail") is not None):
        return RESULT
    return BASIC


def _freshen(payload: Payload) -> None:
    payload["vid"] = secrets.token_hex(16)


SOURCE = Source(name="cts-video", form_of=_form_of, freshen=_freshen)
