"""A page of numbers that several processes of one machine count together, whichever of them is asked for the sum.

Each process has a file of its own, mapped into its memory, so that counting is an addition and nothing else, and what was
counted outlives a process that is killed. Whoever wants the sum reads all files; those of processes that are gone are first
folded into one.

    <directory>/<pid>-<hex>   the numbers of one process, which holds a lock on it while it lives
    <directory>/gone          the sums of those that have ended
    <directory>/lock          held while the files are read or folded
"""

import contextlib
import fcntl
import mmap
import os
import secrets
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

#: Bytes of one number, a double: exact up to 2**53.
_SIZE = 8


class SharedPage:
    """So many `numbers`, all 0 to begin with. Without a `directory` they are this process's alone.

    Numbers from `passing` on say how something stands now, and end with their process; those before add up for ever.

        page = SharedPage(3, passing=2, directory=directory)
        page.own[0] += 1

    Warning: an addition is a read and a write, so threads that count the same number need a lock.
    """

    def __init__(self, numbers: int, *, passing: int, directory: Path | None) -> None:
        self._numbers = numbers
        self._passing = passing
        self._directory = directory
        size = max(numbers, 1) * _SIZE
        if directory is None:
            memory = mmap.mmap(-1, size)
        else:
            path = directory / f"{os.getpid()}-{secrets.token_hex(4)}"
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            # Before it has its size, so that nobody takes it for one that was left.
            fcntl.flock(self._file, fcntl.LOCK_EX)
            os.ftruncate(self._file, size)
            memory = mmap.mmap(self._file, size)
        #: this process's numbers
        self.own: memoryview[float] = memoryview(memory).cast("d")

    def sums(self) -> Sequence[float]:
        """Each number, over all processes. Raises OSError where the directory is gone."""
        if self._directory is None:
            return self.own.tolist()
        total = array("d", bytes(self._numbers * _SIZE))
        with self._locked():
            gone = self._directory / "gone"
            past = self._read(gone) or array("d", total)
            for path in self._directory.glob("[0-9]*"):
                numbers = self._read(path)
                if numbers is None:
                    continue
                if _is_left(path):
                    # Folded first and removed then, under one lock: never missing, and twice only if this is cut short here.
                    _add(past, numbers[: self._passing])
                    _write(gone, past)
                    path.unlink()
                else:
                    _add(total, numbers)
        _add(total, past)
        return total

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        assert self._directory is not None  # noqa: S101 - asked before
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _read(self, path: Path) -> "array[float] | None":
        """The numbers in a file; None for one that is not there, or not whole yet."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        return array("d", data) if len(data) == self._numbers * _SIZE else None


def _is_left(path: Path) -> bool:
    """Has the process whose file this is ended?"""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _write(path: Path, numbers: "array[float]") -> None:
    new = path.with_name("new")
    new.write_bytes(numbers.tobytes())
    new.replace(path)


def _add(to: "array[float]", numbers: "array[float]") -> None:
    for place, number in enumerate(numbers):
        to[place] += number
