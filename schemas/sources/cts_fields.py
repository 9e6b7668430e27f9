"""The oddities that Tencent CTS callbacks share, each a small field, and how its errors pair up."""

from datetime import datetime, timedelta, timezone
from itertools import zip_longest
from typing import Any

from marshmallow import ValidationError

from schemas.event import Bucket, EventError
from schemas.fields import Shape, Text, WireField

BEIJING = timezone(timedelta(hours=8))


class BeijingTime(WireField):
    """`2017-04-28 19:37:58` without a zone, which is Beijing's: loaded as ISO 8601 with +08:00."""

    invalid = "Not a valid time, as in 2017-04-28 19:37:58."

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        if not isinstance(value, str):
            raise ValidationError(self.invalid)
        if value.startswith("0000-00-00"):  # how databases print a time that was never set
            return None
        try:
            time = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValidationError(self.invalid) from None
        return (time if time.tzinfo else time.replace(tzinfo=BEIJING)).isoformat()


class CosBucket(Shape):
    """`dst`, and the bucket fields of the callback itself."""

    bucket_name = Text()
    bucket_region = Text()
    app_id = Text()


def bucket_in(loaded: dict[str, Any]) -> Bucket:
    """The bucket that a loaded CosBucket, or a shape with its fields, names."""
    return {"name": loaded["bucket_name"], "region": loaded["bucket_region"], "app_id": loaded["app_id"]}


def paired(codes: list[int | str | None], messages: list[str | None]) -> list[EventError]:
    """`error_code[i]` with `error_msg[i]`, "一一对应"; what one list lacks is None."""
    return [{"code": code, "message": message} for code, message in zip_longest(codes, messages)]
