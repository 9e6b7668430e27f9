"""Draining: how a web process that is told to stop takes leave, so that nobody's request is lost in a broken connection.

It begins no new connection, but takes those that have begun; answers whoever asks, and says with the answer that the connection
ends; sends home whoever waits for events; and says to a balancer that it is not ready. Then the server ends, as it does.
"""

import contextlib
import ctypes
import os
import signal
import socket
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterator

#: Seconds between the signal and the server's own stop, in which connections that had begun arrive, and those that are kept
#: learn with an answer that they end.
SECONDS = 1.0

#: Linux: a filter on a socket, in classic BPF.
_SO_ATTACH_FILTER = 26
#: Drops a packet that asks for a new connection (SYN, without ACK) and passes all others. The packet begins with TCP's header.
_NO_NEW_CONNECTION = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x54, 0, 0, 0x12),  # and 0x12: SYN and ACK
    (0x15, 0, 1, 0x02),  # only SYN?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # pass it
)


def begin_no_connection() -> None:
    """Lets no new connection come to the listening sockets of this process, where the system can do that (Linux).

    A socket that is just closed resets all connections that its queue still holds, whose clients have sent their requests.
    So the queue has to run empty first. Whoever calls meanwhile is refused when the socket is closed, having sent nothing yet.
    """
    if not sys.platform.startswith("linux"):
        return
    program = b"".join(struct.pack("HBBI", *step) for step in _NO_NEW_CONNECTION)
    memory = ctypes.create_string_buffer(program)
    option = struct.pack("HL", len(_NO_NEW_CONNECTION), ctypes.addressof(memory))
    for listener in _listeners():
        with contextlib.suppress(OSError), listener:
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)


def _listeners() -> Iterator[socket.socket]:
    """The listening TCP sockets of this process, whoever opened them."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            descriptor = int(name)
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            found = socket.socket(fileno=os.dup(descriptor))
            is_tcp = found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM
            if is_tcp and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield found
            else:
                found.close()


def drain_granian(drain: Callable[[], None]) -> None:
    """Makes this Granian worker, told to stop, call `drain` and go on for SECONDS. To be called before it begins to serve."""
    import granian._signals as signals

    original: Callable[..., None] = signals.set_main_signals

    def set_main_signals(stop: Callable[..., None], *rest: Callable[..., None]) -> None:
        once = threading.Lock()

        def told_to_stop(number: int, frame: object) -> None:
            if once.acquire(blocking=False):
                threading.Thread(target=drain, name="drain", daemon=True).start()
                threading.Timer(SECONDS, stop, (number, frame)).start()

        original(told_to_stop, *rest)
        _watch_signals(told_to_stop)

    signals.set_main_signals = set_main_signals


def _watch_signals(told_to_stop: Callable[[int, object], None]) -> None:
    """Calls `told_to_stop` for signals from a thread too.

    Python runs its handlers in the main thread only, which in a Granian worker sleeps, and sometimes sleeps on. What is written
    to this pipe is written at once, by whichever thread the signal meets.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def watch() -> None:
        while number := os.read(reading, 1):
            if number[0] in (signal.SIGTERM, signal.SIGINT):
                told_to_stop(number[0], None)

    threading.Thread(target=watch, name="signals", daemon=True).start()
