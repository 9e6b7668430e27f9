"""`/api/openapi.json`: the JSON API described in OpenAPI 3.1, from the declarations that it is served by.

It holds no secret, but it needs the token like everything else under `/api`: what need not be open is not.
"""

import functools
import inspect
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import jsonify
from flask.typing import ResponseReturnValue
from marshmallow import INCLUDE, Schema, fields

from app.api.calls import Api, Bytes, Call, Content, Lines
from app.services import Services
from schemas.api.answer import Answer, Error, example_of
from schemas.api.callbacks import Acknowledged
from schemas.api.health import Alive, Ready
from schemas.sources import SOURCES

#: of the API, not of the program: it changes when a client must
VERSION = "1.0"
TAGS = {
    "events": "What came in, understood.",
    "renditions": "What the events fanned out to.",
    "dead-letters": "What could not be understood or delivered, to be replayed or discarded.",
    "subscriptions": "Where renditions are pushed to.",
    "openapi": "This document.",
    "callbacks": "What the vendors post.",
    "health": "Whether it lives, and how it is.",
}
#: Every call under `/api` may answer these.
ERRORS = {
    400: "A parameter or the body cannot be understood: `bad_parameter`, `bad_limit`, `bad_cursor`, `bad_body`.",
    401: "`unauthorized`: the token is missing or wrong.",
    503: "`store_unavailable`: the store does not answer at the moment.",
}
NOT_FOUND = "`not_found`: there is no such thing."
TOO_LARGE = "`body_too_large`: the body is longer than this takes."
#: Bytes of any kind, in the words that generators of clients know.
BINARY = {"type": "string", "format": "binary"}

_IN_RULE = re.compile(r"<(?:\w+:)?(\w+)>")


class Document(Answer):
    """An OpenAPI 3.1 document."""

    class Meta:
        unknown = INCLUDE

    openapi = fields.String()
    info = fields.Dict()
    paths = fields.Dict()


class _Plugin(MarshmallowPlugin):
    """Makes JSON Schema of our schemas, each with what its class says it is."""

    def init_spec(self, spec: APISpec) -> None:
        """Begins a document."""
        super().init_spec(spec)
        if self.converter is not None:
            self.converter.add_parameter_attribute_function(_may_be_empty)

    # Its two parents disagree about the types.
    def schema_helper(self, name: Any, _: Any, schema: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """The schema as JSON Schema."""
        made = super().schema_helper(name, _, schema=schema, **kwargs)  # type: ignore[no-untyped-call]
        return made and {"description": _about(type(schema)), **made}


def _may_be_empty(_: Any, field: Any, **kwargs: Any) -> dict[str, Any]:
    """What `read_query` does with an empty parameter."""
    return {"allowEmptyValue": True}


def add_routes(api: Api, services: Services) -> None:
    """The document."""

    @functools.cache
    def document() -> dict[str, Any]:
        return describe(api.calls)

    @api.call("GET", "/openapi.json", answers={200: Document})
    def describe_api() -> ResponseReturnValue:
        """Describes the API in OpenAPI 3.1."""
        return jsonify(document())


def describe(calls: Iterable[Call]) -> dict[str, Any]:
    """The document of these calls under `/api`, and of what else is asked of a web process in JSON or posted to it."""
    spec = APISpec(
        title="transcode-inbox",
        version=VERSION,
        openapi_version="3.1.0",
        plugins=[_Plugin()],
        info={"description": 'Every list is newest first. Absent is null, never 0 or "".'},
        servers=[{"url": "/"}],
        tags=[{"name": name, "description": about} for name, about in TAGS.items()],
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "description": "`API_TOKEN`"})
    for call in calls:
        spec.path(path=_path(call.rule), operations={call.method.lower(): _operation(call)})
    for path, method, operation in _others():
        spec.path(path=path, operations={method: operation})
    described: dict[str, Any] = spec.to_dict()
    # First what it is, for whoever looks at its beginning.
    return {**{name: described[name] for name in ("openapi", "info")}, **described}


def _path(rule: str) -> str:
    return "/api" + _IN_RULE.sub(r"{\1}", rule)


