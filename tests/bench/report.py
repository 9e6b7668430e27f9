"""What was measured, as a table, as JSON, and as a page with a chart.

A run of some scenarios replaces only those in the JSON that is already there, if it comes from a machine of
the same kind, so the long ones need not be run each time. Each scenario carries its own date.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.bench import chart, install
from tests.bench.contestants import PROCESSES, cores
from tests.bench.servers import valkey_binary


@dataclass(slots=True)
class Row:
    """One contestant in one setting; the best of its rounds. Latencies in milliseconds."""

    contestant: str
    setting: str
    value: float
    unit: str
    p50: float | None = None
    p99: float | None = None
    #: `value` of every round, in order
    rounds: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Ratio:
    """Ours divided by another, and what it has to be."""

    what: str
    value: float
    #: None where nothing is required
    required: float | None = None
    #: whether more is better
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether the measured ratio is good enough."""
        if self.required is None:
            return True
        return self.value >= self.required if self.at_least else self.value <= self.required

    @property
    def requirement(self) -> str:
        """As in "≥ 5"; empty where nothing is required."""
        return "" if self.required is None else f"{'≥' if self.at_least else '≤'} {self.required:g}"


@dataclass(slots=True)
class Section:
    """What one scenario found."""

    title: str
    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    #: how it was measured, in sentences
    notes: list[str] = field(default_factory=list)
    measured: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))


def as_text(section: Section) -> str:
    """The section for a terminal."""
    table = [("", "", "", "", "p50 ms", "p99 ms", "rounds")]
    table += [_cells(row) for row in section.rows]
    widths = [max(len(cells[column]) for cells in table) for column in range(7)]
    lines = [f"\n{section.title}"]
    lines += [
        "  "
        + "  ".join(_pad(cell, width, column) for column, (cell, width) in enumerate(zip(cells, widths, strict=True)))
        for cells in table
    ]
    lines += [f"  {_mark(ratio)} {ratio.what}: {ratio.value:.2f}{_required(ratio)}" for ratio in section.ratios]
    return "\n".join(line.rstrip() for line in lines)


def write(sections: Mapping[str, Section], out: Path) -> list[Path]:
    """Writes `bench.json`, `bench.svg` and `README.md` into `out`; their paths."""
    out.mkdir(parents=True, exist_ok=True)
    data, picture, page = out / "bench.json", out / "bench.svg", out / "README.md"
    kept = _kept(data)
    for name, section in sections.items():
        kept[name] = section
    here = machine()
    document = {
        "machine": here,
        "versions": versions(),
        "sections": {name: asdict(section) for name, section in kept.items()},
    }
    data.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    picture.write_text(chart.draw(kept, _footnotes(here, document["versions"])), encoding="utf-8")
    page.write_text(_page(kept, here, document["versions"]), encoding="utf-8")
    return [data, picture, page]


def machine() -> dict[str, str]:
    """What it was measured on; nothing that names this one machine."""
    return {
        "processor": _processor(),
        "cores": str(cores()),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Name and version of our own parts, the servers, the load generator, and the peers."""
    found: dict[str, str] = {}
    for name in ("celery", "flask", "gevent", "granian", "gunicorn", "kombu", "marshmallow", "redis"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found |= {name: version for name, version in install.versions().items() if name not in found}
    found["valkey"] = _said([valkey_binary(), "--version"], after="v=")
    found["wrk"] = _said(["wrk", "--version"], after="wrk ")
    found["node"] = _said(["node", "--version"], after="v")
    return {name: version for name, version in sorted(found.items()) if version}


def _kept(data: Path) -> dict[str, Section]:
    if not data.exists():
        return {}
    document = json.loads(data.read_text(encoding="utf-8"))
    if document.get("machine") != machine():
        return {}
    return {name: _section(section) for name, section in document["sections"].items()}


def _section(saved: dict[str, Any]) -> Section:
    rows = [Row(**row) for row in saved.pop("rows")]
    ratios = [Ratio(**ratio) for ratio in saved.pop("ratios")]
    return Section(rows=rows, ratios=ratios, **saved)


def _cells(row: Row) -> tuple[str, ...]:
    rounds = " ".join(number(value) for value in row.rounds) if len(row.rounds) > 1 else ""
    return (
        row.contestant,
        row.setting,
        number(row.value),
        row.unit,
        _milliseconds(row.p50),
        _milliseconds(row.p99),
        rounds,
    )


def number(value: float) -> str:
    """A measured value, with no more digits than it deserves."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _pad(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column in (2, 4, 5) else cell.ljust(width)


def _mark(ratio: Ratio) -> str:
    return " " if ratio.required is None else "+" if ratio.met else "-"


def _required(ratio: Ratio) -> str:
    if ratio.required is None:
        return ""
    return f"  (required {ratio.requirement}{'' if ratio.met else ': MISSED'})"


def _page(sections: Mapping[str, Section], here: dict[str, str], found: dict[str, str]) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; how each is measured stands in `tests/bench/`, what surprises in [notes](notes.md).",
        "",
    ]
    lines += ["![Requests acknowledged a second, events a second](bench.svg)", ""]
    lines += [f"{footnote}  " for footnote in _footnotes(here, found)]
    for section in sections.values():
        lines += [
            "",
            f"## {section.title}",
            "",
            f"Measured {section.measured}. {' '.join(section.notes)}".rstrip(),
            "",
        ]
        if section.rows:
            lines += ["| | | | | p50 ms | p99 ms | rounds |", "|---|---|--:|---|--:|--:|---|"]
            lines += [f"| {' | '.join(_cells(row))} |" for row in section.rows]
        if section.ratios:
            lines += ["", "| ratio | measured | required | |", "|---|--:|--:|---|"]
            lines += [_ratio_line(ratio) for ratio in section.ratios]
    return "\n".join(lines) + "\n"


def _ratio_line(ratio: Ratio) -> str:
    verdict = "" if ratio.required is None else "met" if ratio.met else "**missed**"
    return f"| {ratio.what} | {ratio.value:.2f} | {ratio.requirement} | {verdict} |"


def _footnotes(here: dict[str, str], found: dict[str, str]) -> list[str]:
    on = f"{here['processor']}, {here['cores']} cores, load generator included; {here['system']}"
    return [
        f"{on}; Python {here['python']}; {PROCESSES} web processes each.",
        ", ".join(f"{name} {version}" for name, version in found.items()) + ".",
    ]


def _processor() -> str:
    try:
        lines: Iterable[str] = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _said(command: list[str], after: str) -> str:
    """The word that follows `after` in what the command prints; empty where it cannot be had."""
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return ""
    text = finished.stdout + finished.stderr
    return text.partition(after)[2].split()[0] if after in text else ""


def say(text: str) -> None:
    """To the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
