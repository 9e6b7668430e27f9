"""The connection to Redis or Valkey, where every queue lives.

Each caller says how long it can wait. No command is ever sent twice by the client library: what may be repeated, and why that
is safe, is decided by the queue that sends it.
"""

import inspect
import socket
from queue import SimpleQueue
from typing import Any, TypeAlias

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry
from redis.sentinel import Sentinel

from schemas.sentinel import SentinelAddress, read_sentinel_address

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

    A `sentinel://` URL is that of whichever server the sentinels call the primary when a connection is made. At most
    `connections` are open at once; further callers wait for one up to `timeout`. Commands raise `redis.ConnectionError` or
    `redis.TimeoutError` (a stale connection is replaced once, before the command is sent).
    """
    options: dict[str, Any] = {}
    if not url.startswith("unix:"):
        options = {
            "socket_connect_timeout": timeout,
            "socket_keepalive": True,
            "socket_keepalive_options": _keepalive(),
        }
    options |= _FEW_WORDS | {
        "max_connections": connections,
        "timeout": timeout,
        "socket_timeout": timeout,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
        "retry": Retry(NoBackoff(), 0),
    }
    sentinel = read_sentinel_address(url)
    if sentinel is None:
        pool = redis.BlockingConnectionPool.from_url(url, **options)
    else:
        pool = redis.BlockingConnectionPool(
            connection_class=_ConnectionToPrimary,
            primary=_Primary(sentinel, timeout),
            db=sentinel.db,
            username=sentinel.username,
            password=sentinel.password,
            **options,
        )
    return redis.Redis.from_pool(pool)


class _Primary:
    """Where the primary is, as the sentinels say."""

    def __init__(self, address: SentinelAddress, timeout: float) -> None:
        self._service = address.service
        # Even if all but one of them are out of reach, it and the primary are asked within the timeout.
        patience = timeout / (len(address.sentinels) + 1)
        self._sentinel = Sentinel(
            address.sentinels,
            sentinel_kwargs={
                "socket_timeout": patience,
                "socket_connect_timeout": patience,
                "password": address.sentinel_password,
                "retry": Retry(NoBackoff(), 0),
                **_FEW_WORDS,
            },
        )

    def address(self) -> tuple[str, int]:
        """Its host and port. Raises `redis.ConnectionError` if no sentinel knows of one."""
        host, port = self._sentinel.discover_master(self._service)
        return str(host), int(port)


class _ConnectionToPrimary(redis.Connection):
    """A connection that asks where the primary is whenever it is made."""

    def __init__(self, primary: _Primary, **options: Any) -> None:
        super().__init__(**options)
        self._primary = primary

    def connect_check_health(self, *arguments: Any, **options: Any) -> None:
        if not self.is_connected:
            self.host, self.port = self._primary.address()
        super().connect_check_health(*arguments, **options)

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().read_response(*arguments, **options)
        except redis.ReadOnlyError:
            # It was the primary when we connected, and is no more.
            self.disconnect()
            raise redis.ConnectionError("this server is the primary no more") from None


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
        self._lines: SimpleQueue[Any] = SimpleQueue()
        for _ in range(most):
            self._lines.put(None)

    def execute_command(self, *arguments: Any) -> Any:
        """The answer, as it comes. Raises what redis raises."""
        connection = self._lines.get()
        try:
            if connection is not None:
                try:
                    return self._ask(connection, arguments)
                except redis.ConnectionError:
                    connection.disconnect()
            connection = None
            connection = self._connect()
            return self._ask(connection, arguments)
        except redis.ResponseError:
            raise
        except BaseException:
            # Whatever else ended it, a greenlet's end included: an answer may still be under way, and belongs to nobody.
            if connection is not None:
                connection.disconnect()
            connection = None
            raise
        finally:
            self._lines.put(connection)

    def _connect(self) -> Any:
        connection = self._pool.make_connection()
        connection.connect()
        return connection

    @staticmethod
    def _ask(connection: Any, arguments: tuple[Any, ...]) -> Any:
        connection.send_packed_command([hiredis.pack_command(arguments)], check_health=False)
        return connection.read_response()