def _operation(call: Call) -> dict[str, Any]:
    summary, _, description = call.about.partition("\n")
    in_path = _IN_RULE.findall(call.rule)
    errors = {
        **ERRORS,
        **({404: NOT_FOUND} if in_path else {}),
        **({413: TOO_LARGE} if call.body else {}),
        **call.errors,
    }
    operation: dict[str, Any] = {
        "operationId": call.name,
        "tags": [call.tag],
        "summary": summary.rstrip("."),
        "security": [{"token": []}],
        "parameters": [
            *({"in": "path", "name": name, "required": True, "schema": {"type": "string"}} for name in in_path),
            {"in": "query", "schema": call.query()},
        ],
        "responses": {
            **{str(status): _response(status, content) for status, content in call.answers.items()},
            **{str(status): _error(about) for status, about in sorted(errors.items())},
        },
    }
    if description.strip():
        operation["description"] = description.strip()
    if call.body is not None:
        about = {"description": call.body.about} if isinstance(call.body, Bytes) else {}
        required = not isinstance(call.body, Bytes)
        operation["requestBody"] = {**about, "required": required, "content": _content(call.body)}
    return operation


def _response(status: int, content: Content) -> dict[str, Any]:
    if content is None or isinstance(content, Bytes):
        return {"description": HTTPStatus(status).phrase}
    schema = content.schema if isinstance(content, Lines) else content
    return {"description": _about(schema), "content": _content(content)}


def _content(content: type[Schema] | Lines | Bytes) -> dict[str, Any]:
    if isinstance(content, Bytes):
        return {"application/octet-stream": {"schema": BINARY}}
    if isinstance(content, Lines):
        # An array is the same, for those who have one; and what JSON lines hold, a document cannot say otherwise.
        array = {"type": "array", "items": content.schema()}
        return {
            "application/json": {"schema": array, **_example([example_of(content.schema)])},
            "application/x-ndjson": {"schema": {"type": "string"}},
        }
    return {"application/json": {"schema": content(), **_example(example_of(content))}}


def _example(example: Any) -> dict[str, Any]:
    return {} if example in (None, [None]) else {"example": example}


def _error(about: str) -> dict[str, Any]:
    return {"description": about, "content": _content(Error)}


def _others() -> Iterable[tuple[str, str, dict[str, Any]]]:
    """What is not under `/api`: paths, methods, operations."""
    body = {
        "description": "Whatever the vendor posts. It is not looked at before it is acknowledged.",
        "content": {"application/json": {"schema": {}}, "application/octet-stream": {"schema": BINARY}},
    }
    source = {"in": "path", "name": "source", "required": True, "schema": {"type": "string", "enum": sorted(SOURCES)}}
    token = {"in": "path", "name": "token", "required": True, "schema": {"type": "string"}}
    refused = {
        "400": "`body_cut_short`: the body ended before the announced length.",
        "403": "`wrong_token`: the token is missing or wrong, or there is one and `CALLBACK_TOKENS` is not set.",
        "404": "`unknown_source`",
        "413": "`body_too_large`: over `MAX_BODY_BYTES`.",
        "503": "`not_durable`: neither the inbox nor a spool could take it; `Retry-After` says when to send it again.",
    }
    for name, path, parameters in (
        ("callback", "/callbacks/{source}", [source]),
        ("callback_with_token", "/callbacks/{source}/{token}", [source, token]),
    ):
        yield (
            path,
            "post",
            {
                "operationId": name,
                "tags": ["callbacks"],
                "summary": "Takes a callback" + (" where `CALLBACK_TOKENS` is set" if "token" in name else ""),
                "security": [],
                "parameters": parameters,
                "requestBody": body,
                "responses": {
                    "200": _response(200, Acknowledged),
                    **{status: _error(about) for status, about in refused.items()},
                },
            },
        )
    metrics = {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    for path, summary, responses in (
        ("/healthz", "Says that the process answers", {"200": _response(200, Alive)}),
        ("/readyz", "Says whether callbacks can be made durable", {
            "200": {**_response(200, Ready), "description": "They can; `parts` may have more to say."},
            "503": {**_response(503, Ready), "description": "They cannot: `parts` says why."},
        }),
        ("/metrics", "Gives the numbers for Prometheus", {"200": metrics}),
    ):  # fmt: skip
        yield (
            path,
            "get",
            {
                "operationId": path[1:],
                "tags": ["health"],
                "summary": summary,
                "security": [],
                "responses": responses,
            },
        )


def _about(schema: type[Schema]) -> str:
    return (inspect.getdoc(schema) or "").partition("\n")[0]
