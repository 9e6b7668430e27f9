"""The alert rules and the dashboard: they are valid, ask for nothing that is not there, and each alert has its page."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.running import ROOT, Service
from tests.scrape import Scrape

HERE = ROOT / "docs" / "monitoring"
ALERTS, TESTS, DASHBOARD = HERE / "alerts.yaml", HERE / "alerts_test.yaml", HERE / "grafana.json"
NAME = r"transcode_inbox_\w+"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="there is no promtool here; Debian has it in its package prometheus"
)


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


@needs_promtool
@pytest.mark.parametrize(("action", "file"), [("check", ALERTS), ("test", TESTS)])
def test_promtool_takes_the_rules(action: str, file: Path) -> None:
    ran = subprocess.run(["promtool", action, "rules", str(file)], capture_output=True, text=True, cwd=HERE)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_promtool
def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = tmp_path / "queries.yaml"
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    records = [
        {"record": f"a:query{n}", "expr": query.replace("$__rate_interval", "1m")} for n, query in enumerate(queries)
    ]
    rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": records}]}))
    ran = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alert_is_tested_both_ways() -> None:
    tested = re.findall(r"- name: (\w+) (fires|stays quiet)", TESTS.read_text(encoding="utf-8"))
    expected = [(name.removeprefix("TranscodeInbox"), how) for name in alerts() for how in ("fires", "stays quiet")]
    assert tested == expected


def test_every_alert_says_what_it_means_and_where_its_page_is() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for block in ALERTS.read_text(encoding="utf-8").split("- alert: ")[1:]:
        name = block.split()[0]
        assert all(f"  {annotation}: " in block for annotation in ("summary", "description", "runbook")), name
        assert f"runbook: docs/operations.md#{name.lower()}" in block
        assert f"\n### {name}\n" in page


def test_rules_and_dashboard_ask_only_for_what_is_there(service: Service) -> None:
    names = Scrape(service).names() | {"transcode_inbox_spool_bytes", "transcode_inbox_spool_max_bytes"}
    for file in (ALERTS, TESTS, DASHBOARD):
        asked = set(re.findall(NAME, file.read_text(encoding="utf-8")))
        assert len(asked) > 15
        assert asked <= names, file


def test_the_dashboard_shows_every_metric_and_each_panel_has_its_place() -> None:
    asked = set(re.findall(NAME, DASHBOARD.read_text(encoding="utf-8")))
    listed = set(re.findall(rf"^\| `({NAME})", (ROOT / "docs/reference.md").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert shown == listed
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
