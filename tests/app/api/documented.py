"""The document as a judge of answers."""

from typing import Any

from jsonschema import Draft202012Validator


def closed(document: Any) -> Any:
    """The document with every object having the fields it names, and no others."""
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def problems(document: Any, schema: Any, value: Any) -> list[str]:
    """What of `value` is not as `schema`, a part of the document, says."""
    validator = Draft202012Validator(
        {"components": document["components"], **schema}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{problem.json_path}: {problem.message}" for problem in validator.iter_errors(value)]
