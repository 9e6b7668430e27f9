"""The connection to Redis or Valkey, where every queue lives.

Each caller says how long it can wait. No command is ever sent twice by the client library: what may be repeated, and why that
is safe, is decided by the queue that sends it.
"""

import inspect
import socket
import threading
from typing import Any, TypeAlias

import redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry

#: Seconds without traffic after which a connection is checked with a PING before it is used.
HEALTH_CHECK_INTERVAL = 30


#: A redis-py client. It types every answer as all that any setting of it could give, which is no help to a reader or a checker.
Store: TypeAlias = Any

#: A new connection says nothing it need not: each thing said is a round trip with a timeout of its own, and a server that is
#: slow but alive (loading, say) took 3 s over them. Without these redis-py introduces itself in four.
_FEW_WORDS: dict[str, Any] = {"protocol": 2}
if "driver_info" in inspect.signature(AbstractConnection.__init__).parameters:
    _FEW_WORDS["driver_info"] = None
else:
    _FEW_WORDS |= {"lib_name": None, "lib_version": None}


def connect(url: str, *, timeout: float, connections: int = 8) -> Store:
    """A client for `url` whose every answer takes at most `timeout` seconds, connecting included.

    At most `connections` are open at once; further callers wait for one up to `timeout`. Commands raise
    `redis.ConnectionError` or `redis.TimeoutError` (a stale connection is replaced once, before the command is sent).
    """
    options: dict[str, Any] = {}
    if not url.startswith("unix:"):
        options = {
            "socket_connect_timeout": timeout,
            "socket_keepalive": True,
            "socket_keepalive_options": _keepalive(),
        }
    options |= _FEW_WORDS
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout,
        socket_timeout=timeout,
        health_check_interval=HEALTH_CHECK_INTERVAL,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    return redis.Redis.from_pool(pool)


def _keepalive() -> dict[int, int]:
    """A peer that vanished is noticed within half a minute, where the system lets us ask for that."""
    wanted = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


class Lines:
    """Connections for the few commands that run thousands of times a second, without what a pool does around each.

    A redis-py client looks at a connection before it uses it, and takes, retries, times and returns it: under gevent that is
    58 of a command's 102 us. Here a connection is taken up blindly, and a command that finds it closed is sent again, once,
    on a new one. So only commands that may be carried out twice belong here.
    """

    def __init__(self, client: Store, most: int) -> None:
        """`most` connections at once, made as those of `client` are; further callers wait for one."""
        self._pool = client.connection_pool
        self._idle: list[Any] = []
        self._free = threading.Semaphore(most)

    def execute_command(self, *arguments: Any) -> Any:
        """The answer, as it comes. Raises what redis raises."""
        with self._free:
            if not self._idle:
                return self._run(self._connect(), arguments)
            try:
                return self._run(self._idle.pop(), arguments)
            except redis.ConnectionError:
                return self._run(self._connect(), arguments)

    def _connect(self) -> Any:
        connection = self._pool.make_connection()
        connection.connect()
        return connection

    def _run(self, connection: Any, arguments: tuple[Any, ...]) -> Any:
        try:
            connection.send_command(*arguments, check_health=False)
            answer = connection.read_response()
        except redis.ResponseError:
            self._idle.append(connection)
            raise
        except BaseException:
            # Whatever else ended it, a greenlet's end included: an answer may still be under way, and belongs to nobody.
            connection.disconnect()
            raise
        self._idle.append(connection)
        return answer
