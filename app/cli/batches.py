"""Long work on many things: a batch a request, at most so many a second, with a progress bar on stderr."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from app.cli.api import Api

#: Things a request is for, at most.
BATCH = 200
#: Batches a second that a rate is spread over.
STEPS = 4

rate_option = click.option("--rate", type=click.FloatRange(0, min_open=True), help="At most so many a second.")


class Pace:
    """Sleeps so that no more than `rate` things a second pass; None is as fast as it goes."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._began = time.monotonic()
        self._passed = 0

    @property
    def batch(self) -> int:
        """How many to take at once."""
        return BATCH if self._rate is None else max(1, min(BATCH, int(self._rate / STEPS)))

    def wait(self) -> None:
        """Return when more may pass."""
        if self._rate is not None:
            time.sleep(max(0.0, self._began + self._passed / self._rate - time.monotonic()))

    def passed(self, count: int) -> None:
        """So many have passed."""
        self._passed += count


def progress(label: str, total: int | None) -> Any:
    """A progress bar on stderr, for a terminal; nothing elsewhere."""
    hidden = total is None or total < 2 or not sys.stderr.isatty()
    return click.progressbar(length=total, label=label, file=sys.stderr, hidden=hidden)


def in_batches(
    api: Api,
    path: str,
    asked: Mapping[str, Any],
    *,
    label: str,
    total: int,
    done: str,
    rate: float | None,
    each: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> int:
    """Post `asked` a batch at a time until nothing is left; how many of `done`, which is the answers' name for it.

    `each` is given every answer. Ctrl-C between or in batches says how far it came.
    """
    pace, before = Pace(rate), None
    count = 0
    try:
        with progress(label, total) as bar:
            while True:
                pace.wait()
                answer = api.change("POST", path, body={**asked, "limit": pace.batch, "before": before})
                each(answer)
                count += int(answer[done])
                pace.passed(answer[done])
                bar.update(answer[done])
                before = answer["before"]
                if before is None:
                    return count
    except KeyboardInterrupt:
        click.echo(f"\nStopped: {count} of {total} {done}.", err=True)
        raise
