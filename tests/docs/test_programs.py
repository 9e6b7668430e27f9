"""The programs that the pages show and that need more than a shell: consumers that run while callbacks come."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.samples import sample
from schemas.sources import SOURCES
from tests.docs.pages import README, the_block
from tests.running import ROOT, SECRET_ID, SECRET_KEY, Service, until

RENDITIONS = ROOT / "docs" / "renditions.md"
BINDINGS = "_kombu.binding.renditions"


class Program:
    """A program that runs until the test is over; its output is in a file."""

    def __init__(self, directory: Path, *argv: str, **environment: str) -> None:
        self._log = directory / "printed"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *argv],
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
