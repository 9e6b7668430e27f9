"""The marshmallow fields that read what vendors really send: numbers as strings, objects as arrays, 0 for "not known".

Every field here takes a missing key, `null` and `""` for the same thing, absence: it loads as None (lists: []), or
fails where the field is `required`. marshmallow's own fields do the same checks at two to three times the cost,
because `Field.deserialize` runs validators and hooks that these have no use for; so each overrides it with a fast path.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing

T = TypeVar("T")

#: An integer field takes only what fits 64 bits: what stores and clients behind us can hold.
LIMIT = 2**63

_NUMBER = re.compile(r"\s*[-+]?[0-9]{1,19}(\.[0-9]{1,30})?\s*", re.ASCII)


class Shape(Schema):
    """A vendor's table. What it does not name is left alone: it stays in `raw`."""

    class Meta:
        unknown = EXCLUDE


class WireField(fields.Field[T]):
    """A value as it comes over the wire; subclasses say in `_deserialize` what they make of one that is there."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """What `value` means; None when absent. Raises marshmallow's ValidationError."""
        if value is None or value is missing or value == "":
            if self.required:
                raise self.make_error("required")
            return None
        return self._deserialize(value, attr, data, **kwargs)


class Text(WireField[str]):
    """Text, an id above all; a number is taken for its digits."""

    default_error_messages: ClassVar = {"invalid": "Not a valid string."}

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value.__class__ is str and value:
            return value
        return super().deserialize(value, attr, data, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid")
        if isinstance(value, int) and not -LIMIT < value < LIMIT:
            raise self.make_error("invalid")
        return str(value)


class OneOf(Text):
    """One of the words the vendor documents; the others are an error that lists them."""

    default_error_messages: ClassVar = {"unknown": "Must be {choices}, not {input}."}

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        text = super().deserialize(value, attr, data, **kwargs)
        if text is not None and text not in self.choices:
            raise self.make_error("unknown", choices=" or ".join(self.choices), input=ascii(text[:40]))
        return text


class Whole(WireField[int]):
    """A whole number where 0 says something."""

    default_error_messages: ClassVar = {"invalid": "Not a valid integer."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | None:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            # int() first: a float holds 53 bits, and ids and sizes may need more.
            value = float(value) if "." in value else int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -LIMIT < value < LIMIT:
            raise self.make_error("invalid")
        return value


class Measure(Whole):
    """A whole number of bytes, pixels, bit/s or Hz. Nothing measures 0: the vendors write it for "not known"."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value.__class__ is int and -LIMIT < value < LIMIT:
            return value or None
        return super().deserialize(value, attr, data, **kwargs) or None


class Quantity(WireField[float]):
    """A number that may have a fraction (seconds, frames a second); 0 is "not known"."""

    default_error_messages: ClassVar = {"invalid": "Not a valid number."}

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value.__class__ is int and -LIMIT < value < LIMIT:
            return value or None
        return super().deserialize(value, attr, data, **kwargs) or None

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value) if "." in value else int(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid")
        if not -LIMIT < value < LIMIT:  # also false for nan and the infinities
            raise self.make_error("invalid")
        return value


class Kbps(Quantity):
    """Kilobits a second, loaded as bit/s."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        kilobits = super().deserialize(value, attr, data, **kwargs)
        if kilobits is None:
            return None
        bits = round(kilobits * 1000)
        if not -LIMIT < bits < LIMIT:
            raise self.make_error("invalid")
        return bits or None


class Flag(WireField[bool]):
    """1 or 0, yes or no: here 0 says something, so it is False and not None."""

    default_error_messages: ClassVar = {"invalid": "Must be 1 or 0."}
    _MEANINGS: ClassVar = {"1": True, "0": False, "true": True, "false": False, "yes": True, "no": False}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, (str, bool, int)) and str(value).lower() in self._MEANINGS:
            return self._MEANINGS[str(value).lower()]
        raise self.make_error("invalid")


class Code(WireField[Any]):
    """An error code: an int where it is one, also when written as a string; else the vendor's word. 0 is a code."""

    default_error_messages: ClassVar = {"invalid": "Not a valid code."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | str:
        if isinstance(value, str):
            return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -LIMIT < value < LIMIT:
            raise self.make_error("invalid")
        return value


class TextOrNumber(WireField[Any]):
    """A word, or the number in its place, each kept as it is."""

    default_error_messages: ClassVar = {"invalid": "Not a valid string or number."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | int | float:
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -LIMIT < value < LIMIT:
            raise self.make_error("invalid")
        return value


class OneOrMany(WireField[list[Any]]):
    """A list, or the one thing that would be in it. Absent is []."""

    def __init__(self, each: WireField[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.each = each

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            one = self.each.deserialize(value)
            return [] if one is None else [one]
        loaded, errors = [], {}
        for index, item in enumerate(value):
            try:
                loaded.append(self.each.deserialize(item))
            except ValidationError as error:
                errors[index] = error.messages
        if errors:
            raise ValidationError(errors)
        return loaded


class Record(WireField[dict[str, Any]]):
    """An object inside an object, read by the fields of `shape`.

    The pages type some objects as Array: an array of exactly that one object is the object, and `[]` is an empty one.
    It walks the shape's fields itself, so it takes the shape's fields only, not its hooks or validators: a nested
    `Schema.load` costs 3 us before it looks at a field, and a callback holds twenty such objects.
    """

    default_error_messages: ClassVar = {"invalid": "Not a valid object."}

    def __init__(self, shape: type[Schema], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._columns = [
            (name, field.data_key or name, field.deserialize) for name, field in shape().load_fields.items()
        ]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        return self.load(self.the_object(value))

    def the_object(self, value: Any) -> Mapping[str, Any]:
        """`value` itself, or the one object in it. Raises ValidationError."""
        if isinstance(value, list) and len(value) < 2:
            value = value[0] if value else {}
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        return value

    def load(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Every field of the shape, by its name. Raises ValidationError with all that is wrong."""
        loaded: dict[str, Any] = {}
        errors: dict[str, Any] | None = None
        get = value.get
        for name, key, deserialize in self._columns:
            try:
                loaded[name] = deserialize(get(key))
            except ValidationError as error:
                errors = errors or {}
                errors[key] = error.messages
        if errors:
            raise ValidationError(errors)
        return loaded


class Records(Record):
    """A list of objects of one shape. One object alone is a list of one; absent is []."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value is None or value is missing or value == "":
            return []
        if isinstance(value, dict):
            return [self.load(value)]
        if not isinstance(value, list):
            raise self.make_error("invalid")
        loaded: list[dict[str, Any]] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(value):
            try:
                if not isinstance(item, dict):
                    raise self.make_error("invalid")
                loaded.append(self.load(item))
            except ValidationError as error:
                errors[index] = error.messages
        if errors:
            raise ValidationError(errors)
        return loaded
