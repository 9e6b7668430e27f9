"""`/api/subscriptions`: what a team's script relies on."""

import json
from typing import Any

import pytest

from tests.running import API_TOKEN, Answer, Service


def ask(service: Service, method: str, path: str = "", body: Any = None) -> Answer:
    """A request of a team's script, with the token."""
    text = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    return service.request(method, f"/api/subscriptions{path}", text, {"Authorization": f"Bearer {API_TOKEN}"})


def test_a_subscription_is_made_shown_listed_disabled_enabled_and_removed(service: Service) -> None:
    asked = {"url": "http://127.0.0.1:9/hook?key=1", "filter": {"source": "cts-video", "min_height": 720}}
    made = ask(service, "POST", body=asked)
    assert made.status == 201
    one = made.json
    assert one["url"] == asked["url"]
    assert one["filter"] == {**dict.fromkeys(["type", "status", "kind", "name", "media_id"]), **asked["filter"]}
    assert (one["each"], one["disabled"]) == ("rendition", None)
    assert one["secret"].startswith("whsec_")
    assert one["health"] == {
        "pending": 0,
        "out": 0,
        "oldest_seconds": None,
        "circuit": "closed",
        "circuit_until": None,
        "consecutive_failures": 0,
        "delivered": 0,
        "failed": 0,
        "dead": 0,
        "dropped": 0,
        "last_attempts": [],
    }
    path = f"/{one['id']}"
    assert ask(service, "GET", path).json == one
    assert ask(service, "GET").json == {"subscriptions": [one], "next": None}
    disabled = ask(service, "POST", f"{path}/disable")
    assert disabled.status == 200
    assert disabled.json["disabled"]["reason"]
    assert ask(service, "POST", f"{path}/enable").json["disabled"] is None
    assert ask(service, "DELETE", path).status == 204
    for method, gone in (("GET", path), ("DELETE", path), ("POST", f"{path}/enable"), ("POST", f"{path}/disable")):
        answer = ask(service, method, gone)
        assert (answer.status, answer.json["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"url": "ftp://host/"}, "url: Must begin with http://, https:// or celery://."),
        ({"url": "http://h/", "filter": {"min_height": "tall"}}, "filter.min_height: Must be a whole number."),
        ([], "The body must be a JSON object."),
        (b"{", "The body must be JSON: "),
        (b"", "The body must be JSON: "),
    ],
)
def test_what_is_wrong_is_a_sentence_with_the_field_s_name(service: Service, body: Any, says: str) -> None:
    answer = ask(service, "POST", body=body)
    assert answer.status == 400
    assert answer.json["error"]["code"] == "bad_body"
    assert answer.json["error"]["message"].startswith(says)
    assert ask(service, "GET").json["subscriptions"] == []


def test_a_long_list_is_read_page_by_page(service: Service) -> None:
    made = [ask(service, "POST", body={"url": f"http://host/{number}"}).json["id"] for number in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = ask(service, "GET", f"?limit=2&cursor={cursor}").json
        assert len(page["subscriptions"]) <= 2
        seen += [one["id"] for one in page["subscriptions"]]
        cursor = page["next"]
    assert sorted(seen) == sorted(made)
    assert ask(service, "GET", "?cursor=x").json["error"]["code"] == "bad_cursor"


def test_nobody_without_the_token_sees_a_secret(service: Service) -> None:
    assert service.get("/api/subscriptions").status == 401
    assert service.request("POST", "/api/subscriptions", b'{"url": "http://host/"}').status == 401
