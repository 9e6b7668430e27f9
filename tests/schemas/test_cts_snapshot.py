"""cts-snapshot-callback.md."""

import pytest

from schemas.reading import MOST_RENDITIONS
from tests.schemas.bodies import NO_INPUT, NO_RENDITION, payload, read, refusal

HOST = "http://test-1253125191.cossh.myqcloud.com"
BUCKET = {"name": "test", "region": "sh", "app_id": "1253125191"}


def test_a_success_tells_of_the_input_and_both_times():
    event = read("cts-snapshot", payload("cts-snapshot"))
    assert (event["type"], event["status"], event["errors"]) == ("snapshot.completed", "succeeded", [])
    assert event["task_id"] == event["media_id"] == "064ffb39073403d22fb16df22a0d0b7e1534820888"
    assert (event["created_at"], event["finished_at"]) == (
        "2018-08-23T16:25:18+08:00",
        "2018-08-23T16:25:25+08:00",
    )
    assert event["input"] == {
        **NO_INPUT,
        "url": f"{HOST}/acts/d.mp4",
        "path": "/acts/d.mp4",
        "bucket": BUCKET,
        "duration": 30,
        "width": 3840,
        "height": 2032,
    }


def test_each_url_is_a_rendition_named_by_its_number():
    event = read("cts-snapshot", payload("cts-snapshot"))
    assert event["renditions"] == [
        {
            **NO_RENDITION,
            "id": f"{event['id']}/snapshot/{name}",
            "kind": "snapshot",
            "name": name,
            "urls": [f"{HOST}/test-fast-snapshot/d.mp4.{name}.png"],
            "paths": [f"/test-fast-snapshot/d.mp4.{name}.png"],
            "bucket": BUCKET,
            "container": "png",
        }
        for name in ("1", "4", "13", "16", "24")
    ]


def test_a_failure_says_why_and_shows_no_zeros():
    event = read("cts-snapshot", payload("cts-snapshot-failed"))
    assert (event["type"], event["status"], event["renditions"]) == ("snapshot.failed", "failed", [])
    assert event["errors"] == [{"code": 118, "message": "解码失败"}]
    assert [event["input"][key] for key in ("duration", "width", "height")] == [None, None, None]


@pytest.mark.parametrize(("code", "ours"), [("118", 118), (118, 118), ("E1", "E1"), (None, None), (0, 0)])
def test_an_error_code_may_be_null_a_number_or_a_string(code, ours):
    body = {**payload("cts-snapshot-failed"), "error_code": code}
    assert read("cts-snapshot", body)["errors"][0]["code"] == ours


@pytest.mark.parametrize("status", [5, "5"])
def test_a_status_may_be_a_string_as_in_the_table(status):
    assert read("cts-snapshot", {**payload("cts-snapshot"), "status": status})["status"] == "succeeded"


@pytest.mark.parametrize("status", [6, "ok", True, 5.5])
def test_another_status_is_not_guessed_at(status):
    assert refusal("cts-snapshot", {**payload("cts-snapshot"), "status": status})[0] == "invalid"


@pytest.mark.parametrize(
    ("url", "name", "paths", "bucket"),
    [
        ("http://cdn.example.com/a/shot.jpg", "shot.jpg", ["/a/shot.jpg"], None),
        ("http://cdn.example.com/a.7.jpg?sign=b/c.8.png", "7", ["/a.7.jpg"], None),
        ("http://[bad", "1", [], None),
    ],
)
def test_a_url_of_another_form_is_passed_on_all_the_same(url, name, paths, bucket):
    rendition = read("cts-snapshot", {**payload("cts-snapshot"), "result": [url]})["renditions"][0]
    assert (rendition["urls"], rendition["name"], rendition["paths"], rendition["bucket"]) == (
        [url],
        name,
        paths,
        bucket,
    )


@pytest.mark.parametrize("result", [None, [], "", [None, ""]])
def test_no_pictures_is_no_error(result):
    assert read("cts-snapshot", {**payload("cts-snapshot"), "result": result})["renditions"] == []


def test_a_few_bytes_that_would_become_a_huge_event_become_a_dead_letter():
    reason, message = refusal("cts-snapshot", {**payload("cts-snapshot"), "result": ["a"] * (MOST_RENDITIONS + 1)})
    assert (reason, message) == ("invalid", "it lists 10001 renditions; 10000 of one callback are taken")
    most = read("cts-snapshot", {**payload("cts-snapshot"), "result": ["a"] * MOST_RENDITIONS})
    assert len(most["renditions"]) == MOST_RENDITIONS
