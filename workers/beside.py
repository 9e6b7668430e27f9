"""Calls that block, made beside an event loop, in daemon threads: no exit ever waits for one that hangs."""

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class OneThread:
    """Makes calls one after the other, in one thread that lives as long as the process.

    A call that is given up by whoever awaits it before it has begun is not made; one that has begun goes on to its end.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What the function returns or raises."""
        future: Future[T] = Future()
        self._calls.put(lambda: _fulfil(future, lambda: function(*arguments, **named)))
        return await asyncio.wrap_future(future)

    def _run(self) -> None:
        while True:
            self._calls.get()()


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose every look-up of a host name has a thread to itself.

    asyncio's own look-ups share a handful of threads: names whose servers do not answer would hold up all others, and the end
    of the process.
    """

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """As `socket.getaddrinfo`."""
        future: Future[Any] = Future()
        look_up = threading.Thread(
            target=_fulfil, args=(future, lambda: socket.getaddrinfo(host, port, **options)), daemon=True
        )
        look_up.start()
        return await asyncio.wrap_future(future, loop=self)


def _fulfil(future: Future[T], function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
