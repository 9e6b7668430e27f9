"""Fields of bodies: JSON's own types, and nothing that only looks like one."""

from typing import Any

from marshmallow import ValidationError, fields, validate


class TrueOrFalse(fields.Boolean):
    """`true` or `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false")
        return value


class Whole(fields.Integer):
    """A whole number from `least` to `most`; in JSON 5.0 is one, and "5" is none."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        # For the document; the check below is the one that counts.
        super().__init__(validate=validate.Range(least, most), **kwargs)
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and self._least <= value <= self._most and value == int(value)):
            raise ValidationError(f"Must be a whole number from {self._least} to {self._most}")
        return int(value)
