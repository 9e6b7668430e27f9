"""What a query string may hold: the parameters that most calls share, and the fields they are made of.

A parameter that is empty counts as not given, and loads as None where it has no default.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from marshmallow import Schema, ValidationError, fields, validate

from schemas.sources import SOURCES

#: Items a list gives when nothing is said, and at most.
USUAL_LIMIT, MOST_LIMIT = 50, 500
#: Characters of a wrong value that an error repeats.
MOST_REPEATED = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The last moment that can be written as a time; in a zone west of UTC years go on a little longer.
LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


class BadQuery(ValueError):
    """The query cannot be understood; the message is a sentence, `code` what a program may look at."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WholeNumber(fields.Integer):
    """A whole number from `least` to `most`, in ASCII digits."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        # For the document; the check below is the one that counts, and has the better sentence.
        super().__init__(validate=validate.Range(least, most), **kwargs)
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        # Nineteen digits are more than anybody counts, and int() refuses thousands of them in its own way.
        is_number = value.isascii() and value.isdigit() and len(value) < 20
        if not (is_number and self._least <= int(value) <= self._most):
            raise ValidationError(f"must be a whole number from {self._least} to {self._most}, not {_shown(value)}")
        return int(value)


class Word(fields.String):
    """One of a few words."""

    def __init__(self, *words: str, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(words), **kwargs)
        self._words = words

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self._words:
            raise ValidationError(f"must be one of {', '.join(self._words)}, not {_shown(value)}")
        return str(value)


class YesOrNo(fields.Boolean):
    """`true` or `false`; `1` and `0`, `yes` and `no` are taken too."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value.lower() in ("true", "1", "yes"):
            return True
        if value.lower() in ("false", "0", "no"):
            return False
        raise ValidationError(f"must be true or false, not {_shown(value)}")


class SourceName(Word):
    """One of the sources that callbacks come from."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(*sorted(SOURCES), **kwargs)


class Query(Schema):
    """The parameters of one call; this one takes none."""


class Instant(fields.Field[int]):
    """A time with its zone, ISO 8601; loaded as milliseconds since the epoch, from it to LAST."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "string", "format": "date-time", **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        try:
            time = datetime.fromisoformat(value.upper())
            if time.tzinfo is None:
                raise ValueError
        except (AttributeError, ValueError):
            raise ValidationError(
                f"must be a time with its zone, as 2026-11-20T09:32:15Z, not {_shown(value)}"
            ) from None
        return min(max(0, (time - EPOCH) // timedelta(milliseconds=1)), LAST)


class PageQuery(Query):
    """The window of a list."""

    limit = WholeNumber(
        1, MOST_LIMIT, load_default=USUAL_LIMIT, metadata={"description": "How many, at most.", "examples": [100]}
    )
    cursor = fields.String(metadata={"description": "`next` of the page before, for the one that follows it."})


def read_query(schema: Query, given: Mapping[str, list[str]]) -> dict[str, Any]:
    """Every parameter that `schema` knows, by name. Raises BadQuery, which names what is wrong with which one."""
    unknown = [name for name in given if name not in schema.fields]
    if unknown:
        raise BadQuery("bad_parameter", _unknown(unknown, list(schema.fields)))
    for name, values in given.items():
        if len(values) > 1:
            raise BadQuery("bad_parameter", f"{name} may be given once, and came {len(values)} times.")
    try:
        loaded = schema.load({name: values[0] for name, values in given.items() if values[0]})
    except ValidationError as error:
        # Only fields are checked here, each with a sentence of its own.
        name, problems = next(iter(cast("dict[str, list[str]]", error.messages).items()))
        code = f"bad_{name}" if name in ("limit", "cursor") else "bad_parameter"
        raise BadQuery(code, f"{name} {problems[0]}.") from None
    return {name: loaded.get(name) for name in schema.fields}


def _unknown(unknown: list[str], known: list[str]) -> str:
    names = ", ".join(_shown(name) for name in unknown[:5])
    if not known:
        return f"This call takes no parameters, and {names} was given."
    return f"This call does not know the parameter {names}. It knows {', '.join(known)}."


def _shown(value: Any) -> str:
    return repr(value[:MOST_REPEATED]) if isinstance(value, str) else f"{value!r:.{MOST_REPEATED}}"
