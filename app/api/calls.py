"""How a call of the API is declared: method and path with what it takes and what it answers, in one place.

    @api.call("GET", "/events", query=EventsQuery, answers={200: EventsPage})
    def events(query: Given) -> ResponseReturnValue:
        \"\"\"Lists events, newest first.

        A page may be shorter than `limit`.
        \"\"\"
        return listed("events", services.listing.events(**query))

The view gets what is in the path, `query` if one is declared (every parameter by name, None where it is not given), and
`body` likewise. What a schema does not take is refused before the view is asked. The declaration and the docstring are
what `/api/openapi.json` says, so a call cannot be there without being in it.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError

from schemas.api.query import Query, read_query
from schemas.problems import sentence

#: What a view is given of a query or a body.
Given = dict[str, Any]
View = Callable[..., ResponseReturnValue]


class BadBody(ValueError):
    """The body cannot be understood; the message is a sentence."""


@dataclass(frozen=True)
class Lines:
    """JSON lines (`application/x-ndjson`), each as `schema` says. A view reads such a body itself, from `request.stream`."""

    schema: type[Schema]


@dataclass(frozen=True)
class Bytes:
    """Bytes of any kind, or none. A view reads such a body itself."""

    about: str


#: What a body or an answer is; None is nothing at all.
Content = type[Schema] | Lines | Bytes | None


@dataclass(frozen=True)
class Call:
    """One call as it was declared."""

    method: str
    #: Flask's, below `/api`
    rule: str
    name: str
    #: the docstring: its first line is the summary
    about: str
    query: type[Query]
    body: Content
    #: by status
    answers: Mapping[int, Content]
    #: when it is refused, by status, beyond what every call has
    errors: Mapping[int, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The kind of thing it is about: the first part of its path."""
        return self.rule.split("/")[1].removesuffix(".json")


class Api:
    """The calls of the API, added one by one to a blueprint."""

    def __init__(self, routes: Blueprint) -> None:
        self._routes = routes
        self.calls: list[Call] = []

    def call(
        self,
        method: str,
        rule: str,
        *,
        answers: Mapping[int, Content],
        query: type[Query] = Query,
        body: Content = None,
        errors: Mapping[int, str] | None = None,
    ) -> Callable[[View], View]:
        """Declares the call that the decorated view answers; its docstring is the documentation.

        A call without a `query` takes no parameters. `errors` says when a status that only this call has is answered.
        Raises ValueError for a view without a docstring.
        """

        def declare(view: View) -> View:
            about = inspect.getdoc(view)
            if not about:
                raise ValueError(f"{view.__name__} has no docstring, which is its documentation")
            self.calls.append(Call(method, rule, view.__name__, about, query, body, answers, errors or {}))
            parameters, shape = query(), body() if isinstance(body, type) else None

            @functools.wraps(view)
            def checked(**given: Any) -> ResponseReturnValue:
                asked = read_query(parameters, request.args.to_dict(flat=False))
                if query is not Query:
                    given["query"] = asked
                if shape is not None:
                    given["body"] = _read_body(shape, request.get_data())
                return view(**given)

            self._routes.add_url_rule(rule, view.__name__, checked, methods=[method])
            return view

        return declare


def _read_body(shape: Schema, data: bytes) -> Given:
    """The body as `shape` loads it, whatever its Content-Type says. Raises BadBody."""
    try:
        # orjson takes no half characters, which the store could not keep.
        given = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadBody(f"The body must be JSON: {error}.") from None
    if not isinstance(given, dict):
        raise BadBody("The body must be a JSON object.")
    try:
        loaded: Given = shape.load(given)
    except ValidationError as error:
        raise BadBody(f"{sentence(error.messages)}.") from None
    return loaded
