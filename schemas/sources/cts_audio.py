"""Tencent CTS audio transcoding: one callback, when done. Its failures have the shape of cts-video's."""

import secrets

from schemas.decoding import Payload
from schemas.fields import Kbps, Measure, OneOrMany, Quantity, Record, Shape, Text
from schemas.sources.cts_result import ByKind, FailureDetail, Heading, tell_result
from schemas.sources.source import Form, Source


class Audio(Shape):
    """`detail.result.audio.info[]`. The definition is `{bitrate}_{format}`; the query API calls it `name`."""

    trans_name = Text()
    name = Text()
    path = OneOrMany(Text())
    format = Text()
    encoder = Text()
    sample_rate = Measure()
    bitrate = Measure()  # bit/s already, unlike `detail.bitrate`; 0 for the lossless ape and flac
    trans_size = Measure()


class Detail(FailureDetail):
    """`detail` of a result. `bitrate`, which the table calls 音频大小, is kbps."""

    encoder = Text()
    duration = Quantity()
    sample_rate = Measure()
    bitrate = Kbps()
    size = Measure()
    result = ByKind({"audio": Audio}, otherwise=Audio)


class Result(Heading):
    """转码成功, 转码失败."""

    detail = Record(Detail)


RESULT = Form(Result(), tell_result)


def _form_of(payload: Payload) -> Form:
    return RESULT


def _freshen(payload: Payload) -> None:
    payload["vid"] = secrets.token_hex(16)


SOURCE = Source(name="cts-audio", form_of=_form_of, freshen=_freshen)
