"""Keeps processes alive, and ends them in order.

honcho ends everything when one process dies. Here one that dies is started again while the others go on, and
none outlives the supervisor: not after Ctrl-C (10 s at most), and not after a SIGKILL (see `undertaker`).
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from app.cli.child import HEALTHY_AFTER, Child, Program, describe_status
from app.cli.output import Output

#: The stages in which processes are ended: the door, those behind it, and last what they all write to.
WEB, WORK, STORE = STAGES = (0, 1, 2)
#: Seconds after the stop at which a stage is asked to end, even if the one before it still runs.
ASK_AFTER = {WEB: 0.0, WORK: 3.0, STORE: 7.2}
#: Seconds after the stop at which a stage gets SIGKILL.
KILL_AFTER = {WEB: 7.0, WORK: 7.0, STORE: 9.0}
#: Seconds to which a second Ctrl-C puts the clock: SIGKILL for all but the store, which keeps its two.
HURRY = 7.0
#: Exit status of a process that cannot run with its settings: trying again will not help.
BAD_SETTINGS = 2
#: Seconds between two looks at the processes.
TICK = 0.05


class Supervisor:
    """Runs programs until told to stop, or until one of them cannot run with its settings.

        supervisor = Supervisor(Output())
        with supervisor.signals():
            supervisor.add(Program("web", ("python", "-m", "app.web"), stage=WEB))
            status = supervisor.run()

    Warning: it starts and ends processes in the thread that calls it, and `signals` works in the main thread
    only.
    """

    def __init__(self, output: Output) -> None:
        self.output = output
        #: True once it has been told to stop.
        self.stopping = False
        self._hurry = False
        self._status = 0
        self._children: list[Child] = []
        self._undertaker: subprocess.Popen[str] | None = None

    def add(self, program: Program) -> Child:
        """Start `program` now, and again whenever it dies."""
        child = Child(program)
        self._children.append(child)
        self._start(child)
        return child

    def run(self) -> int:
        """Supervise until told to stop, end everything; the exit status is 0, or 2 for bad settings."""
        while not self.stopping:
            self.turn()
            time.sleep(TICK)
        return self.end()

    def turn(self) -> None:
        """Look after every process once: notice the dead, start what is due."""
        if self.output.broken:
            self.stop()
        if self._undertaker is None or self._undertaker.poll() is not None:
            self._engage_undertaker()
        for child in self._children:
            if (status := self._bury(child)) is not None and not self.stopping:
                self._after_death(child, status)
            if child.due is not None and time.monotonic() >= child.due and not self.stopping:
                self._start(child)

    def stop(self) -> None:
        """Stop soon; asked a second time, at once. Safe in a signal handler."""
        self._hurry, self.stopping = self.stopping, True

    def end(self) -> int:
        """End all processes, stage by stage, within 10 s, and return the exit status."""
        self.stopping = True
        began = time.monotonic()
        sent: set[tuple[int, signal.Signals]] = set()
        if self._running(*STAGES):
            self.output.system("stopping; Ctrl-C again to hurry")
        while self._running(*STAGES):
            waited = time.monotonic() - began
            if self._hurry and waited < HURRY:
                began, waited = time.monotonic() - HURRY, HURRY
            for stage in STAGES:
                self._end_stage(stage, waited, sent)
            time.sleep(TICK)
            for child in self._children:
                self._bury(child)
        self._dismiss_undertaker()
        return self._status

    def _end_stage(self, stage: int, waited: float, sent: set[tuple[int, signal.Signals]]) -> None:
        """Send what is due `waited` seconds after the stop; `sent` holds the signals that each stage had."""
        running = self._running(stage)
        if waited >= KILL_AFTER[stage]:
            for child in running:
                if (stage, signal.SIGKILL) not in sent:
                    self.output.system(f"{child.program.name} did not end in time and is killed")
                child.signal_group(signal.SIGKILL)
            sent.add((stage, signal.SIGKILL))
        elif waited >= ASK_AFTER[stage] or not self._running(*range(stage)):
            if (stage, signal.SIGTERM) not in sent:
                for child in running:
                    child.terminate()
            sent.add((stage, signal.SIGTERM))

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """SIGINT, SIGTERM and SIGHUP stop the supervisor while this lasts."""

        def handle(number: int, frame: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _start(self, child: Child) -> None:
        if self._undertaker is None:
            self._engage_undertaker()
        try:
            child.start(self.output.line)
        except OSError as error:
            delay = child.postpone()
            self.output.system(f"{child.program.name} cannot be started: {error}; again in {delay:g} s")
            return
        self._tell_undertaker(f"+ {child.program.stage} {child.pid}")
        if child.lives > 1:
            self.output.system(f"{child.program.name} started again, pid {child.pid}")

    def _after_death(self, child: Child, status: int) -> None:
        name = child.program.name
        if status == BAD_SETTINGS and child.lives == 1 and child.lifetime() < HEALTHY_AFTER:
            self.output.system(f"{name} cannot run with these settings; what it said is above")
            self._status = BAD_SETTINGS
            self.stopping = True
            return
        delay = child.postpone()
        self.output.system(f"{name} {describe_status(status)}; starting it again in {delay:g} s")

    def _bury(self, child: Child) -> int | None:
        pid = child.pid
        status = child.ended()
        if status is not None:
            self._tell_undertaker(f"- {pid}")
        return status

    def _running(self, *stages: int) -> list[Child]:
        return [child for child in self._children if child.process is not None and child.program.stage in stages]

    def _engage_undertaker(self) -> None:
        script = Path(__file__).with_name("undertaker.py")
        self._undertaker = subprocess.Popen(  # noqa: S603
            (sys.executable, "-I", "-S", str(script)),
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for child in self._children:
            if child.process is not None:
                self._tell_undertaker(f"+ {child.program.stage} {child.pid}")

    def _tell_undertaker(self, line: str) -> None:
        if self._undertaker is not None and self._undertaker.stdin is not None:
            with contextlib.suppress(OSError):
                self._undertaker.stdin.write(line + "\n")
                self._undertaker.stdin.flush()

    def _dismiss_undertaker(self) -> None:
        if self._undertaker is not None and self._undertaker.stdin is not None:
            with contextlib.suppress(OSError):
                self._undertaker.stdin.close()
            self._undertaker.wait(5)
