"""What a call takes, and how it refuses the rest."""

import pytest

from tests.running import Service


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
