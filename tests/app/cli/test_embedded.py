"""The embedded Valkey: what it took is there at the next start, and there are never two on one file."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.cli import data_dir, embedded
from app.cli.embedded import EmbeddedValkey
from tests.app.cli.conftest import until


@contextmanager
def running(directory: Path) -> Iterator[tuple[EmbeddedValkey, subprocess.Popen[bytes]]]:
    """A server on `directory`, ended cleanly unless it is gone already."""
    valkey = EmbeddedValkey(directory, "secret")
    with valkey.claim():
        process = launch(valkey)
        try:
            yield valkey, process
        finally:
            process.terminate()
            process.wait(5)


def launch(valkey: EmbeddedValkey) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        valkey.program.argv,
        pass_fds=valkey.program.keep_fds,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    until(lambda: valkey.state() == "ready")
    return process


def test_what_was_written_survives_a_stop(tmp_path):
    with running(tmp_path) as (valkey, _):
        redis.Redis.from_url(valkey.url).set("kept", "1")
    with running(tmp_path) as (valkey, _):
        assert redis.Redis.from_url(valkey.url).get("kept") == b"1"


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    with running(tmp_path) as (valkey, process):
        redis.Redis.from_url(valkey.url).set("kept", "1")
        process.kill()
        process.wait()
    with running(tmp_path) as (valkey, _):
        assert redis.Redis.from_url(valkey.url).get("kept") == b"1"


def test_it_writes_to_disk_before_it_answers_and_never_evicts(tmp_path):
    with running(tmp_path) as (valkey, _):
        client = redis.Redis.from_url(valkey.url)
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
        assert client.config_get("bind")["bind"] == "127.0.0.1"
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)).ping()
        config = valkey.directory / "valkey.conf"
        assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_directory_with_spaces_and_quotes_works(tmp_path):
    odd = tmp_path / 'my "data" dir'
    odd.mkdir()
    with running(odd) as (valkey, _):
        assert valkey.state() == "ready"


@pytest.mark.parametrize("hung", [False, True])
def test_a_server_left_by_a_killed_run_is_ended_before_another_starts(tmp_path, monkeypatch, hung):
    monkeypatch.setattr(embedded, "STALE_TIMEOUT", 1.5)
    monkeypatch.setattr(embedded, "ASK_TIMEOUT", 0.5)
    left = EmbeddedValkey(tmp_path, "secret")
    with left.claim():
        stale = launch(left)
        redis.Redis.from_url(left.url).set("kept", "1")
        # The `run` is gone, and with it its own hold on the lock; the server still has one.
    if hung:
        os.kill(stale.pid, signal.SIGSTOP)
    try:
        with running(tmp_path) as (valkey, process):
            assert stale.wait(5) == (-signal.SIGKILL if hung else 0)
            client = redis.Redis.from_url(valkey.url)
            assert client.get("kept") == b"1"
            assert client.info("server")["process_id"] == process.pid
    finally:
        stale.kill()


def test_a_stale_pid_file_kills_nobody(tmp_path):
    valkey = EmbeddedValkey(tmp_path, "secret")
    valkey.directory.mkdir()
    (valkey.directory / "valkey.pid").write_text(str(os.getpid()))
    with running(tmp_path) as (again, _):
        assert again.state() == "ready"
    assert valkey._stale_pid(12345) is None


def test_without_the_wheel_the_server_on_path_is_used_and_without_both_it_says_what_to_do(tmp_path, monkeypatch):
    found = embedded.find_server()
    monkeypatch.setattr(embedded.importlib, "import_module", _no_wheel)
    (tmp_path / "valkey-server").symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.find_server() == str(tmp_path / "valkey-server")
    (tmp_path / "valkey-server").unlink()
    assert shutil.which("valkey-server") is None
    with pytest.raises(click.ClickException, match="set REDIS_URL"):
        embedded.find_server()


def test_a_second_run_on_the_same_directory_is_refused(tmp_path):
    with data_dir.alone(tmp_path), pytest.raises(click.ClickException, match="Another `transcode-inbox run`"):
        data_dir.alone(tmp_path).__enter__()
    with data_dir.alone(tmp_path):
        pass


def _no_wheel(name: str) -> None:
    raise ImportError(name)
