"""Bad usage is a sentence on stderr and status 2; what else fails is one and status 1; never a traceback."""

import json
import signal
import socket

import pytest

from tests.app.cli.conftest import free_port, until


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["run", "--port", "0"],
        ["run", "--port", "http"],
        ["run", "--workers", "0"],
        ["run", "extra"],
        ["send"],
        ["send", "nobody"],
        ["send", "zego", "--url", "127.0.0.1:8080"],
        ["send", "zego", "--url", "http://"],
        ["send", "zego", "--url", "http://host:port"],
        ["send", "zego", "--count", "0"],
        ["send", "zego", "--rate", "0"],
        ["send", "zego", "--file", "absent"],
        ["pull", "--api", "v4"],
        ["pull", "--url", "ftp://host"],
        ["events", "nonsense"],
        ["events", "show"],
        ["events", "list", "--limit", "0"],
        ["renditions", "list", "--nonsense"],
        ["dead-letters", "replay"],
        ["dead-letters", "replay", "zego:1", "--all"],
        ["dead-letters", "replay", "--all", "--reason", "invalid"],
        ["dead-letters", "replay", "--all", "--rate", "0"],
        ["dead-letters", "replay", "--all", "--sort", "other"],
        ["dead-letters", "replay", "--since", "yesterday"],
        ["dead-letters", "replay", "--all", "--file", __file__],
        ["dead-letters", "replay", "zego:1", "zego:2", "--file", __file__],
        ["dead-letters", "discard"],
        ["dead-letters", "import"],
        ["dead-letters", "import", "absent"],
        ["status", "--url", "http://host/?q"],
    ],
)
def test_bad_usage_is_a_sentence_and_status_2(cli, arguments):
    result = cli(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_an_unknown_source_is_told_the_five(cli):
    error = cli("send", "nobody").stderr
    assert all(name in error for name in ("cts-video", "cts-audio", "cts-snapshot", "tencent-vod", "zego"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("REDIS_URL", "mysql://"), ("RETENTION_DAYS", "-1"), ("PULL_CREDENTIALS", "a")],
)
def test_a_wrong_setting_stops_run_before_anything_starts(cli, tmp_path, name, value):
    result = cli("run", **{name: value})
    assert result.exit_code == 2
    assert f"{name} " in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_stops_run_before_anything_starts(cli, tmp_path):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = cli("run", "--port", str(port), PORT=str(free_port()))
    assert result.exit_code == 2
    assert f"Port {port} is in use already" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["events", "list"],
        ["events", "show", "x"],
        ["renditions", "list"],
        ["dead-letters", "discard", "x"],
        ["status"],
    ],
)
def test_an_unreachable_service_is_a_sentence(cli, arguments):
    url = f"http://127.0.0.1:{free_port()}"
    result = cli(*arguments, "--url", url, API_TOKEN="t")
    assert result.exit_code == 1
    assert result.stderr == f"Error: transcode-inbox is not reachable at {url}: Connection refused.\n"


def test_a_missing_token_is_a_sentence_that_says_what_to_do(cli):
    result = cli("events", "list")
    assert result.exit_code == 1
    assert "API_TOKEN is not set" in result.stderr


def test_ctrl_c_is_silent(start, serve):
    server = serve(lambda *_: (200, b'{"code": 4000, "message": ""}'))
    follow = start("-m", "app.cli", "pull", "--follow", "--url", server.url, PULL_CREDENTIALS="id:key")
    until(lambda: server.requests)
    assert follow.end(signal.SIGINT) == 130
    assert follow.printed.strip() == ""


def test_lists_are_tables_for_people_and_lines_for_programs(cli, serve, on_a_terminal):
    entries = [{"id": f"cts-video:{n}", "type": "transcode.completed", "renditions": [{}] * 8} for n in range(150)]

    def answer(method, path, headers, body):
        assert headers["Authorization"] == "Bearer t"
        assert "source=cts-video" in path
        page = entries[100:] if "cursor=c1" in path else entries[:100]
        return 200, json.dumps(
            {"events": page, "next": "c1" if page is not entries[100:] and len(page) == 100 else None}
        ).encode()

    url = serve(answer).url
    listed = cli("events", "list", "--source", "cts-video", "--limit", "120", "--json", "--url", url, API_TOKEN="t")
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == [e["id"] for e in entries[:120]]
    piped = cli("events", "list", "--source", "cts-video", "--limit", "120", "--url", url, API_TOKEN="t")
    assert piped.stdout == listed.stdout
    status, printed = on_a_terminal("events", "list", "--source", "cts-video", "--url", url, API_TOKEN="t")
    assert status == 0
    asked = cli("events", "list", "--source", "cts-video", "--table", "--url", url, API_TOKEN="t")
    assert asked.stdout == printed
    heading, first, *_ = printed.splitlines()
    assert heading.split()[:4] == ["EVENT", "TYPE", "STATUS", "RENDITIONS"]
    assert first.split() == ["cts-video:0", "transcode.completed", "-", "8", "-", "-", "-"]


def test_a_refusal_says_what_the_server_said(cli, serve):
    url = serve(lambda *_: (404, b'{"error": {"code": "not_found", "message": "There is no such event."}}')).url
    result = cli("events", "show", "x", "--url", url, API_TOKEN="t")
    assert (result.exit_code, result.stderr) == (1, "Error: There is no such event.\n")


def test_status_fails_where_callbacks_cannot_be_accepted(cli, serve):
    body = b'{"ready": false, "parts": {"store": {"ok": false, "message": "down"}}}'
    url = serve(lambda *_: (503, body)).url
    result = cli("status", "--url", url)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == json.loads(body), "in a pipe it is what the service answered"
    assert "cannot accept callbacks" in result.stderr
