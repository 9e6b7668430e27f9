"""How long an acknowledgement takes while the workers chew through a deep backlog, against idle workers.

Web, workers, clock and store share the machine, so a backlog takes processor time from the web; it must not
take much more.
"""

import time

from tests.bench.contestants import our_web, our_workers, recorded
from tests.bench.load import Paced, post, post_at_rate
from tests.bench.plan import Plan
from tests.bench.report import Ratio, Row, Section, say
from tests.bench.servers import BenchError, Valkey, valkey

BACKLOG = 100_000
PER_SECOND = 1_000
REQUIRED = 3

#: Seconds for the workers to be up, and busy where there is something to do.
SETTLE = 4


def backlog(plan: Plan) -> Section:
    """p99 at 1,000 callbacks a second with idle and with busy workers, on the default server."""
    idle: list[Paced] = []
    busy: list[Paced] = []
    for number in range(plan.rounds):
        idle.append(_paced(0, plan))
        busy.append(_paced(plan.count(BACKLOG), plan))
        say(
            f"  round {number + 1}: p99 idle {idle[-1].p99:.2f} ms, busy {busy[-1].p99:.2f} ms; "
            f"the sender itself was {idle[-1].sender_p99:.2f} and {busy[-1].sender_p99:.2f} ms late"
        )
    best_idle = min(idle, key=lambda paced: paced.p99)
    best_busy = min(busy, key=lambda paced: paced.p99)
    return Section(
        "Acknowledgements while workers are busy",
        [
            _row("idle workers", best_idle, idle),
            _row(f"a backlog of {plan.count(BACKLOG):,}", best_busy, busy),
        ],
        [Ratio("p99, busy / idle, ours on gunicorn", best_busy.p99 / best_idle.p99, REQUIRED, at_least=False)],
        [
            f"{PER_SECOND:,} callbacks a second for {plan.seconds:g} s, sent whether or not answers come.",
            "Two workers and the clock run beside it.",
            f"{plan.rounds} rounds in turn, the best of each; `rounds` are p99 in ms.",
            f"The sender's own delay, p99: {best_idle.sender_p99:.2f} ms, {best_busy.sender_p99:.2f} ms (busy).",
        ],
    )


def _paced(callbacks: int, plan: Plan) -> Paced:
    with valkey() as store, our_web("gunicorn").serving(store) as url:
        if callbacks:
            post(url, callbacks)
        with our_workers(store):
            _settle(store, busy=bool(callbacks))
            paced = post_at_rate(url, PER_SECOND, plan.seconds)
            if callbacks and recorded(store) >= callbacks:
                raise BenchError(f"The backlog of {callbacks:,} was gone before the load was: use less --seconds.")
    if paced.refused:
        raise BenchError(f"{paced.refused} of {paced.requests} callbacks were not acknowledged with 200.")
    return paced


def _settle(store: Valkey, busy: bool) -> None:
    time.sleep(SETTLE)
    deadline = time.monotonic() + 30
    while busy and not recorded(store):
        if time.monotonic() > deadline:
            raise BenchError("The workers have not begun with the backlog after 30 s.")
        time.sleep(0.1)


def _row(setting: str, best: Paced, rounds: list[Paced]) -> Row:
    return Row(
        "transcode-inbox, gunicorn",
        setting,
        PER_SECOND,
        "req/s",
        best.p50,
        best.p99,
        [paced.p99 for paced in rounds],
    )
