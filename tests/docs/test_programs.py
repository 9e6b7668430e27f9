"""The programs that the pages show and that need more than a shell: consumers that run while callbacks come."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.samples import sample
from schemas.sources import SOURCES
from tests.docs.pages import README, the_block
from tests.running import API_TOKEN, ROOT, SECRET_ID, SECRET_KEY, Service, free_port, until
from tests.sdk.node import node_modules

PUSHING = ROOT / "docs" / "pushing.md"
RENDITIONS = ROOT / "docs" / "renditions.md"
BINDINGS = "_kombu.binding.renditions"


class Program:
    """A program that runs until the test is over; its output is in a file."""

    def __init__(self, directory: Path, *argv: str, interpreter: str = sys.executable, **environment: str) -> None:
        self._log = directory / "printed"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [interpreter, *argv],
                cwd=directory,
                env={**os.environ, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def printed(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)


def is_bound(service: Service, queue: str) -> bool:
    return any(binding.endswith(queue.encode()) for binding in service.store.smembers(BINDINGS))


def test_the_consumer_prints_each_video_and_nothing_else(service: Service, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(the_block(RENDITIONS, "python", "ConsumerMixin"), encoding="utf-8")
    with Program(tmp_path, "consumer.py", BROKER_URL=service.redis_url) as program:
        until(lambda: is_bound(service, "my-videos"))
        for source in SOURCES:
            service.post(source, sample(source, fresh=False))
        until(lambda: service.store.xlen("ti:events") == len(SOURCES) and service.store.xlen("ti:inbox") == 0)
        until(lambda: program.printed.count("\n") >= 10)
    videos = [
        (event["media_id"], rendition)
        for event in service.api("events").json["events"]
        for rendition in event["renditions"]
        if rendition["kind"] == "video"
    ]
    assert len(videos) == 10
    expected = {f"{media_id} {r['name']} {r['height']} {' '.join(r['urls'])}" for media_id, r in videos}
    lines = program.printed.splitlines()
    assert len(lines) == 10
    assert set(lines) == expected


def test_the_celery_worker_makes_a_task_of_each_cover(service: Service, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(the_block(RENDITIONS, "python", "ConsumerStep"), encoding="utf-8")
    argv = ("-m", "celery", "-A", "mine", "worker", "--pool", "solo", "--loglevel", "warning")
    with Program(tmp_path, *argv, BROKER_URL=service.redis_url, C_FORCE_ROOT="1") as program:
        until(lambda: is_bound(service, "my-covers"))
        service.post("cts-video", sample("cts-video", fresh=False))
        media_id = json.loads(sample("cts-video", fresh=False))["vid"]
        until(lambda: program.printed.count(media_id) >= 2)


def test_a_queue_is_unbound_for_good(service: Service, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(the_block(RENDITIONS, "python", "ConsumerMixin"), encoding="utf-8")
    with Program(tmp_path, "consumer.py", BROKER_URL=service.redis_url):
        until(lambda: is_bound(service, "my-videos"))
    (tmp_path / "unbind.py").write_text(the_block(RENDITIONS, "python", "queue.delete()"), encoding="utf-8")
    subprocess.run(
        [sys.executable, "unbind.py"], cwd=tmp_path, env={**os.environ, "BROKER_URL": service.redis_url}, check=True
    )
    assert not is_bound(service, "my-videos")


def test_the_sdk_program_in_the_readme_pulls_and_confirms(service: Service, tmp_path: Path) -> None:
    pytest.importorskip("tencentcloud.vod")
    text = the_block(README, "python", "VodClient")
    for shown, real in (
        ("127.0.0.1:8080", service.host),
        ('"secretId"', f'"{SECRET_ID}"'),
        ('"secretKey"', f'"{SECRET_KEY}"'),
    ):
        assert shown in text
        text = text.replace(shown, real)
    (tmp_path / "pulls.py").write_text(text, encoding="utf-8")
    service.post("cts-video", sample("cts-video"))
    until(lambda: service.store.llen("ti:pull:0") == 1)
    done = subprocess.run([sys.executable, "pulls.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.count(".mp4\n")) == (0, 4), done.stderr
    assert service.store.exists("ti:pull:0", "ti:pull:0:held") == 0


def test_the_receiver_in_node_prints_what_is_signed_and_refuses_the_rest(service: Service, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules())
    port, secret = free_port(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    program = the_block(PUSHING, "js", "createServer")
    assert "9000" in program
    (tmp_path / "receiver.mjs").write_text(program.replace("9000", str(port)), encoding="utf-8")
    with Program(tmp_path, "receiver.mjs", interpreter="node", SECRET=secret) as receiver:
        until(lambda: reaches(port))
        wanted = {"url": f"http://127.0.0.1:{port}/", "filter": {"kind": "video", "min_height": 720}, "secret": secret}
        headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
        added = service.request("POST", "/api/subscriptions", json.dumps(wanted).encode(), headers)
        assert added.status == 201, added.body
        service.post("cts-video", sample("cts-video"))
        until(lambda: receiver.printed.count("\n") == 2)
        assert sorted(line.split()[1] for line in receiver.printed.splitlines()) == ["f30", "f40"]
        stranger = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        stranger.request(
            "POST", "/", b"{}", {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
        )
        assert stranger.getresponse().status == 401


def reaches(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
