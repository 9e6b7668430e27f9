"""The spool, on a real disk: what it says is safe is found again, in order, whatever happens in between."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.queues.inbox import Callback
from workers.queues.spool import Spool, SpoolFull

A_LOT = 1 << 30


class Moved:
    """Where a spool is drained to."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.callbacks: list[Callback] = []
        self.left = fail_after

    def append(self, callbacks: Sequence[Callback]) -> str:
        if self.left == 0:
            raise ConnectionError("the store is down again")
        self.left = None if self.left is None else self.left - 1
        self.callbacks += callbacks
        return f"{len(self.callbacks)}-0"

    @property
    def bodies(self) -> list[bytes]:
        return [callback.body for callback in self.callbacks]


def test_what_was_spooled_is_drained_in_order_and_gone_then(directory: Path) -> None:
    spool, moved = Spool(directory / "spool", A_LOT), Moved()
    callbacks = [
        Callback("zego", str(number).encode(), 1_700_000_000_000 + number, number % 2 == 0) for number in range(200)
    ]
    for callback in callbacks:
        spool.append([callback])
    spool.drain(moved.append)
    assert moved.callbacks == callbacks
    assert spool.size() == 0
    assert spool.drain(moved.append) == []


def test_a_store_that_fails_while_draining_gets_the_rest_later_and_nothing_twice(directory: Path) -> None:
    spool, moved = Spool(directory, A_LOT), Moved(fail_after=2)
    spool.append([Callback("zego", str(number).encode()) for number in range(200)])
    with pytest.raises(ConnectionError):
        spool.drain(moved.append)
    spool.append([Callback("zego", b"later")])
    moved.left = None
    Spool(directory, A_LOT).drain(moved.append)
    assert moved.bodies == [str(number).encode() for number in range(200)] + [b"later"]


def test_a_full_spool_refuses_and_keeps_what_it_has(directory: Path) -> None:
    spool, moved = Spool(directory, 1000), Moved()
    spool.append([Callback("zego", b"x" * 800)])
    with pytest.raises(SpoolFull, match="1000"):
        spool.append([Callback("zego", b"y" * 800)])
    spool.drain(moved.append)
    assert moved.bodies == [b"x" * 800]
    spool.append([Callback("zego", b"y" * 800)])


@settings(max_examples=200, deadline=None)
@given(
    bodies=st.lists(st.binary(max_size=60), min_size=1, max_size=6),
    cut=st.integers(min_value=1, max_value=80),
    junk=st.binary(max_size=40),
)
def test_a_write_cut_off_costs_no_other_record(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], cut: int, junk: bytes
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    spool, moved = Spool(directory, A_LOT), Moved()
    for body in bodies:
        spool.append([Callback("zego", body)])
    whole = spool.size()
    torn = b"never acknowledged" * 5
    spool.append([Callback("zego", torn)])
    path = directory / "callbacks"
    os.truncate(path, max(whole, spool.size() - cut))
    with path.open("ab") as file:
        file.write(junk)
    spool.append([Callback("zego", b"after")])
    spool.drain(moved.append)
    # Junk may happen to make it whole again; then it is one that was sent and not acknowledged, and may be there.
    assert [body for body in moved.bodies if body != torn] == [*bodies, b"after"]


def test_a_changed_byte_is_noticed(directory: Path) -> None:
    spool, moved = Spool(directory, A_LOT), Moved()
    spool.append([Callback("zego", b"first"), Callback("zego", b"second")])
    path = directory / "callbacks"
    path.write_bytes(path.read_bytes().replace(b"first", b"fIrst"))
    spool.drain(moved.append)
    assert moved.bodies == [b"second"]


def _append_many(directory: Path, name: int) -> None:
    spool = Spool(directory, A_LOT)
    for number in range(50):
        spool.append([Callback("zego", f"{name}:{number}".encode())])


def test_many_processes_share_one_spool(directory: Path) -> None:
    moved = Moved()
    processes = [multiprocessing.Process(target=_append_many, args=(directory, name)) for name in range(4)]
    for process in processes:
        process.start()
    spool = Spool(directory, A_LOT)
    while any(process.is_alive() for process in processes):
        spool.drain(moved.append)
    spool.drain(moved.append)
    assert len(moved.bodies) == len(set(moved.bodies)) == 200
    for name in range(4):
        mine = [body for body in moved.bodies if body.startswith(b"%d:" % name)]
        assert mine == [b"%d:%d" % (name, number) for number in range(50)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_an_error_and_leaves_no_torn_record(directory: Path) -> None:
    disk = directory / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        spool, moved, kept = Spool(disk / "spool", A_LOT), Moved(), 0
        with contextlib.suppress(OSError):
            while True:
                spool.append([Callback("zego", b"x" * 3000)])
                kept += 1
        assert kept > 10
        spool.drain(moved.append)
        assert moved.bodies == [b"x" * 3000] * kept
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_what_was_acknowledged_survives_a_kill(directory: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from workers.queues.inbox import Callback; from workers.queues.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 1 << 30)\n"
        "for n in range(10**6):\n"
        "    spool.append([Callback('zego', b'%d' % n)]); print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(20)]
    process.kill()
    acknowledged += process.stdout.readlines()
    moved = Moved()
    Spool(directory, A_LOT).drain(moved.append)
    assert len(moved.bodies) >= len(acknowledged) >= 20
    assert moved.bodies == [b"%d" % number for number in range(len(moved.bodies))]
