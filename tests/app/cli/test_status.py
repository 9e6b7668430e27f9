"""`status`: what an operator sees first, on a terminal."""

import pytest

from app.cli.status import duration, readable, size

WELL = {
    "ready": True,
    "rates": {"cts-video": 12.5, "zego": 0.0},
    "parts": {
        "store": {"ok": True},
        "spool": {"ok": True, "bytes": 2048, "max_bytes": 1 << 30, "oldest_seconds": 61.0},
        "disk": {"ok": True, "free_bytes": 1, "total_bytes": 2},
        "inbox": {"ok": False, "waiting": 7, "oldest_seconds": 95.2, "message": "Callbacks wait."},
        "dead_letters": {"ok": True, "waiting": 2, "oldest_seconds": 270000.0},
        "pull_queues": {"ok": True, "queues": {"0": {"waiting": 5, "held": 1, "oldest_seconds": 3.25}}},
        "deliveries": {"ok": True, "waiting": 4, "out": 1, "oldest_seconds": 8.0, "late_seconds": 0.0},
        "processes": {
            "ok": True,
            "list": [
                {"kind": "worker", "host": "a", "pid": 7, "finished": 9, "age": 70, "silent": 0.4, "lives": True},
                {"kind": "clock", "host": "a", "pid": 8, "finished": 0, "age": 70, "silent": 44.0, "lives": False},
            ],
        },
    },
}


def row(name: str) -> list[str]:
    (line,) = [line for line in readable(WELL) if line.startswith(name)]
    return line.removeprefix(name).split()


def test_each_stage_says_how_much_waits_and_for_how_long() -> None:
    assert row("spool")[:5] == ["2", "KiB", "1", "min", "1"]
    assert row("inbox  ")[:5] == ["7", "1", "min", "35", "s"]
    assert row("pull queue 0") == ["5", "3.2", "s", "1", "held", "by", "consumers"]
    assert row("deliveries")[:3] == ["4", "8.0", "s"]
    assert row("dead letters") == ["2", "3", "d", "3", "h"]


def test_rates_processes_and_what_is_not_well_are_there() -> None:
    assert row("cts-video") == ["12.5"]
    assert row("worker") == ["a", "7", "1", "min", "10", "s", "0.4", "s", "9"]
    assert row("clock")[-1] == "(gone)"
    assert row("inbox: ") == ["Callbacks", "wait."]
    assert next(readable(WELL)) == "ready to accept callbacks"


def test_without_the_store_what_is_known_is_shown() -> None:
    lines = list(readable({"ready": False, "parts": {"store": {"ok": False, "message": "gone"}}}))
    assert lines == ["NOT ready to accept callbacks", "", "store: gone"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3601, "1 h"),
        (7320, "2 h 2 min"),
        (86400 * 2, "2 d"),
    ],
)
def test_a_time_is_told_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_size_is_told_in_the_unit_that_fits() -> None:
    assert [size(n) for n in (0, 1023, 1536, 1 << 30)] == ["0 bytes", "1023 bytes", "1.5 KiB", "1 GiB"]
