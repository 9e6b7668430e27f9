"""The vendors' SDKs for Node, installed once into the user's cache, outside the repository."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

#: Seconds the installation may take before the tests go on without it.
INSTALL_TIMEOUT = 20
CONSUMERS = Path(__file__).parent / "consumers"
PACKAGES = CONSUMERS / "package.json"


class Unavailable(Exception):
    """Why there are no SDKs for Node, as a sentence."""


def node_modules() -> Path:
    """Where the SDKs are. Skips the test that asks, with the reason, where they cannot be had."""
    found = _find_or_install()
    if isinstance(found, str):
        pytest.skip(found)
    return found / "node_modules"


@cache
def _find_or_install() -> Path | str:
    """Tried once, however many tests ask."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "transcode-inbox"
    installed = home / f"node-sdks-{sha256(PACKAGES.read_bytes()).hexdigest()[:12]}"
    try:
        for command in ("node", "npm"):
            if shutil.which(command) is None:
                raise Unavailable(f"there is no {command} on this machine")
        if not installed.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=home) as directory:
                made = Path(directory) / "made"
                made.mkdir()
                _install(made)
                made.rename(installed)
    except Unavailable as reason:
        return str(reason)
    except OSError as error:
        return f"the SDKs for Node cannot be kept in {home}: {error}"
    return installed


def _install(directory: Path) -> None:
    shutil.copy(PACKAGES, directory)
    # No scripts of other people's are run.
    command = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--fetch-retries=0")
    try:
        made = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"npm did not install the SDKs for Node within {INSTALL_TIMEOUT} s") from None
    if made.returncode != 0:
        lines = [line for line in made.stderr.splitlines() if "error" in line.lower()]
        raise Unavailable(f"npm cannot install the SDKs for Node: {lines[0] if lines else made.returncode}")
