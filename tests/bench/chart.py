"""The chart: horizontal bars in a small hand-written SVG that can be read on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.report import Row, Section

WIDTH = 860
#: px: where bars begin, and how long the longest is
_LEFT, _LONGEST = 310, 410
_BAR, _GAP, _HEADING = 15, 5, 34
#: characters in a line of the footnotes
_LINE = 128

_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px }
  .small { font-size: 11px; fill: #57606a }
  .label { text-anchor: end }
  .ours { fill: #1f6feb } .peer { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .peer { fill: #59636e } .ours { fill: #4493f8 }
  }"""


def draw(sections: Mapping[str, "Section"], footnotes: Sequence[str]) -> str:
    """The SVG: one panel for each unit and setting of the scenarios that compare contestants."""
    parts: list[str] = []
    y = 10
    for name in ("ingress", "end_to_end", "pull"):
        if name not in sections:
            continue
        section = sections[name]
        for setting in dict.fromkeys(row.setting for row in section.rows if row.unit.endswith("/s")):
            rows = [row for row in section.rows if row.setting == setting and row.unit.endswith("/s")]
            panel, y = _panel(f"{section.title}: {setting}", section.measured, rows, y)
            parts += panel
    y += 14
    for line in (line for footnote in footnotes for line in _wrapped(footnote)):
        parts.append(f'<text class="small" x="10" y="{y}">{escape(line)}</text>')
        y += 15
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}">'
    return "\n".join([head, f"<style>{_STYLE}\n</style>", *parts, "</svg>\n"])


def _panel(title: str, measured: str, rows: "Sequence[Row]", y: int) -> tuple[list[str], int]:
    parts = [
        f'<text class="title" x="10" y="{y + 18}">{escape(title)}, {escape(rows[0].unit)}</text>',
        f'<text class="small label" x="{WIDTH - 10}" y="{y + 18}">{escape(measured)}</text>',
    ]
    y += _HEADING
    most = max(row.value for row in rows) or 1
    for row in sorted(rows, key=lambda row: -row.value):
        length = max(1.0, row.value / most * _LONGEST)
        kind = "ours" if row.contestant.startswith("transcode-inbox") else "peer"
        latency = f"   p99 {row.p99:.3g} ms" if row.p99 is not None else ""
        parts += [
            f'<text class="label" x="{_LEFT - 8}" y="{y + 12}">{escape(row.contestant)}</text>',
            f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="2"/>',
            f'<text x="{_LEFT + length + 6:.1f}" y="{y + 12}">{row.value:,.0f}',
            f'<tspan class="small">{latency}</tspan></text>',
        ]
        y += _BAR + _GAP
    return parts, y + 10


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
