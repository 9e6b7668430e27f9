"""Every promise in docs/pull-semantics.md names a test that is there, so the page cannot promise what nothing checks."""

import re

from tests.running import ROOT

PAGE = ROOT / "docs" / "pull-semantics.md"


def test_every_promise_names_a_test_and_every_test_is_there() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    promises = [row for row in rows if not re.match(r"\| (promise|client) |\|---", row)]
    assert len(promises) > 30
    there = {
        name
        for path in (ROOT / "tests").glob("*/test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    for row in promises:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= there, f"{row} names a test that is not there"
