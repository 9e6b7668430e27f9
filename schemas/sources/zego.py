"""ZEGO single-stream transcoding: started, updated, stopped. Signed, retried, and perhaps percent-encoded.

Pages: 单流转码开始回调, and for the signature https://doc-zh.zego.im/article/19700.
"""

import hmac
import secrets
import time
from hashlib import sha1
from typing import Any

from schemas.decoding import Payload, decode_json_or_percent_encoded
from schemas.fields import Measure, OneOf, Quantity, Record, Records, Shape, Text
from schemas.sources.source import Form, Said, Source, input_file, rendition


class Input(Shape):
    """`Details.Input`."""

    stream_id = Text(data_key="StreamId")
    stream_url = Text(data_key="StreamUrl")


class Output(Shape):
    """`Details.Outputs[]`; 0 is "not set". The unit of VideoBitrate and the codes of VideoEncId are not
    documented: both stay in `raw`.
    """

    stream_id = Text(data_key="StreamId")
    stream_url = Text(data_key="StreamUrl")
    fps = Quantity(data_key="Fps")
    width = Measure(data_key="Width")
    height = Measure(data_key="Height")
    gop = Measure(data_key="GOP")


class Details(Shape):
    """`Details`."""

    input = Record(Input, data_key="Input")
    outputs = Records(Output, data_key="Outputs")


class Callback(Shape):
    """公共参数: what every callback carries, except what belongs to one delivery of it."""

    event = OneOf("transcode_start", "transcode_stop", data_key="Event", required=True)
    app_id = Text(data_key="Appid")
    task_id = Text(data_key="TaskId", required=True)


class Start(Callback):
    """单流转码开始回调."""

    status = OneOf("TranscodeStarted", "TranscodeUpdated", data_key="Status", required=True)
    details = Record(Details, data_key="Details")


class Stop(Callback):
    """单流转码结束回调. Its example carries `Status: TranscodeStarted` by mistake; `StopReason` stays in
    `raw`.
    """


def _tell_start(loaded: dict[str, Any]) -> Said:
    details = loaded["details"] or {"input": None, "outputs": []}
    stream = details["input"] or {"stream_id": None, "stream_url": None}
    return Said(
        type="transcode.started" if loaded["status"] == "TranscodeStarted" else "transcode.updated",
        status="running",
        task_id=loaded["task_id"],
        media_id=stream["stream_id"],
        app_id=loaded["app_id"],
        input=input_file(url=stream["stream_url"]) if stream["stream_url"] else None,
        renditions=[
            rendition(
                "stream",
                output["stream_id"] or str(position),
                urls=[output["stream_url"]] if output["stream_url"] else [],
                width=output["width"],
                height=output["height"],
                fps=output["fps"],
                gop=output["gop"],
            )
            for position, output in enumerate(details["outputs"], 1)
        ],
    )


def _tell_stop(loaded: dict[str, Any]) -> Said:
    # A stop says why it came, in words nobody documents, and not whether the transcode had worked.
    return Said(type="transcode.stopped", status="unknown", task_id=loaded["task_id"], app_id=loaded["app_id"])


START = Form(Start(), _tell_start)
STOP = Form(Stop(), _tell_stop)


def _form_of(payload: Payload) -> Form:
    return STOP if payload.get("Event") == "transcode_stop" else START


def signature(secret: str, timestamp: str, nonce: str) -> str:
    """The hex digits ZEGO signs with: sha1 of secret, timestamp and nonce, sorted as strings and joined."""
    joined = "".join(sorted((secret, timestamp, nonce)))
    return sha1(joined.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _is_signed(payload: Payload, secret: str) -> bool:
    parts = [payload.get(key) for key in ("Timestamp", "Nonce", "Signature")]
    if any(isinstance(part, bool) or not isinstance(part, (str, int)) or part == "" for part in parts):
        return False
    timestamp, nonce, given = (str(part) for part in parts)
    # Constant time, and of bytes: compare_digest refuses text that is not ASCII.
    return hmac.compare_digest(
        signature(secret, timestamp, nonce).encode(), given.lower().encode("utf-8", "surrogatepass")
    )


def _sign(payload: Payload, secret: str) -> None:
    payload["Signature"] = signature(secret, payload["Timestamp"], payload["Nonce"])


def _freshen(payload: Payload) -> None:
    payload["TaskId"] = secrets.token_hex(8)
    payload["Timestamp"] = str(int(time.time()))
    payload["Nonce"] = str(secrets.randbelow(10**9))
    stream = secrets.token_hex(4)
    payload["Details"]["Input"]["StreamId"] = stream
    for output in payload["Details"]["Outputs"]:
        output["StreamId"] = f"{stream}_720p"


SOURCE = Source(
    name="zego",
    form_of=_form_of,
    freshen=_freshen,
    decode=decode_json_or_percent_encoded,
    varying=frozenset({"Timestamp", "Nonce", "Signature"}),
    is_signed=_is_signed,
    sign=_sign,
    retries=(2.0, 4.0, 8.0, 16.0, 32.0),
)
