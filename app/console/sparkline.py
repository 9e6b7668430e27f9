"""Curves of what came in: from samples of counters to points, and from points to the path of a small drawing."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

#: Seconds that are one point of a curve.
STEP = 10
#: The drawing's size in its own units.
WIDTH, HEIGHT = 240, 36


class Curve(NamedTuple):
    """Callbacks a second of one source."""

    #: callbacks a second, oldest first; None where no clock was running
    points: list[float | None]

    @property
    def now(self) -> float | None:
        """The last point; None where nothing is known of it."""
        return self.points[-1] if self.points else None

    @property
    def most(self) -> float:
        """The highest point."""
        return max((point for point in self.points if point is not None), default=0.0)

    @property
    def paths(self) -> tuple[str, str]:
        """The line, and the area under it, as `d` of an SVG path in a box of WIDTH and HEIGHT."""
        return _paths(self.points, self.most)


def curves(samples: Sequence[dict[str, Any]], sources: Sequence[str], *, seconds: int) -> dict[str, Curve]:
    """A curve for each source over the last so many seconds, from samples, oldest first."""
    count = seconds // STEP
    if len(samples) < 2:
        return {source: Curve([None] * count) for source in sources}
    end = samples[-1]["now"]
    edges = [end - (count - number) * STEP * 1000 for number in range(count + 1)]
    at_edges = _at(edges, samples)
    return {source: Curve([_rate(before, after, source) for before, after in pairwise(at_edges)]) for source in sources}


def _at(edges: Sequence[int], samples: Sequence[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """For each edge the last sample that is not after it, if there is one within a step before."""
    found: list[dict[str, Any] | None] = []
    position = -1
    for edge in edges:
        while position + 1 < len(samples) and samples[position + 1]["now"] <= edge:
            position += 1
        near = position >= 0 and edge - samples[position]["now"] < STEP * 1000
        found.append(samples[position] if near else None)
    return found


def came_in(sample: dict[str, Any], source: str) -> int:
    """How many callbacks of a source had been acknowledged when the sample was taken."""
    return int(sample["counters"].get(f"accepted:{source}", 0))


def _rate(before: dict[str, Any] | None, after: dict[str, Any] | None, source: str) -> float | None:
    if before is None or after is None or after["now"] <= before["now"]:
        return None
    elapsed: float = (after["now"] - before["now"]) / 1000
    return max(0, came_in(after, source) - came_in(before, source)) / elapsed


def _paths(points: Sequence[float | None], most: float) -> tuple[str, str]:
    step = WIDTH / max(1, len(points) - 1)
    scale = (HEIGHT - 4) / most if most else 0.0
    line, area = [], []
    run: list[tuple[float, float]] = []
    for number, point in enumerate([*points, None]):
        if point is not None:
            run.append((number * step, HEIGHT - 1 - point * scale))
            continue
        if run:
            drawn = "L".join(f"{x:.1f} {y:.1f}" for x, y in run)
            line.append(f"M{drawn}")
            area.append(f"M{run[0][0]:.1f} {HEIGHT}L{drawn}L{run[-1][0]:.1f} {HEIGHT}Z")
        run = []
    return "".join(line), "".join(area)
