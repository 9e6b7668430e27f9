"""Pulling as the vendor's clients do, down to the bytes that are signed."""

import json
from urllib.parse import parse_qsl

import pytest

from app.cli.pull_clients import legacy_signature, tc3_authorization
from tests.app.cli.conftest import free_port

CREDENTIALS = {"PULL_CREDENTIALS": "id:key"}


def test_the_legacy_signature_is_the_vendors_documented_one():
    # The example of the vendor's page "签名方法" (API 2.0).
    parameters = {
        "Action": "DescribeInstances",
        "Nonce": "11886",
        "Region": "ap-guangzhou",
        "SecretId": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3gnPhESA",
        "Timestamp": "1465185768",
        "SignatureMethod": "HmacSHA256",
        "InstanceIds.0": "ins-09dx96dg",
    }
    key = "Gu5t9xGARNpq86cd98joQYCN3Cozk1qA"
    signature = legacy_signature(key, "GET", "cvm.api.qcloud.com", "/v2/index.php", parameters)
    assert signature == "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="
    parameters["InstanceIds_0"] = parameters.pop("InstanceIds.0")
    assert legacy_signature(key, "GET", "cvm.api.qcloud.com", "/v2/index.php", parameters) == signature


def test_the_tc3_signature_is_the_vendors_documented_one():
    # The example of the vendor's page "签名方法 v3".
    authorization = tc3_authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        host="cvm.tencentcloudapi.com",
        content_type="application/json; charset=utf-8",
        payload=b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
        timestamp=1551113065,
    )
    assert authorization == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


class Queue:
    """The server's side of both APIs, with so many events, which are gone once pulled."""

    def __init__(self, events: int, name: str = "é") -> None:
        self.name = name
        self.left = list(range(events))
        self.confirmed: list[str] = []

    def legacy(self, method, path, headers, body):
        asked = dict(parse_qsl(body.decode()))
        signature = asked.pop("Signature")
        assert signature == legacy_signature("key", "POST", headers["Host"], "/v2/index.php", asked)
        assert asked["SecretId"] == "id"
        if asked["Action"] == "ConfirmEvent":
            self.confirmed += [value for name, value in asked.items() if name.startswith("msgHandle.")]
            return 200, b'{"code": 0, "message": "", "codeDesc": "Success"}'
        taken, self.left = self.left[:16], self.left[16:]
        if not taken:
            return 200, b'{"code": 4000, "message": "no event"}'
        events = [
            {"msgHandle": f"h{n}", "eventContent": {"eventType": "x", "data": {"n": n, "名": self.name}}} for n in taken
        ]
        return 200, json.dumps({"code": 0, "message": "", "eventList": events}).encode()

    def current(self, method, path, headers, body):
        assert headers["Authorization"] == tc3_authorization(
            "id",
            "key",
            service="vod",
            host=headers["Host"],
            content_type=headers["Content-Type"],
            payload=body,
            timestamp=int(headers["X-Tc-Timestamp"]),
        )
        if headers["X-Tc-Action"] == "ConfirmEvents":
            self.confirmed += json.loads(body)["EventHandles"]
            return 200, b'{"Response": {"RequestId": "1"}}'
        taken, self.left = self.left[:16], self.left[16:]
        events = [{"EventHandle": f"h{n}", "EventType": "x", "n": n} for n in taken]
        return 200, json.dumps({"Response": {"EventSet": events, "RequestId": "1"}}).encode()


def test_pull_prints_each_event_on_a_line_and_confirms_it(cli, serve):
    queue = Queue(40)
    result = cli("pull", "--url", serve(queue.legacy).url, **CREDENTIALS)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["data"]["n"] for line in result.stdout.splitlines()] == list(range(40))
    assert "名" in result.stdout
    assert queue.confirmed == [f"h{n}" for n in range(40)]


def test_half_a_character_in_an_event_stops_neither_it_nor_those_behind_it(cli, serve):
    """Any stranger can put one into a callback; what cannot be printed is never confirmed, and comes again for ever."""
    queue = Queue(20, name="\ud800")
    result = cli("pull", "--url", serve(queue.legacy).url, **CREDENTIALS)
    assert result.exit_code == 0, result.output
    assert {json.loads(line)["data"]["名"] for line in result.stdout.splitlines()} == {"\ud800"}
    assert len(queue.confirmed) == 20


def test_nothing_in_an_event_moves_the_terminal(cli, serve):
    name = "\x9b2J\x7f\u202e名　"
    result = cli("pull", "--url", serve(Queue(1, name).legacy).url, **CREDENTIALS)
    assert json.loads(result.stdout)["data"]["名"] == name
    assert r"\u009b2J\u007f\u202e名　" in result.stdout


def test_pull_of_api_3_prints_the_event_set_and_confirms_it(cli, serve):
    queue = Queue(20)
    server = serve(
        lambda m, p, headers, b: queue.current(
            m, p, {k.title() if k.startswith("X-") else k: v for k, v in headers.items()}, b
        )
    )
    result = cli("pull", "--api", "v3", "--url", server.url, **CREDENTIALS)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["n"] for line in result.stdout.splitlines()] == list(range(20))
    assert queue.confirmed == [f"h{n}" for n in range(20)]


def test_no_confirm_confirms_nothing(cli, serve):
    queue = Queue(3)
    result = cli("pull", "--no-confirm", "--url", serve(queue.legacy).url, **CREDENTIALS)
    assert len(result.stdout.splitlines()) == 3
    assert queue.confirmed == []


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_an_api_that_is_not_there_is_a_sentence(cli, serve, api):
    result = cli("pull", "--api", api, "--url", serve(lambda *_: (404, b"{}")).url, **CREDENTIALS)
    assert result.exit_code == 1
    assert "There is no such pull API at this address. The answer was 404" in result.stderr


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            b'{"code": 4100, "message": "signature is wrong"}',
            "The pull API answered 4100: signature is wrong",
        ),
        (b"<html>", "not JSON"),
        (b"[]", "without a code"),
    ],
)
def test_a_refusal_is_a_sentence(cli, serve, answer, sentence):
    result = cli("pull", "--url", serve(lambda *_: (200, answer)).url, **CREDENTIALS)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stdout == ""


def test_nobody_there_is_a_sentence(cli):
    result = cli("pull", "--url", f"http://127.0.0.1:{free_port()}", **CREDENTIALS)
    assert result.exit_code == 1
    assert "transcode-inbox is not reachable at http://127.0.0.1:" in result.stderr


def test_a_reader_that_leaves_gets_no_complaint_and_loses_nothing(serve, start, tmp_path):
    queue = Queue(2000)
    server = serve(queue.legacy)
    (tmp_path / "head.py").write_text(
        "import subprocess, sys\n"
        "pull = subprocess.Popen([sys.executable, '-m', 'app.cli', 'pull', '--url', sys.argv[1]],"
        " stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "pull.stdout.readline(); pull.stdout.close()\n"
        "print('status', pull.wait(), 'said', pull.stderr.read())\n"
    )
    piped = start("head.py", server.url, **CREDENTIALS)
    assert piped.process.wait(9) == 0
    assert piped.printed == "status 0 said b''\n"
    assert len(queue.confirmed) < 2000 - 16
