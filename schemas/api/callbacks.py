"""What callbacks are answered."""

from typing import Any, ClassVar

from marshmallow import fields, validate

from schemas.api.answer import Answer


class Acknowledged(Answer):
    """The body is durable, whatever it holds."""

    example: ClassVar[Any] = {"code": 0}

    code = fields.Integer(validate=validate.OneOf([0]))
