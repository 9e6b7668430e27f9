"""`transcode-inbox subscriptions`: what it asks of the API, and what it shows of the answers."""

import json

import pytest

KEPT = {
    "id": "sub_1",
    "url": "https://host/hook?key=hush",
    "filter": {"source": "cts-video", "type": None, "min_height": 720},
    "each": "rendition",
    "secret": "whsec_hush",
    "created_at": "2026-01-01T00:00:00.000Z",
    "disabled": None,
    "health": {"circuit": "open", "pending": 3, "out": 1, "delivered": 7},
}


def body_of(server):
    return json.loads(server.requests[0][3])


def test_every_filter_is_asked_for_and_the_secret_is_shown(cli, serve):
    server = serve(lambda *_: (201, json.dumps(KEPT).encode()))
    result = cli(
        *("subscriptions", "add", "https://host/hook", "--source", "cts-video", "--type", "transcode.completed"),
        *("--status", "succeeded", "--kind", "video", "--name", "f[34]0", "--media-id", "963f", "--min-height", "720"),
        *("--each", "event", "--secret", "whsec_x", "--url", server.url),
        API_TOKEN="t",
    )
    assert result.exit_code == 0, result.output
    assert server.requests[0][:2] == ("POST", "/api/subscriptions")
    assert body_of(server) == {
        "url": "https://host/hook",
        "filter": {
            "source": "cts-video",
            "type": "transcode.completed",
            "status": "succeeded",
            "kind": "video",
            "name": "f[34]0",
            "media_id": "963f",
            "min_height": 720,
        },
        "each": "event",
        "secret": "whsec_x",
    }
    assert json.loads(result.stdout) == KEPT


def test_without_options_nothing_is_asked_for(cli, serve):
    server = serve(lambda *_: (201, b"{}"))
    cli("subscriptions", "add", "celery://video/tasks.publish", "--url", server.url, API_TOKEN="t")
    asked = body_of(server)
    assert asked["url"] == "celery://video/tasks.publish"
    assert {*asked["filter"].values(), asked["each"], asked["secret"]} == {None}


def test_the_list_says_how_each_does_and_no_secret(cli, serve):
    server = serve(lambda *_: (200, json.dumps({"subscriptions": [KEPT], "next": None}).encode()))
    table = cli("subscriptions", "list", "--table", "--url", server.url, API_TOKEN="t").stdout
    lines = cli("subscriptions", "list", "--json", "--url", server.url, API_TOKEN="t").stdout
    assert "https://host/hook " in table
    assert "source=cts-video min_height=720" in table
    assert "circuit open" in table
    assert "hush" not in table
    assert "whsec_" not in lines
    assert json.loads(lines)["id"] == "sub_1"
    assert json.loads(cli("subscriptions", "show", "sub_1", "--url", server.url, API_TOKEN="t").stdout)


def test_each_change_is_one_call(cli, serve):
    server = serve(lambda *_: (200, b"{}"))
    for change in ("enable", "disable", "remove"):
        cli("subscriptions", change, "sub_1", "sub_2", "--url", server.url, API_TOKEN="t")
    assert [(method, path) for method, path, *_ in server.requests] == [
        ("POST", "/api/subscriptions/sub_1/enable"),
        ("POST", "/api/subscriptions/sub_2/enable"),
        ("POST", "/api/subscriptions/sub_1/disable"),
        ("POST", "/api/subscriptions/sub_2/disable"),
        ("DELETE", "/api/subscriptions/sub_1"),
        ("DELETE", "/api/subscriptions/sub_2"),
    ]


@pytest.mark.parametrize(
    ("outcome", "status", "says"),
    [
        (
            {"status": 202, "seconds": 0.05, "answer": "thanks", "error": None},
            0,
            "it answered 202 after 0.050 s\nthanks\n",
        ),
        ({"status": None, "seconds": 0.002, "answer": "published", "error": None}, 0, "published after 0.002 s\n"),
        (
            {"status": 500, "seconds": 0.05, "answer": "\x1b[31moops", "error": "it answered 500"},
            1,
            "Error: it answered 500 (after 0.050 s). It said: ?[31moops\n",
        ),
        (
            {"status": None, "seconds": 15.0, "answer": None, "error": "no answer within 15 s"},
            1,
            "Error: no answer within 15 s (after 15.000 s).\n",
        ),
    ],
)
def test_a_test_shows_the_answer_and_fails_where_it_did_not_arrive(cli, serve, outcome, status, says):
    url = serve(lambda *_: (200, json.dumps(outcome).encode())).url
    result = cli("subscriptions", "test", "sub_1", "--text", "--url", url, API_TOKEN="t")
    assert result.exit_code == status
    assert says in result.output


def test_a_destination_that_is_none_is_bad_usage_and_named_with_its_field(cli, serve):
    message = "url: Must begin with http://, https:// or celery://."
    url = serve(lambda *_: (400, json.dumps({"error": {"code": "bad_body", "message": message}}).encode())).url
    result = cli("subscriptions", "add", "ftp://host/", "--url", url, API_TOKEN="t")
    assert (result.exit_code, result.stderr) == (2, f"Error: {message}\n")
