"""What a call takes, and how it refuses the rest."""

import pytest

from tests.running import API_TOKEN, Service

TOKEN = {"Authorization": f"Bearer {API_TOKEN}"}


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("events?limit=x", "bad_limit", "limit must be a whole number from 1 to 500, not 'x'."),
        ("events?limit=0", "bad_limit", "limit must be a whole number from 1 to 500, not '0'."),
        ("events?limit=" + "9" * 5000, "bad_limit", f"limit must be a whole number from 1 to 500, not '{'9' * 20}'."),
        ("renditions?limit=%D9%A3", "bad_limit", "limit must be a whole number from 1 to 500, not '٣'."),
        ("events?cursor=x", "bad_cursor", "'x' is no cursor of this list"),
        ("events?limit=1&limit=2", "bad_parameter", "limit may be given once, and came 2 times."),
        (
            "events?status=done",
            "bad_parameter",
            "status must be one of running, succeeded, failed, unknown, not 'done'.",
        ),
        (
            "dead-letters?source=cts_video",
            "bad_parameter",
            "source must be one of cts-audio, cts-snapshot, cts-video, tencent-vod, zego, not 'cts_video'.",
        ),
        ("events/zego:1?limit=1", "bad_parameter", "This call takes no parameters, and 'limit' was given."),
    ],
)
def test_a_wrong_parameter_is_named_with_what_it_may_be(service: Service, query: str, code: str, message: str) -> None:
    answer = service.api(query)
    assert answer.status == 400
    assert answer.json["error"] == {"code": code, "message": message}


def test_a_misspelt_filter_is_refused_and_not_passed_over(service: Service) -> None:
    answer = service.api("events?mediaid=1&limit=1")
    assert answer.status == 400
    assert answer.json["error"]["code"] == "bad_parameter"
    assert answer.json["error"]["message"].startswith(
        "This call does not know the parameter 'mediaid'. It knows limit,"
    )


def test_an_empty_parameter_counts_as_not_given(service: Service) -> None:
    assert service.api("events?limit=&cursor=&source=").json == {"events": [], "next": None}


@pytest.mark.parametrize("path", ["events", "events/none", "openapi.json", "nothing"])
def test_no_cache_on_the_way_keeps_what_the_api_answers(service: Service, path: str) -> None:
    assert service.api(path).headers["Cache-Control"] == "no-store"
    assert service.get(f"/api/{path}").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "NONSENSE"])
@pytest.mark.parametrize("path", ["events", "events/none", "openapi.json", "nothing", ""])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {API_TOKEN}"}])
def test_without_the_token_nobody_learns_even_what_is_there(
    service: Service, path: str, method: str, headers: dict[str, str]
) -> None:
    answer = service.request(method, f"/api/{path}", headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_head_is_get_without_the_body(service: Service) -> None:
    head = service.request("HEAD", "/api/events", headers=TOKEN)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(service.api("events").body))


@pytest.mark.parametrize("path", ["/api/nothing", "/api/dead-letters/a/b/c", "/nothing"])
def test_what_is_not_there_is_a_sentence(service: Service, path: str) -> None:
    answer = service.request("GET", path, headers=TOKEN)
    assert answer.status == 404
    assert answer.json == {"error": {"code": "not_found", "message": f"There is nothing at '{path}'."}}


def test_a_method_that_is_not_answered_is_told_which_are(service: Service) -> None:
    answer = service.request("PATCH", "/api/subscriptions", headers=TOKEN)
    assert answer.status == 405
    assert {method.strip() for method in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS", "POST"}
    message = "'/api/subscriptions' does not answer PATCH, but GET, HEAD, OPTIONS, POST."
    assert answer.json == {"error": {"code": "method_not_allowed", "message": message}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body must be JSON: "),
        (b"{", "The body must be JSON: "),
        (b"\xff", "The body must be JSON: "),
        (b"[" * 100_00, "The body must be JSON: "),
        (b'{"url": "http://\\ud800/"}', "The body must be JSON: "),
        (b"[]", "The body must be a JSON object."),
        (b"{}", "url: Missing data for required field."),
        (b'{"url": "http://a/", "fliter": {}}', "fliter: Unknown field."),
        (b'{"url": 1}', "url: Not a valid string."),
    ],
)
def test_a_wrong_body_is_a_sentence(service: Service, body: bytes, message: str) -> None:
    answer = service.request("POST", "/api/subscriptions", body, TOKEN)
    assert answer.status == 400
    assert answer.json["error"]["code"] == "bad_body"
    assert answer.json["error"]["message"].startswith(message)


def test_a_body_too_large_is_not_read_to_its_end(service: Service) -> None:
    answer = service.request("POST", "/api/subscriptions", b"[" * 70_000, TOKEN)
    assert answer.status == 413
    assert answer.json == {"error": {"code": "body_too_large", "message": "The body is longer than 65536 bytes."}}


def test_a_body_may_come_in_chunks_and_under_any_name(service: Service) -> None:
    headers = {**TOKEN, "Transfer-Encoding": "chunked", "Content-Type": "application/x-www-form-urlencoded"}
    answer = service.request("POST", "/api/subscriptions", b'15\r\n{"url": "http://a/b"}\r\n0\r\n\r\n', headers)
    assert answer.status == 201
    assert answer.json["url"] == "http://a/b"
