"""The document at `/api/openapi.json` says what is there, and nothing else."""

import copy
import json
import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from app import create_app
from schemas.settings import read_settings
from tests.app.api.documented import closed, problems
from tests.running import ROOT

#: What people see and programs do not read.
NOT_IN_IT = ("/console",)


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(
        read_settings({"REDIS_URL": "redis://127.0.0.1:1/0", "API_TOKEN": "t", "PULL_CREDENTIALS": "id:key"})
    )


@pytest.fixture(scope="module")
def document(app: Flask) -> Any:
    answer = app.test_client().get("/api/openapi.json", headers={"Authorization": "Bearer t"})
    assert answer.status_code == 200
    return answer.json


def test_it_is_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_it_needs_the_token(app: Flask) -> None:
    assert app.test_client().get("/api/openapi.json").status_code == 401


def test_every_route_is_in_it(app: Flask, document: Any) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith(NOT_IN_IT)
    }
    in_front_of_flask = {("/callbacks/{source}", "POST"), ("/callbacks/{source}/{token}", "POST")}
    documented = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert documented == routes | in_front_of_flask


def test_every_call_says_what_it_is_and_every_tag_is_explained(document: Any) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert set(operation["tags"]) <= tags, (method, path)
            assert all(response["description"] for response in operation["responses"].values()), (method, path)
            assert operation["security"] == ([{"token": []}] if path.startswith("/api/") else []), (method, path)


def test_what_may_be_absent_is_null_in_the_way_of_3_1(document: Any) -> None:
    event = document["components"]["schemas"]["Event"]
    assert event["properties"]["media_id"]["type"] == ["string", "null"]
    assert event["properties"]["input"]["anyOf"] == [{"$ref": "#/components/schemas/Input"}, {"type": "null"}]
    assert "nullable" not in str(document)


def test_every_example_is_what_could_be_asked_or_answered(document: Any) -> None:
    without = []
    judge = closed(copy.deepcopy(document))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            contents = {"body": operation.get("requestBody", {}).get("content", {})}
            contents |= {status: response.get("content", {}) for status, response in operation["responses"].items()}
            for what, content in contents.items():
                for media in content.values():
                    if "example" in media:
                        assert problems(judge, media["schema"], media["example"]) == [], (method, path)
                    elif path.startswith("/api/") and what < "300" and path != "/api/openapi.json":
                        without.append((method, path, what))
    assert without == []


def test_the_links_of_the_document_lead_somewhere(document: Any) -> None:
    for name in named_in(document):
        assert name in document["components"]["schemas"]


def test_without_the_store_every_call_says_so_as_documented(app: Flask, document: Any) -> None:
    judge = closed(copy.deepcopy(document))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not path.startswith("/api/") or path == "/api/openapi.json" or ("{" not in path and method == "post"):
                continue
            answer = app.test_client().open(
                re.sub(r"{\w+}", "some:id", path), method=method, headers={"Authorization": "Bearer t"}, json={}
            )
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), (method, path)
            schema = operation["responses"]["503"]["content"]["application/json"]["schema"]
            assert problems(judge, schema, answer.json) == [], (method, path)


def test_every_code_of_an_error_is_in_the_document_and_in_the_reference(document: Any) -> None:
    files = [*(ROOT / "app" / "api").glob("*.py"), ROOT / "app" / "errors.py", ROOT / "schemas" / "api" / "query.py"]
    code = re.compile(r'(?:error\(\d+|BadQuery\(), ?"([a-z_]+)"|BadQuery\("([a-z_]+)"')
    codes = {one or other for file in files for one, other in code.findall(file.read_text())}
    assert codes >= {"bad_parameter", "not_found", "store_unavailable"}
    reference = (ROOT / "docs" / "reference.md").read_text()
    said = json.dumps(document)
    for name in codes:
        assert re.search(rf"`(\d+ )?{name}`", reference), f"{name} is not in the reference"
        assert f"`{name}`" in said or name == "method_not_allowed", f"{name} is not in the document"


def test_what_is_always_answered_is_not_called_optional(document: Any) -> None:
    """Else a generated client has every field maybe missing."""
    schemas = document["components"]["schemas"]
    answers = [operation["responses"] for methods in document["paths"].values() for operation in methods.values()]
    answered: set[str] = set()
    new = set(named_in(answers))
    while new:
        answered |= new
        new = set(named_in([schemas[name] for name in new])) - answered
    partly = {name for name in answered if schemas[name].get("required", []) != sorted(schemas[name]["properties"])}
    assert partly <= {"Step", "Place", "Part", "Ready"}


def named_in(part: Any) -> list[str]:
    return re.findall(r"#/components/schemas/(\w+)", json.dumps(part))
