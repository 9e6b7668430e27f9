"""Ends what a killed `transcode-inbox run` leaves behind.

A supervisor that gets SIGKILL cannot end its children, so this small process does. It is run by path, with
the standard library only, and listens on its standard input, the pipe whose other end the supervisor alone
holds:

    + <stage> <process group>     started
    - <process group>             ended

When the pipe closes the supervisor is gone, however that happened. Every group still listed is ended then:
with SIGKILL, stage by stage, but the last stage (the store) with SIGTERM first, and SIGKILL after GRACE.
PR_SET_PDEATHSIG would reach direct children only, needs code between fork and exec, and exists on Linux
alone.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

#: Seconds the last stage has to write down what it holds.
GRACE = 2.0
#: The stage that is ended gently: the store.
LAST_STAGE = 2


def follow(lines: Iterable[str]) -> dict[int, int]:
    """The groups still alive, with their stage, once `lines` end."""
    groups: dict[int, int] = {}
    for line in lines:
        words = line.split()
        if len(words) == 3 and words[0] == "+":
            groups[int(words[2])] = int(words[1])
        elif len(words) == 2 and words[0] == "-":
            groups.pop(int(words[1]), None)
    return groups


def end(groups: dict[int, int]) -> None:
    """End every group, the store last."""
    for group, stage in sorted(groups.items(), key=lambda item: item[1]):
        if stage < LAST_STAGE:
            _signal(group, signal.SIGKILL)
    gentle = [group for group, stage in groups.items() if stage >= LAST_STAGE]
    for group in gentle:
        _signal(group, signal.SIGTERM)
    limit = time.monotonic() + GRACE
    while gentle and time.monotonic() < limit:
        gentle = [group for group in gentle if _signal(group, 0)]
        time.sleep(0.02)
    for group in gentle:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end(follow(sys.stdin))
