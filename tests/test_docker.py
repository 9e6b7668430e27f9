"""The image and the compose file hold what is in the repository: nothing that is named there is missing, nothing needed left out.

There is no Docker engine where the tests run, so this is what can be said without one.
"""

import fnmatch
import re
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from tests.running import COMMANDS, ROOT

yaml = pytest.importorskip("yaml", reason="there is nothing to read YAML with")

DOCKERFILE = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker/compose.yaml").read_text(encoding="utf-8"))
OURS = ("web", "worker", "clock")
#: Variables that a container has no use for: it listens on the image's port, and `run` is not what it runs.
NOT_IN_A_CONTAINER = {"PORT", "DATA_DIR"}


def copied() -> list[str]:
    """What the Dockerfile copies from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    return [path for line in lines for path in line.split()[:-1]]


def test_everything_that_is_copied_exists_and_is_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied()
    for path in copied():
        assert (ROOT / path).exists(), path
        assert path in let_in, f".dockerignore keeps {path} out"


def test_every_package_is_copied_with_all_of_its_files() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    packages = {line.partition(".")[0] for line in config["options.packages.find"]["include"].split()}
    assert packages <= set(copied())
    data = {name: patterns.replace(",", " ").split() for name, patterns in config["options.package_data"].items()}
    listed = subprocess.run(["git", "ls-files", *packages], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split():
        if not name.endswith(".py"):
            assert is_packaged(Path(name), data), (
                f"{name} is in no [options.package_data]: it would be missing in the image"
            )


def is_packaged(file: Path, data: dict[str, list[str]]) -> bool:
    for parent in file.parents:
        inside = str(file.relative_to(parent))
        if any(fnmatch.fnmatch(inside, pattern) for pattern in data.get(".".join(parent.parts), ())):
            return True
    return False


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    *_, last = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    assert re.search(r"^USER 10001", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)
    assert "/healthz" in last
    # What compiles stays behind.
    assert "slim" in last.splitlines()[0]
    assert "pip install" not in last


def test_compose_runs_the_commands_of_the_procfile() -> None:
    for name in OURS:
        assert COMPOSE["services"][name]["command"] == ["python", "-m", COMMANDS[name]]


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_has_the_variables_that_there_are_and_may_do_nothing_it_need_not(name: str) -> None:
    settings = (ROOT / "schemas/settings.py").read_text(encoding="utf-8")
    variables = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))
    assert len(variables) > 10
    service = COMPOSE["services"][name]
    assert set(service["environment"]) == variables - NOT_IN_A_CONTAINER
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]


def test_no_secret_has_a_default_in_compose() -> None:
    text = (ROOT / "docker/compose.yaml").read_text(encoding="utf-8")
    for name in ("VALKEY_PASSWORD", "API_TOKEN", "PULL_CREDENTIALS"):
        assert not re.search(rf"\$\{{{name}:?-[^}}]", text)
        assert f"${{{name}:?" in text


def test_the_store_of_compose_is_durable() -> None:
    command = " ".join(COMPOSE["services"]["valkey"]["command"])
    for option in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction", "--requirepass"):
        assert option in command
