"""What is answered: the ground that the shapes of answers stand on, errors, and the few fields that JSON needs."""

from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields


class Answer(Schema):
    """Something that is answered. Every field of it is always there; what is not known is null.

    A field that is there only sometimes has `metadata={"sometimes": True}`. Whoever reads an answer should pass over
    fields that it does not know: there may be more one day.
    """

    class Meta:
        unknown = EXCLUDE

    #: One, as it might be answered, for the document; a list's is made of one of its items.
    example: ClassVar[Any] = None

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Makes the field required unless it says otherwise."""
        field_obj.required = not field_obj.metadata.get("sometimes", False)


class Time(fields.String):
    """A time as text, ISO 8601 with its zone."""

    def __init__(self, description: str, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date-time", "description": description}, **kwargs)


class TextOrNumber(fields.Raw):
    """The vendor's word, or a number in its place; or null."""

    def __init__(self, number: str, description: str) -> None:
        """`number` is `integer` or `number`."""
        super().__init__(allow_none=True, metadata={"type": [number, "string"], "description": description})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValidationError("Must be a number or a string.")
        return value


def example_of(schema: type[Schema]) -> Any:
    """What the class has as its `example`; for a page, one with an example of each thing it lists. None if there is none."""
    if not issubclass(schema, Page):
        return getattr(schema, "example", None)
    for name, field in schema().fields.items():
        if isinstance(field, fields.List) and isinstance(field.inner, fields.Nested):
            item = example_of(type(field.inner.schema))
            return item and {name: [item], "next": None}
    return None


class ErrorDetail(Answer):
    """What went wrong."""

    code = fields.String(metadata={"description": "For programs: does not change.", "examples": ["not_found"]})
    message = fields.String(metadata={"description": "For people: a sentence."})


class Error(Answer):
    """What every call answers that could not be done."""

    error = fields.Nested(ErrorDetail)


class Page(Answer):
    """Some of a list, newest first. It may be shorter than `limit` and still have a `next`."""

    next = fields.String(
        allow_none=True, metadata={"description": "The `cursor` of the following page; null at the end."}
    )
