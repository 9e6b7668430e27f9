"""What the peers run on, installed at the first use: two virtual environments and one node_modules.

`.venv-bench/flask` and `.venv-bench/arq` (they need different versions of redis-py), and
`peers/node_modules`. Each is made again when its list of requirements changes. None of it touches the
project's own environment.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import click

from tests.bench.servers import ROOT, BenchError, program

PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = ROOT / ".venv-bench"

_REQUIREMENTS = {"flask": PEERS / "requirements.txt", "arq": PEERS / "requirements-arq.txt"}
_MODULES = PEERS / "node_modules"


def python_peers(environment: str) -> Path:
    """The `bin` directory of the environment `flask` or `arq`, installed if need be."""
    requirements = _REQUIREMENTS[environment]
    home = ENVIRONMENTS / environment
    stamp = home / "installed"
    if not _is_current(stamp, requirements):
        click.echo(f"Installing the peers of {requirements.name} …")
        ENVIRONMENTS.mkdir(exist_ok=True)
        (ENVIRONMENTS / ".gitignore").write_text("*\n")
        _run(sys.executable, "-m", "venv", "--clear", str(home))
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run(*pip, "--requirement", str(requirements))
        stamp.write_text(_digest(requirements))
    return home / "bin"


def node_peers() -> str:
    """The path of `node`, with the npm peers installed."""
    node = program("node", "nodejs npm")
    npm = program("npm")
    manifest = PEERS / "package.json"
    stamp = _MODULES / "installed"
    if not _is_current(stamp, manifest):
        click.echo(f"Installing the peers of {manifest.name} …")
        _run(
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--loglevel",
            "error",
            directory=PEERS,
        )
        stamp.write_text(_digest(manifest))
    return node


def versions() -> dict[str, str]:
    """Name and version of everything a peer is made of, as far as it is installed."""
    found: dict[str, str] = {}
    for environment in _REQUIREMENTS:
        python = ENVIRONMENTS / environment / "bin" / "python"
        if python.exists():
            found |= _python_versions(python)
    for name in json.loads((PEERS / "package.json").read_text())["dependencies"]:
        package = _MODULES / name / "package.json"
        if package.exists():
            found[name] = json.loads(package.read_text())["version"]
    return found


#: The Python packages whose versions stand under the results.
_SHOWN = [
    "arq",
    "boto3",
    "celery",
    "fastapi",
    "flask",
    "gevent",
    "granian",
    "greenstalk",
    "gunicorn",
    "kombu",
    "marshmallow",
    "tencentcloud-sdk-python-vod",
    "uvicorn",
    "uvloop",
]


def _python_versions(python: Path) -> dict[str, str]:
    code = (
        "import importlib.metadata as m, json, sys\n"
        "v = {d.metadata['Name'].lower(): d.version for d in m.distributions()}\n"
        "json.dump({n: v[n] for n in sys.argv[1:] if n in v}, sys.stdout)"
    )
    return json.loads(subprocess.check_output([str(python), "-c", code, *_SHOWN]))


def _is_current(stamp: Path, source: Path) -> bool:
    return stamp.exists() and stamp.read_text() == _digest(source)


def _digest(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()


def _run(*command: str, directory: Path = ROOT) -> None:
    finished = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if finished.returncode:
        last = "\n".join((finished.stdout + finished.stderr).strip().splitlines()[-10:])
        raise BenchError(f"The peers could not be installed ({Path(command[0]).name}):\n{last}")
