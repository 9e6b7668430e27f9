"""Who is running: every process says once a second that it lives and how far it is.

ti:processes    hash; `<kind>:<host>:<pid>` -> JSON {kind, host, pid, started (ms), seen (queue time, ms), finished (messages)}
"""

import contextlib
import json
import os
import socket
import threading
import time
from typing import Any

import redis

from workers.queues.script import Script
from workers.store import Store

#: Seconds without a word after which a process counts as gone, and seconds after which it is forgotten.
GONE_AFTER, FORGOTTEN_AFTER = 10, 3600

#: Seconds that taking leave may keep a process from ending.
LEAVING = 1.0

_PRESENT = Script("process_present")
_TICK = Script("queue_tick")


class Processes:
    """The processes of one store's installation."""

    def __init__(self, client: Store) -> None:
        self._client = client
        self._saying = threading.Lock()
        self._left = False

    def present(self, kind: str, started: float, finished: int = 0) -> None:
        """Says that this process lives. `started` is a Unix time, `finished` counts the messages it has worked off."""
        host, pid = socket.gethostname(), os.getpid()
        about = {"kind": kind, "host": host, "pid": pid, "started": int(started * 1000), "finished": finished}
        with self._saying:
            if not self._left:
                _PRESENT.run(self._client, f"{kind}:{host}:{pid}", json.dumps(about))

    def leave(self, kind: str) -> None:
        """Says that this process ends as it was told to, so nobody need look for it: it is no longer listed.

        Never raises, and takes LEAVING seconds at most.
        """

        def leave() -> None:
            with contextlib.suppress(redis.RedisError), self._saying:
                self._left = True
                self._client.hdel("ti:processes", f"{kind}:{socket.gethostname()}:{os.getpid()}")

        leaving = threading.Thread(target=leave, name="leave", daemon=True)
        leaving.start()
        leaving.join(LEAVING)

    def list(self) -> list[dict[str, Any]]:
        """Each with `kind`, `host`, `pid`, `finished`, `age` and `silent` (seconds), and whether it `lives`.

        The long gone are left out.
        """
        now = int(_TICK.run(self._client))
        found = []
        for name, text in self._client.hgetall("ti:processes").items():
            about = json.loads(text)
            silent = max(0, now - about.pop("seen")) / 1000
            if silent > FORGOTTEN_AFTER:
                self._client.hdel("ti:processes", name)
                continue
            age = max(0.0, time.time() - about.pop("started") / 1000)
            found.append({**about, "age": round(age), "silent": round(silent, 1), "lives": silent <= GONE_AFTER})
        return sorted(found, key=lambda process: (process["kind"], process["host"], process["pid"]))
