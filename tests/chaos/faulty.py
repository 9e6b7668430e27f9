"""`python -m tests.chaos.faulty FAULT[,FAULT] MODULE`: a process of the Procfile with a fault injected, for tests only.

Each fault sits exactly between two steps, so that what the tests are about happens for certain and not now and then.
"""

import importlib
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from typing import Any


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_before_the_publish() -> None:
    """A web process that answers 200, and dies before it has told the workers."""
    import app

    create_app = app.create_app

    def with_the_fault(*arguments: Any) -> Any:
        # Only now has gevent patched the process.
        from workers.enqueue import Enqueue

        def publish(*_: Any) -> None:
            time.sleep(0.2)  # the answer goes out meanwhile
            die()

        Enqueue.publish = publish  # type: ignore[method-assign]
        return create_app(*arguments)

    app.create_app = with_the_fault


def killed_with_the_message_popped() -> None:
    """A worker that dies with what BRPOP gave it, before kombu has written that down anywhere: lost to the broker for good."""
    _replace("kombu.transport.redis", "QoS", "append", die)


def killed_before_it_starts() -> None:
    """A worker that dies with a message it has taken but not begun."""
    _replace("workers.watchdog", "Watchdog", "begun", die)


def killed_when_about_to_record() -> None:
    """A worker that dies just before the record script: were anything written ahead of it, the event would seem recorded."""
    from workers.queues.script import Script

    run_each = Script.run_each

    def die_first(self: Script, client: Any, calls: Any) -> Any:
        return run_each(self, client, calls) if not calls else die()

    Script.run_each = die_first  # type: ignore[method-assign]


def killed_as_soon_as_it_is_recorded() -> None:
    """A worker that dies when the store has carried out the record script: were that not the whole of it, the rest is lost."""
    from workers.queues.script import Script

    run_each = Script.run_each

    def then_die(self: Script, client: Any, calls: Any) -> Any:
        answers = run_each(self, client, calls)
        return answers if not calls else die()

    Script.run_each = then_die  # type: ignore[method-assign]


def killed_before_handing_on() -> None:
    """A worker that dies when events are recorded and their renditions not handed on."""
    _replace("workers.queues.renditions", "RenditionExchange", "publish", die)


def killed_before_finishing() -> None:
    """A worker that dies when all is done but forgetting the entry."""
    _replace("workers.queues.inbox", "Inbox", "finish", die)


def deaf() -> None:
    """A worker that consumes one message, and from then on lives, says so, and consumes nothing."""
    from workers.watchdog import Watchdog

    finished = Watchdog.finished

    def then_go_deaf(self: Watchdog) -> None:
        finished(self)
        # As after a lost connection that nobody noticed: the consumer waits for an answer to a question it never asked.
        _replace("kombu.transport.redis", "Channel", "_brpop_start", lambda *_, **__: None)

    Watchdog.finished = then_go_deaf  # type: ignore[method-assign]


def hasty_sweep() -> None:
    """A clock whose sweep waits half a second where the real one waits five, so that a short test is short."""
    from workers.tasks.sweep import Sweep

    assert Sweep.__init__.__kwdefaults__ is not None
    Sweep.__init__.__kwdefaults__["grace"] = 0.5


def hasty_deliveries() -> None:
    """A worker or a clock for whom a second of retries is a tenth of one: pauses, circuits and leases."""
    from workers import retries
    from workers.queues import deliveries

    retries.FIRST, retries.LONGEST = 0.2, 1.0
    deliveries.OPEN_MS, deliveries.MOST_OPEN_MS, deliveries.LEASE_MS = 500, 1000, 3000


def killed_when_it_has_claimed() -> None:
    """A worker that dies with deliveries it has leased and not sent."""
    from workers.queues.deliveries import Deliveries

    claim = Deliveries.claim

    def then_die(self: Deliveries, most: int) -> Any:
        return die() if (claimed := claim(self, most)) else claimed

    Deliveries.claim = then_die  # type: ignore[method-assign]


def killed_when_it_has_delivered() -> None:
    """A worker that dies when the receiver has answered, and before it has written that down."""
    _replace("workers.deliver", "Sender", "_settlement", die)


def _replace(module: str, owner: str, name: str, function: Callable[..., Any]) -> None:
    target = getattr(importlib.import_module(module), owner)
    assert hasattr(target, name), f"{module}.{owner} has no {name} any more; put this fault elsewhere"
    setattr(target, name, function)


FAULTS = {
    function.__name__: function
    for function in (
        killed_before_the_publish,
        killed_with_the_message_popped,
        killed_before_it_starts,
        killed_when_about_to_record,
        killed_as_soon_as_it_is_recorded,
        killed_before_handing_on,
        killed_before_finishing,
        deaf,
        hasty_sweep,
        hasty_deliveries,
        killed_when_it_has_claimed,
        killed_when_it_has_delivered,
    )
}

if __name__ == "__main__":
    _, faults, module_name = sys.argv
    for fault in faults.split(","):
        FAULTS[fault]()
    runpy.run_module(module_name, run_name="__main__", alter_sys=True)
