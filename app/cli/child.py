"""One supervised process: how it is started, signalled, watched and buried."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO

#: Seconds before the first restart; each further one takes twice as long, up to LONGEST_DELAY.
FIRST_DELAY = 0.5
LONGEST_DELAY = 10.0
#: Seconds a process has to live before its next death counts as the first again.
HEALTHY_AFTER = 10.0
#: Bytes of one line; a longer one is printed in pieces.
LONGEST_LINE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. Programs of a lower `stage` are ended before those of a higher one."""

    name: str
    argv: tuple[str, ...]
    stage: int = 1
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: File descriptors that the process inherits.
    keep_fds: tuple[int, ...] = ()

    def within(self, environment: Mapping[str, str]) -> "Program":
        """The same program with `environment` added beneath its own."""
        return replace(self, environment={**environment, **self.environment})


class Child:
    """A program and, while it runs, its process, the leader of a session (and process group) of its own."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        #: How often it was started.
        self.lives = 0
        #: When to start it, by time.monotonic(); None while it runs.
        self.due: float | None = time.monotonic()
        self._born = 0.0
        self._delay = FIRST_DELAY

    @property
    def pid(self) -> int | None:
        """The process id, which is also the id of its group; None while it does not run."""
        return self.process.pid if self.process else None

    def start(self, say: Callable[[str, bytes], None]) -> None:
        """Start the process; `say(name, line)` is called for every line it prints. Raises OSError."""
        self.lives += 1
        self._born = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - the Procfile is the user's own
            self.program.argv,
            env={**os.environ, **self.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self.program.keep_fds,
        )
        self.due = None
        assert self.process.stdout is not None  # noqa: S101 - asked for above
        threading.Thread(target=_relay, args=(self.process.stdout, self.program.name, say), daemon=True).start()

    def ended(self) -> int | None:
        """The exit status (negative: the signal) of a process that just ended; else None.

        What is left of its group goes with it: a web server's orphans would keep the port from the next one.
        """
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.signal_group(signal.SIGKILL)
        self.process = None
        return status

    def lifetime(self) -> float:
        """Seconds since the last start."""
        return time.monotonic() - self._born

    def postpone(self) -> float:
        """Set when to start again, and return the delay in seconds."""
        if self.lifetime() >= HEALTHY_AFTER:
            self._delay = FIRST_DELAY
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY)
        self.due = time.monotonic() + delay
        return delay

    def terminate(self) -> None:
        """Ask the process, and only it, to end: web servers and Celery end their own children in order."""
        if self.process is not None:
            self.process.terminate()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and everything it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


def describe_status(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _relay(stream: IO[bytes], name: str, say: Callable[[str, bytes], None]) -> None:
    with stream:
        while line := stream.readline(LONGEST_LINE):
            say(name, line)
