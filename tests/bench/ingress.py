"""How many callbacks a second each web acknowledges, and how long an acknowledgement takes.

No worker runs: a web is measured by what it can make durable, as are its peers. After every run the
callbacks are counted in the store; one that was acknowledged and is not there ends the benchmark.
"""

from dataclasses import dataclass

from tests.bench import contestants
from tests.bench.contestants import Contestant, our_web
from tests.bench.load import Load, wrk
from tests.bench.plan import Plan
from tests.bench.report import Ratio, Row, Section, say
from tests.bench.servers import BenchError, valkey

SERVERS = ("gunicorn", "granian")

#: Ours divided by a peer, at least.
REQUIRED = {
    "gunicorn": {
        "Flask + Celery delay": 5,
        "FastAPI + arq": 2,
        "Fastify + BullMQ": 0.75,
        "empty Flask view": 1.2,
    },
    "granian": {"Flask + Celery delay": 8, "Fastify + BullMQ": 1.1, "empty Flask view": 1.0},
}
REQUIRED_ALWAYS = 0.8
REQUIRED_ALONE = 1.5


@dataclass(frozen=True, slots=True)
class _Entry:
    contestant: Contestant
    label: str
    appendfsync: str = "everysec"


def ingress(plan: Plan) -> Section:
    """Ours and the peers at every number of connections."""
    webs = [our_web(server) for server in SERVERS]
    webs += [contestants.flask_celery(server) for server in SERVERS]
    webs += [contestants.flask_empty(server) for server in SERVERS]
    webs += [
        contestants.FASTAPI_ARQ,
        contestants.FASTIFY_BULLMQ,
        *contestants.TUNED,
    ]
    best = _measure([_Entry(web, web.label) for web in webs], plan, plan.connections)
    section = Section("Callbacks acknowledged", _rows(best))
    for connections in plan.connections:
        for server, peers in REQUIRED.items():
            ours = best[our_web(server).label, connections][0].per_second
            for web in webs:
                required = peers.get(web.name) if web.server in (server, "uvicorn", "node") else None
                if required is not None or (web in contestants.TUNED and web.server.startswith(server)):
                    what = f"ours on {server} / {web.label}, {connections} connections"
                    ratio = ours / best[web.label, connections][0].per_second
                    section.ratios.append(Ratio(what, ratio, required))
    section.notes += [
        _how(plan, "appendfsync everysec"),
        "Peers run with their servers' defaults, and on granian also with the number of threads that suits them.",
    ]
    return section


def alone(plan: Plan) -> Section:
    """One callback at a time: group commit must not cost the one that has no group."""
    webs = [web for server in SERVERS for web in (our_web(server), contestants.flask_xadd(server))]
    best = _measure([_Entry(web, web.label) for web in webs], plan, (1,), by_latency=True)
    section = Section("One callback at a time", _rows(best))
    for server in SERVERS:
        ours, peer = our_web(server).label, contestants.flask_xadd(server).label
        ratio = best[ours, 1][0].p50 / best[peer, 1][0].p50
        section.ratios.append(Ratio(f"p50, ours on {server} / {peer}", ratio, REQUIRED_ALONE, at_least=False))
    section.notes.append(_how(plan, "appendfsync everysec, one connection"))
    return section


def fsync(plan: Plan) -> Section:
    """What it costs to have every callback on the disk before it is acknowledged."""
    entries = [
        _Entry(our_web(server), f"transcode-inbox, {server}, appendfsync {policy}", policy)
        for server in SERVERS
        for policy in ("everysec", "always")
    ]
    best = _measure(entries, plan, plan.connections)
    section = Section("Durable to disk before the acknowledgement", _rows(best))
    for connections in plan.connections:
        for server in SERVERS:
            everysec, always = (
                best[f"transcode-inbox, {server}, appendfsync {policy}", connections][0]
                for policy in ("everysec", "always")
            )
            what = f"always / everysec on {server}, {connections} connections"
            section.ratios.append(Ratio(what, always.per_second / everysec.per_second, REQUIRED_ALWAYS))
    section.notes.append(_how(plan, "each appendfsync policy"))
    return section


def _measure(
    entries: list[_Entry], plan: Plan, connections: tuple[int, ...], *, by_latency: bool = False
) -> dict[tuple[str, int], tuple[Load, list[float]]]:
    """The best run of each entry at each number of connections, and the requests a second of all its runs.

    Entries take turns, round by round, so that a slow minute of the machine does not hit one of them alone.
    """
    runs: dict[tuple[str, int], list[Load]] = {}
    for number in range(plan.rounds):
        for entry in entries:
            for count, load in _one(entry, plan.seconds, connections).items():
                runs.setdefault((entry.label, count), []).append(load)
                say(
                    f"  round {number + 1}, {entry.label}, {_setting(count)}: "
                    f"{load.per_second:,.0f}/s, p50 {load.p50:.2f} ms, p99 {load.p99:.2f} ms"
                )
    return {
        key: (
            min(loads, key=lambda load: load.p50) if by_latency else max(loads, key=lambda load: load.per_second),
            [load.per_second for load in loads],
        )
        for key, loads in runs.items()
    }


def _one(entry: _Entry, seconds: float, connections: tuple[int, ...]) -> dict[int, Load]:
    loads: dict[int, Load] = {}
    with valkey(entry.appendfsync) as store, entry.contestant.serving(store) as url:
        warm_up = [wrk(url, connections[-1], min(2, seconds / 2))]
        for count in connections:
            loads[count] = wrk(url, count, seconds)
        acknowledged = sum(load.requests for load in (*warm_up, *loads.values()))
        if entry.contestant.landed and (landed := entry.contestant.landed(store.client)) < acknowledged:
            raise BenchError(f"{entry.label} acknowledged {acknowledged:,} callbacks, and its store holds {landed:,}.")
    for load in loads.values():
        if load.bad_status or load.broken:
            raise BenchError(
                f"{entry.label}: {load.bad_status} answers were no 200, {load.broken} requests had no answer."
            )
    return loads


def _rows(best: dict[tuple[str, int], tuple[Load, list[float]]]) -> list[Row]:
    return [
        Row(
            label,
            _setting(connections),
            load.per_second,
            "req/s",
            load.p50,
            load.p99,
            rounds,
        )
        for (label, connections), (load, rounds) in sorted(best.items(), key=lambda item: item[0][1])
    ]


def _setting(connections: int) -> str:
    return "1 connection" if connections == 1 else f"{connections} connections"


def _how(plan: Plan, what: str) -> str:
    return (
        f"wrk for {plan.seconds:g} s after a warm-up, {what}, every callback a different one; "
        f"{plan.rounds} rounds in turn, the best of each."
    )
