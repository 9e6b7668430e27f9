"""How long an acknowledgement takes while a thousand clients long-poll the same processes, against nobody waiting."""

import contextlib
import sys
import time

from tests.bench.contestants import our_web, our_workers
from tests.bench.load import Paced, post_at_rate
from tests.bench.plan import Plan
from tests.bench.report import Ratio, Row, Section, say
from tests.bench.servers import BenchError, running, valkey

CLIENTS = 1_000
#: Callbacks a second; each becomes an event that wakes one of those who wait.
PER_SECOND = 100
REQUIRED = 2
#: Seconds for all to have connected and to be waiting.
SETTLE = 8


def waiting_clients(plan: Plan) -> Section:
    """p99 of acknowledgements, with and without the clients, on the default server."""
    alone: list[Paced] = []
    beside: list[Paced] = []
    for number in range(plan.rounds):
        alone.append(_paced(0, plan))
        beside.append(_paced(CLIENTS, plan))
        say(f"  round {number + 1}: p99 {alone[-1].p99:.2f} ms with nobody waiting, {beside[-1].p99:.2f} ms with all")
    best_alone = min(alone, key=lambda paced: paced.p99)
    best_beside = min(beside, key=lambda paced: paced.p99)
    name = "transcode-inbox, gunicorn"
    return Section(
        "Acknowledgements while clients wait for events",
        [
            Row(name, "nobody waiting", PER_SECOND, "req/s", best_alone.p50, best_alone.p99, [p.p99 for p in alone]),
            Row(
                name,
                f"{CLIENTS:,} waiting",
                PER_SECOND,
                "req/s",
                best_beside.p50,
                best_beside.p99,
                [p.p99 for p in beside],
            ),
        ],
        [Ratio("p99, clients waiting / nobody", best_beside.p99 / best_alone.p99, REQUIRED, at_least=False)],
        [
            f"{PER_SECOND} callbacks a second for {plan.seconds:g} s; each wakes a client that waits.",
            "Workers and clock run beside it.",
            f"{plan.rounds} rounds in turn, the best of each; `rounds` are p99 in ms. No client was refused.",
        ],
    )


def _paced(clients: int, plan: Plan) -> Paced:
    with (
        valkey() as store,
        our_web("gunicorn").serving(store) as url,
        our_workers(store),
        contextlib.ExitStack() as beside,
    ):
        if clients:
            command = [sys.executable, "-m", "tests.bench.pollers", url, str(clients)]
            pollers = beside.enter_context(running(command, {}))
        time.sleep(SETTLE)
        paced = post_at_rate(url, PER_SECOND, plan.seconds)
        if clients:
            pollers.check()
    if paced.refused:
        raise BenchError(f"{paced.refused} of {paced.requests} callbacks were not acknowledged with 200.")
    return paced
