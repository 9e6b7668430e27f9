"""The house rules that a machine can hold."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.sources import SOURCES
from tests.running import ROOT

MAY_IMPORT = {"schemas": {"schemas"}, "workers": {"workers", "schemas"}, "app": {"app", "workers", "schemas"}}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_go_from_app_to_workers_to_schemas(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        for module in imports(path):
            top = module.split(".")[0]
            assert top not in MAY_IMPORT or top in MAY_IMPORT[room], f"{path} imports {module}"
            assert room != "app" or not module.startswith("workers.tasks"), f"{path}: app enqueues by task name"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_every_file_says_what_it_promises(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_every_source_has_tests_of_its_own() -> None:
    for source in SOURCES:
        assert (ROOT / "tests" / "schemas" / f"test_{source.replace('-', '_')}.py").exists(), source


def test_a_web_process_loads_nothing_that_gevent_has_yet_to_patch() -> None:
    """What was loaded before is patched by half: connections that block every other, and recursion without end in TLS."""
    loaded = "import sys; import app.web; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"ssl", "kombu", "celery", "redis", "flask"} & set(modules.stdout.split())
