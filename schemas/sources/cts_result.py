"""A finished CTS transcode, video or audio: `detail.result` by kind, each `info` entry one rendition.

Pages: the callback descriptions of CTS video and audio transcoding, 转码成功完成时回调 and 转码成功.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from schemas.event import Bucket, Rendition
from schemas.fields import Code, OneOf, OneOrMany, Record, Records, Shape, Text, encodable
from schemas.sources.addresses import address, bucket_root, container_of, path_of
from schemas.sources.cts_fields import BeijingTime, CosBucket, bucket_in, paired
from schemas.sources.source import Said, input_file, rendition

Outputs = list[tuple[str, dict[str, Any]]]


class ByKind(Record):
    """`detail.result`: for each kind of rendition `{info: [...], dst: {...}}`.

    A kind nobody documented is one all the same where its entries fit `otherwise`; else it is an unknown
    field, which never fails a callback.
    """

    def __init__(self, documented: Mapping[str, type[Schema]], *, otherwise: type[Schema]) -> None:
        super().__init__(Shape)
        self._documented = {kind: _group_of(entry) for kind, entry in documented.items()}
        self._otherwise = _group_of(otherwise)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        outputs: Outputs = []
        errors = {}
        for kind, group in self.the_object(value).items():
            field = self._documented.get(kind)
            try:
                if field is not None:
                    loaded = field.deserialize(group)
                elif kind and isinstance(group, dict) and "info" in group:
                    loaded = self._otherwise.deserialize(group)
                else:
                    continue
            except ValidationError as error:
                if field is not None:
                    errors[kind] = error.messages
                continue
            if loaded is not None:
                outputs.append((encodable(kind), loaded))
        if errors:
            raise ValidationError(errors)
        return outputs


def _group_of(entry: type[Schema]) -> Record:
    return Record(Shape.from_dict({"info": Records(entry), "dst": Record(CosBucket)}))


class Heading(CosBucket):
    """What every CTS callback about a transcode carries."""

    status = OneOf("success", "fail", required=True)
    vid = Text(required=True)
    create_time = BeijingTime()
    url = Text()
    url_f0 = Text()
    v_type = Text()


class FailureDetail(Shape):
    """`detail` of a failure."""

    error_code = OneOrMany(Code())
    error_msg = OneOrMany(Text())


def tell_result(loaded: dict[str, Any]) -> Said:
    """What a callback with a Heading and a `detail` says: transcode.completed, or transcode.failed with its
    errors.
    """
    bucket = bucket_in(loaded)
    detail = loaded["detail"] or {}
    failed = loaded["status"] == "fail"
    return Said(
        type="transcode.failed" if failed else "transcode.completed",
        status="failed" if failed else "succeeded",
        task_id=loaded["vid"],
        media_id=loaded["vid"],
        app_id=loaded["app_id"],
        input=input_file(
            url=loaded["url"],
            path=loaded["url_f0"] or path_of(loaded["url"]),
            bucket=bucket,
            container=loaded["v_type"],
            size=detail.get("size"),
            duration=detail.get("duration"),
            width=detail.get("width"),
            height=detail.get("height"),
            bitrate=detail.get("bitrate"),
            codec=detail.get("encoder"),
            sample_rate=detail.get("sample_rate"),
        ),
        errors=paired(detail.get("error_code", []), detail.get("error_msg", [])),
        created_at=loaded["create_time"],
        renditions=_renditions(detail.get("result") or [], bucket),
    )


def _renditions(outputs: Outputs, source: Bucket) -> list[Rendition]:
    renditions = []
    for kind, group in outputs:
        bucket = _destination(group["dst"], source)
        root = bucket_root(bucket)
        for position, entry in enumerate(group["info"], 1):
            get = entry.get
            paths = [path for path in entry["path"] if path]
            renditions.append(
                rendition(
                    kind,
                    get("trans_name") or entry["name"] or str(position),
                    urls=[address(root, path) for path in paths] if root else [],
                    paths=paths,
                    bucket=bucket,
                    width=get("width"),
                    height=get("height"),
                    fps=get("fps"),
                    bitrate=get("bitrate"),
                    size=get("trans_size"),
                    sample_rate=get("sample_rate"),
                    codec=get("encoder"),
                    container=get("format") or (container_of(paths[0]) if paths else None),
                )
            )
    return renditions


def _destination(dst: dict[str, Any] | None, source: Bucket) -> Bucket:
    """`dst`, which defaults to the source's bucket, also in part."""
    if dst is None:
        return source
    return {
        "name": dst["bucket_name"] or source["name"],
        "region": dst["bucket_region"] or source["region"],
        "app_id": dst["app_id"] or source["app_id"],
    }
