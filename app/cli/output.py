"""The lines of several processes on one terminal, each with the name of who said it."""

import queue
import sys
import threading
from datetime import datetime
from itertools import islice
from typing import IO, Any

import click
from honcho.colour import get_colours
from honcho.printer import Message, Printer

#: Lines that may wait for a slow terminal before further ones are dropped.
WAITING_LINES = 10_000
#: The name under which the supervisor itself speaks.
SYSTEM = "system"


class Output:
    """Prints lines in a thread of its own.

    A terminal that does not read (Ctrl-S, a full pipe) must not stop a process that acknowledges callbacks.
    So nobody waits for it: what does not fit in the queue is dropped, and how much that was is said.
    """

    def __init__(self, stream: IO[str] | None = None, *, width: int = len(SYSTEM)) -> None:
        self._stream = stream or sys.stdout
        self._printer = Printer(self._stream, width=width)
        self._colours: dict[str, Any] = {SYSTEM: None}
        self._queue: queue.Queue[tuple[str | None, bytes | str] | None] = queue.Queue(WAITING_LINES)
        self._dropped = 0
        #: True once nobody reads any more, as after `| head`.
        self.broken = False
        self._thread = threading.Thread(target=self._print_all, name="output", daemon=True)
        self._thread.start()

    def line(self, name: str, data: bytes | str) -> None:
        """Print a line that `name` said. Never blocks."""
        self._put((name, data))

    def system(self, text: str) -> None:
        """Print a line of the supervisor's own. Never blocks."""
        self._put((SYSTEM, text))

    def plain(self, text: str) -> None:
        """Print `text` as it is, without a name before it. Never blocks."""
        self._put((None, text))

    def close(self, timeout: float = 1.0) -> None:
        """Wait until everything is printed, at most `timeout` seconds."""
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _put(self, item: tuple[str | None, bytes | str]) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._dropped += 1

    def _print_all(self) -> None:
        while (item := self._queue.get()) is not None:
            if self.broken:
                continue
            try:
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._print(SYSTEM, f"{dropped} lines were dropped: the terminal was too slow for them")
                self._print(*item)
            except (OSError, ValueError):
                self.broken = True

    def _print(self, name: str | None, data: bytes | str) -> None:
        if name is None:
            click.echo(data, file=self._stream)
            self._stream.flush()
            return
        if name not in self._colours:
            self._colours[name] = next(islice(get_colours(), len(self._colours) - 1, None))
        self._printer.write(Message("line", data, datetime.now().astimezone(), name, self._colours[name]))
