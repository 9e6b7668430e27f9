"""The connection to Redis or Valkey, where every queue lives.

Each caller says how long it can wait. No command is ever sent twice by the client library: what may be repeated, and why that
is safe, is decided by the queue that sends it.
"""

import socket
from typing import Any, TypeAlias

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds without traffic after which a connection is checked with a PING before it is used.
HEALTH_CHECK_INTERVAL = 30


#: A redis-py client. It types every answer as all that any setting of it could give, which is no help to a reader or a checker.
Store: TypeAlias = Any


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
