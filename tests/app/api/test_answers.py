"""What is answered is exactly what the document says: no field more, none less, each of the type it says."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from schemas.sources import SOURCES
from tests.app.api.conftest import FURTHER, SUBSCRIPTIONS
from tests.app.api.documented import closed, problems
from tests.running import Answer, Service

ERRORS = {"events/none": 404, "dead-letters/none": 404, "events?limit=x": 400, "events?what=x": 400}


@pytest.fixture
def document(full_service: Service) -> Any:
    return closed(full_service.api("openapi.json").json)


def check(document: Any, path: str, answer: Answer, method: str = "get") -> None:
    response = document["paths"][path][method]["responses"][str(answer.status)]
    assert problems(document, response["content"]["application/json"]["schema"], answer.json) == []


def things(service: Service, kind: str) -> Iterator[Any]:
    cursor = ""
    while cursor is not None:
        page = service.api(f"{kind}?limit=5&cursor={cursor}").json
        yield from page[kind.replace("-", "_")]
        cursor = page["next"]


def test_every_list_is_as_documented(full_service: Service, document: Any) -> None:
    lists = [path for path in document["paths"] if f"{path}/{{" in str(document["paths"]) and path.startswith("/api/")]
    for path in {*lists, "/api/renditions"}:
        answer = full_service.api(path.removeprefix("/api/") + "?limit=500")
        assert answer.status == 200
        assert any(value for name, value in answer.json.items() if name != "next"), path
        check(document, path, answer)


def test_every_event_is_as_documented_whatever_happened_to_it(full_service: Service, document: Any) -> None:
    events = list(things(full_service, "events"))
    assert len(events) == len(SOURCES) + len(FURTHER)
    steps = set()
    for event in events:
        answer = full_service.api(f"events/{quote(event['id'])}")
        check(document, "/api/events/{event_id}", answer)
        steps |= {step["what"] for step in answer.json["history"]}
    assert steps >= {"received", "recorded", "duplicate", "pulled", "confirmed", "pushed"}


def test_every_dead_letter_is_as_documented(full_service: Service, document: Any) -> None:
    letters = list(things(full_service, "dead-letters"))
    assert {letter["reason"] for letter in letters} >= {"invalid", "malformed_json", "unreadable"}
    for letter in letters:
        path = f"dead-letters/{quote(letter['id'])}"
        check(document, "/api/dead-letters/{letter_id}", full_service.api(path))
        check(
            document,
            "/api/dead-letters/{letter_id}/replay",
            full_service.api(f"{path}/replay", "POST"),
            method="post",
        )


def test_every_subscription_is_as_documented(full_service: Service, document: Any) -> None:
    subscriptions = list(things(full_service, "subscriptions"))
    assert len(subscriptions) == len(SUBSCRIPTIONS)
    for subscription in subscriptions:
        path = f"subscriptions/{subscription['id']}"
        check(document, "/api/subscriptions/{subscription_id}", full_service.api(path))
        for change in ("disable", "enable"):
            answer = full_service.api(f"{path}/{change}", "POST")
            assert (answer.json["disabled"] is None) == (change == "enable")
            check(document, f"/api/subscriptions/{{subscription_id}}/{change}", answer, method="post")


def test_health_is_as_documented(full_service: Service, document: Any) -> None:
    for path in ("/healthz", "/readyz"):
        check(document, path, full_service.get(path))


@pytest.mark.parametrize(("query", "status"), ERRORS.items())
def test_errors_are_as_documented(full_service: Service, document: Any, query: str, status: int) -> None:
    answer = full_service.api(query)
    assert answer.status == status
    path = "/api/" + query.partition("?")[0].replace("events/none", "events/{event_id}").replace(
        "dead-letters/none", "dead-letters/{letter_id}"
    )
    check(document, path, answer)


def test_a_refusal_of_the_token_is_as_documented(full_service: Service, document: Any) -> None:
    answer = full_service.get("/api/events")
    assert answer.status == 401
    check(document, "/api/events", answer)
