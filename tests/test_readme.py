"""What the README and the documents say is so: programs run, commands exist, links lead somewhere, and nothing is left out."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app import create_app
from app.cli import commands
from app.cli.welcome import welcome
from app.metrics import _COUNTERS
from app.pull import v2, v3
from schemas.reading import read_callback
from schemas.samples import sample
from schemas.settings import read_settings
from schemas.sources import SOURCES
from tests.running import ROOT, SECRET_ID, SECRET_KEY, Service, until

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
BINDINGS = "_kombu.binding.renditions"
SHOWN = r"(\S*/)?transcode-inbox (?!cannot start)"


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for language, text in fenced if language in languages]


def block(page: Path, language: str, within: str) -> str:
    (found,) = [text for text in blocks(page, language) if within in text]
    return found


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


def test_the_consumer_in_the_readme_prints_each_video_and_nothing_else(service: Service, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(block(README, "python", "ConsumerMixin"), encoding="utf-8")
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


def test_the_celery_worker_in_the_reference_makes_a_task_of_each_cover(service: Service, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(block(REFERENCE, "python", "ConsumerStep"), encoding="utf-8")
    argv = ("-m", "celery", "-A", "mine", "worker", "--pool", "solo", "--loglevel", "warning")
    with Program(tmp_path, *argv, BROKER_URL=service.redis_url, C_FORCE_ROOT="1") as program:
        until(lambda: is_bound(service, "my-covers"))
        service.post("cts-video", sample("cts-video", fresh=False))
        media_id = json.loads(sample("cts-video", fresh=False))["vid"]
        until(lambda: program.printed.count(media_id) >= 2)


def test_the_program_in_the_reference_unbinds_a_queue_for_good(service: Service, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(block(README, "python", "ConsumerMixin"), encoding="utf-8")
    with Program(tmp_path, "consumer.py", BROKER_URL=service.redis_url):
        until(lambda: is_bound(service, "my-videos"))
    (tmp_path / "unbind.py").write_text(block(REFERENCE, "python", "queue.delete()"), encoding="utf-8")
    subprocess.run(
        [sys.executable, "unbind.py"], cwd=tmp_path, env={**os.environ, "BROKER_URL": service.redis_url}, check=True
    )
    assert not is_bound(service, "my-videos")


def test_the_sdk_program_in_the_readme_pulls_and_confirms(service: Service, tmp_path: Path) -> None:
    pytest.importorskip("tencentcloud.vod")
    text = block(README, "python", "VodClient")
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


def test_the_source_in_the_readme_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    body = block(README, "json", '"job"').encode()
    written: dict[str, object] = {}
    exec(block(README, "python", "SOURCE = Source("), written)
    monkeypatch.setitem(SOURCES, "acme", written["SOURCE"])
    event = read_callback("acme", body, received_at="2026-01-01T00:00:00.000Z")
    assert (event["type"], event["task_id"]) == ("transcode.completed", "7")
    assert [(r["name"], r["height"]) for r in event["renditions"]] == [("720p", 720)]
    (fresh := json.loads(body)).update(job=None)
    written["SOURCE"].freshen(fresh)  # type: ignore[attr-defined]
    assert fresh["job"]


def shown_commands() -> Iterator[tuple[Path, str]]:
    """Every command line of ours that a page shows, as it is shown."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fenced in blocks(page, "sh", "console"):
            lines = [line.removeprefix("$ ") for line in fenced.splitlines()]
            yield from ((page, line) for line in lines if re.match(SHOWN, line))
        for quoted in re.findall(r"`([^`\n]*)`", text):
            if re.match(SHOWN, quoted):
                yield page, quoted


@pytest.mark.parametrize("shown", sorted({line for _, line in shown_commands()}))
def test_a_command_that_is_shown_exists_and_takes_these_options(shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    command: click.Command = commands
    context = click.Context(commands, info_name="transcode-inbox")
    arguments = shlex.split(shown)[1:]
    while isinstance(command, click.Group) and arguments:
        name, *arguments = arguments
        found = command.get_command(context, name)
        assert found is not None, f"there is no {name!r}"
        command = found
    if not isinstance(command, click.Group):
        command.make_context(command.name, arguments, parent=context)


def test_what_run_says_to_try_works_in_another_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PULL_CREDENTIALS", "id:key with a space")
    environment = {"PORT": "9000", "REDIS_URL": "redis://", "API_TOKEN": "t", "PULL_CREDENTIALS": "id:key with a space"}
    _, _, hint = welcome(read_settings(environment), list(SOURCES)).partition("in another terminal:\n")
    send, pull = hint.split("\n")[:2]
    assert "PORT=9000" in send
    assert "PULL_CREDENTIALS='id:key with a space'" in pull
    for line in (send, pull):
        shell = ["sh", "-c", f"{line} --help"]
        assert subprocess.run(shell, cwd=ROOT, env={"PATH": os.defpath}, capture_output=True).returncode == 0, line


def every_command(command: click.Command = commands, path: str = "") -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from every_command(inner, f"{path} {name}")
    else:
        yield path.strip()


def test_the_reference_shows_every_command() -> None:
    shown = {line for page, line in shown_commands() if page == REFERENCE}
    missing = {path for path in every_command() if not any(f"transcode-inbox {path}" in line for line in shown)}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """What a page's headings are linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_reference_has_every_variable_and_no_other() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "schemas/settings.py").read_text(encoding="utf-8")))
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(read) > 10
    assert listed == read


def test_the_reference_has_every_metric_and_every_page_only_those() -> None:
    source = (ROOT / "app/metrics.py").read_text(encoding="utf-8")
    counters = {f"transcode_inbox_{name}_total" for name in _COUNTERS}
    families = set(re.findall(r'(\w+)MetricFamily\(\s*"(transcode_inbox_\w+)"', source))
    names = counters | {f"{name}_total" if kind == "Counter" else name for kind, name in families}
    assert len(names) > 10
    listed = set(re.findall(r"^\| `(transcode_inbox_\w+)", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == names
    for page in PAGES:
        assert set(re.findall(r"transcode_inbox_\w+", page.read_text(encoding="utf-8"))) <= names, page


def test_the_reference_has_every_url() -> None:
    app = create_app(
        read_settings({"REDIS_URL": "redis://nowhere.invalid", "API_TOKEN": "t", "PULL_CREDENTIALS": "id:key"})
    )
    text = REFERENCE.read_text(encoding="utf-8")
    for path in (v2.PATH, v3.PATH, "/callbacks/<source>"):
        assert f"{path}`" in text or f"{path}[" in text
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "<id>", rule.rule)
        if path.startswith("/api"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert f"`{method} {path}`" in text, f"{method} {path}"
        else:
            assert path in text, path
