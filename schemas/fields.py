"""The marshmallow fields that read what vendors really send: numbers as strings, objects as arrays, 0 for
"not known".

Every field here takes a missing key, `null` and `""` for the same thing, absence: it loads as None (lists:
[]), or fails where the field is `required`. What cannot be read raises marshmallow's ValidationError.

marshmallow's own fields do the same checks at two to three times the cost, because `Field.deserialize` runs
validators and hooks that these have no use for; so the fields a callback holds by the dozen override it
with a fast path.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing

#: A number takes only what fits 64 bits, sign included: what stores and clients behind us can hold.
LIMIT = 2**63

_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"\s*[-+]?[0-9]{1,19}(\.[0-9]{1,30})?\s*", re.ASCII)


class Shape(Schema):
    """A vendor's table. What it does not name is left alone: it stays in `raw`."""

    class Meta:
        unknown = EXCLUDE


class WireField(fields.Field[Any]):
    """A value as it comes over the wire; subclasses say in `_deserialize` what they make of one that is
    there.
    """

    #: What is wrong with a value that cannot be read.
    invalid = "Not valid."

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value is None or value is missing or value == "":
            if self.required:
                raise self.make_error("required")
            return None
        return self._deserialize(value, attr, data, **kwargs)


def encodable(text: str) -> str:
    """`text` with U+FFFD for half a character, such as JSON's `"\\ud800"`, which no store could encode."""
    return text if text.isascii() else _HALF_A_CHARACTER.sub("\ufffd", text)


class Text(WireField):
    """Text, an id above all; a number is taken for its digits."""

    invalid = "Not a valid string."

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value.__class__ is str and value:
            return value if value.isascii() else encodable(value)
        return super().deserialize(value, attr, data, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValidationError(self.invalid)
        if isinstance(value, int) and not -LIMIT < value < LIMIT:
            raise ValidationError(self.invalid)
        return str(value)


class OneOf(Text):
    """One of the words the vendor documents; for any other, the error lists them."""

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        text = super().deserialize(value, attr, data, **kwargs)
        if text is not None and text not in self.choices:
            raise ValidationError(f"Must be {' or '.join(self.choices)}, not {text[:40]!a}.")
        return text


class Whole(WireField):
    """A whole number where 0 says something."""

    invalid = "Not a valid integer."

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            value = _number_in(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -LIMIT < value < LIMIT:
            raise ValidationError(self.invalid)
        return value


class Measure(Whole):
    """A whole number of bytes, pixels, bit/s or Hz. Nothing measures 0: vendors write it for "not known"."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value.__class__ is int and -LIMIT < value < LIMIT:
            return value or None
        return super().deserialize(value, attr, data, **kwargs) or None


class Quantity(WireField):
    """A number that may have a fraction (seconds, frames a second); 0 is "not known"."""

    invalid = "Not a valid number."

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if value.__class__ is int and -LIMIT < value < LIMIT:
            return value or None
        return super().deserialize(value, attr, data, **kwargs) or None

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, str):
            value = _number_in(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -LIMIT < value < LIMIT:
            raise ValidationError(self.invalid)
        return value


class Kbps(Quantity):
    """Kilobits a second, loaded as bit/s."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        kilobits = super().deserialize(value, attr, data, **kwargs)
        if kilobits is None:
            return None
        bits = round(kilobits * 1000)
        if not -LIMIT < bits < LIMIT:
            raise ValidationError(self.invalid)
        return bits or None


class Flag(WireField):
    """1 or 0, yes or no: here 0 says something, so it is False and not None."""

    invalid = "Must be 1 or 0."

    _MEANINGS: ClassVar[dict[str, bool]] = {
        "1": True,
        "0": False,
        "true": True,
        "false": False,
        "yes": True,
        "no": False,
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, (bool, int, float)) and value in (0, 1):
            return bool(value)
        if isinstance(value, str) and value.lower() in self._MEANINGS:
            return self._MEANINGS[value.lower()]
        raise ValidationError(self.invalid)


class Code(WireField):
    """An error code: an int where it is one, also when written as a string; else the vendor's word. 0 is a
    code.
    """

    invalid = "Not a valid code."

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | str:
        if isinstance(value, str):
            return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else encodable(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -LIMIT < value < LIMIT:
            raise ValidationError(self.invalid)
        return value


class TextOrNumber(WireField):
    """A word, or the number in its place, each kept as it is."""

    invalid = "Not a valid string or number."

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | int | float:
        if isinstance(value, str):
            return encodable(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -LIMIT < value < LIMIT:
            raise ValidationError(self.invalid)
        return value


class OneOrMany(WireField):
    """A list, or the one thing that would be in it. Absent is []; absent in the list is None."""

    def __init__(self, each: WireField, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.each = each

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """A list of what `each` makes of the items. Raises ValidationError with all that is wrong."""
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


class Record(WireField):
    """An object inside an object, read by the fields of `shape`.

    The pages type some objects as Array: an array of exactly that one object is the object, and `[]`, which
    is how PHP writes it, an empty one.

    Warning: it walks the shape's fields itself, so the shape's hooks and validators do not run. A nested
    `Schema.load` costs 3 us before it looks at a field, and a callback holds twenty such objects.
    """

    invalid = "Not a valid object."

    def __init__(self, shape: type[Schema], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._columns = [
            (name, field.data_key or name, field.deserialize) for name, field in shape().load_fields.items()
        ]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.load(self.the_object(value))

    def the_object(self, value: Any) -> Mapping[str, Any]:
        """`value` itself, or the one object in it. Raises ValidationError."""
        if isinstance(value, list) and len(value) < 2:
            value = value[0] if value else {}
        if not isinstance(value, dict):
            raise ValidationError(self.invalid)
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
        """A list of loaded records. Raises ValidationError with all that is wrong, by index."""
        if value is None or value is missing or value == "":
            return []
        if isinstance(value, dict):
            return [self.load(value)]
        if not isinstance(value, list):
            raise ValidationError(self.invalid)
        loaded: list[dict[str, Any]] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(value):
            try:
                if not isinstance(item, dict):
                    raise ValidationError(self.invalid)
                loaded.append(self.load(item))
            except ValidationError as error:
                errors[index] = error.messages
        if errors:
            raise ValidationError(errors)
        return loaded


def _number_in(text: str) -> int | float | None:
    """The number `text` is; not through float where it is whole, which would round what is beyond 53 bits."""
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)
