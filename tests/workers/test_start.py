"""A process that could never work as it is set up says so in a sentence, and ends with status 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

NEEDED = {"REDIS_URL": "redis://127.0.0.1:1", "API_TOKEN": "t", "PULL_CREDENTIALS": "i:k"}


@pytest.mark.parametrize("process", ["app.web", "workers.worker", "workers.clock"])
@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("BROKER_URL", "nosuch://hush@h", "begins with nosuch://, which is no broker that Celery knows."),
        ("SPOOL_DIR", "/proc/nowhere", "/proc/nowhere cannot be used: No such file or directory."),
        ("SPOOL_DIR", "{here}/file", "{here}/file cannot be used: File exists."),
    ],
)
def test_what_is_wrong_is_named(process: str, variable: str, value: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wrong = {variable: value.format(here=tmp_path)}
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ended = subprocess.run(
        [sys.executable, "-m", process],
        env={**path, **NEEDED, **wrong, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == f"transcode-inbox cannot start: {variable} {why.format(here=tmp_path)}\n"
    assert "hush" not in ended.stderr
