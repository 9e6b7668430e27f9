"""The spool: a file on this machine's disk that takes callbacks while the store cannot.

    <directory>/callbacks      what was spooled; every process of this machine appends to it, under a lock
    <directory>/draining       what is being moved into the inbox, by one process at a time, under another lock
    <directory>/drained        how many bytes of it have been moved
    <directory>/*.lock         the two locks

A record is MAGIC, the length and the CRC-32 of its payload, and the payload. One append writes a whole group and calls fsync
before it returns. A write that was torn (a crash, a full disk) was never acknowledged; reading passes over it to the next good
record. A crash while draining may move the group at hand a second time; it is recorded once, like any callback sent twice.
"""

import contextlib
import fcntl
import logging
import mmap
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from workers.queues.inbox import Callback

MAGIC = b"\xf5ti\x01"
_HEADER = struct.Struct(">4sII")
_PAYLOAD = struct.Struct(">QBH")
#: Callbacks, and bytes of bodies, that are moved into the inbox in one append.
GROUP_CALLBACKS, GROUP_BYTES = 64, 2 * 1024 * 1024

log = logging.getLogger(__name__)


class SpoolFull(Exception):
    """The spool holds SPOOL_MAX_BYTES; the message says so."""


class Spool:
    """The spool in one directory, which is made if need be. Any number of processes may use it at once."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes

    def append(self, callbacks: Sequence[Callback]) -> None:
        """Makes the callbacks durable on disk, all or none. Raises SpoolFull, or OSError where the disk cannot take them."""
        now = int(time.time() * 1000)
        data = b"".join(_record(callback, now) for callback in callbacks)
        with self._locked("callbacks"):
            if self.size() + len(data) > self._max_bytes:
                raise SpoolFull(f"the spool is full: it holds {self.size()} of {self._max_bytes} bytes")
            path = self._directory / "callbacks"
            is_new = not path.exists()
            with path.open("ab", buffering=0) as file:
                before = file.tell()
                try:
                    _write(file.fileno(), data)
                    os.fsync(file.fileno())
                except OSError:
                    # Nobody will be told that these are safe, so they must not be found later among those that are.
                    with contextlib.suppress(OSError):
                        os.ftruncate(file.fileno(), before)
                    raise
            if is_new:
                _sync_directory(self._directory)

    def drain(self, append: Callable[[Sequence[Callback]], str]) -> list[str]:
        """Moves everything, in order, to where `append` puts it; what that returned for each group.

        Raises what `append` raises; everything that has not been moved stays. Does nothing while another process drains.
        """
        if self.size() == 0:
            return []
        moved: list[str] = []
        with self._locked("draining", wait=False) as locked:
            if not locked:
                return []
            draining = self._directory / "draining"
            while True:
                if not draining.exists():
                    with self._locked("callbacks"):
                        if self._bytes("callbacks") == 0:
                            return moved
                        (self._directory / "drained").unlink(missing_ok=True)
                        os.replace(self._directory / "callbacks", draining)
                for group, end in _groups(_records(draining, self._drained())):
                    moved.append(append(group))
                    # On a full disk there is no room to note how far we are; then a crash only moves more twice.
                    with contextlib.suppress(OSError):
                        (self._directory / "drained").write_text(str(end))
                draining.unlink()
                _sync_directory(self._directory)

    def _drained(self) -> int:
        try:
            return int((self._directory / "drained").read_text() or 0)
        except FileNotFoundError:
            return 0

    def oldest(self) -> int | None:
        """When the oldest callback in it was accepted, in milliseconds since the epoch; None for an empty spool."""
        for name in ("draining", "callbacks"):
            with contextlib.suppress(FileNotFoundError):
                for callback, _ in _records(self._directory / name, self._drained() if name == "draining" else 0):
                    return callback.received
        return None

    def size(self) -> int:
        """Bytes on disk."""
        return self._bytes("callbacks") + self._bytes("draining")

    def _bytes(self, name: str) -> int:
        try:
            return (self._directory / name).stat().st_size
        except FileNotFoundError:
            return 0

    @contextlib.contextmanager
    def _locked(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Holds a lock that dies with the process; False where it is taken and we do not wait."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._directory / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)


def _record(callback: Callback, now: int) -> bytes:
    source = callback.source.encode()
    received = now if callback.received is None else callback.received
    payload = _PAYLOAD.pack(received, callback.check_signature, len(source)) + source + callback.body
    return _HEADER.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _records(path: Path, start: int) -> Iterator[tuple[Callback, int]]:
    """The good records of a file from byte `start` on, in order, each with the byte it ends at."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if start >= size:
            return
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
            torn, end = 0, start
            while (found := data.find(MAGIC, end)) >= 0:
                payload = _payload(data, found)
                if payload is None:
                    torn += found + 1 - end
                    end = found + 1
                    continue
                torn += found - end
                end = found + _HEADER.size + len(payload)
                yield _callback(payload), end
            torn += size - end
    if torn:
        log.warning("passed over %d bytes of writes that were cut off in %s; none of them was acknowledged", torn, path)


def _payload(data: mmap.mmap, start: int) -> bytes | None:
    """The payload of the record that begins at `start`, or None if there is no whole one."""
    if start + _HEADER.size > len(data):
        return None
    _, length, checksum = _HEADER.unpack_from(data, start)
    payload = data[start + _HEADER.size : start + _HEADER.size + length]
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None


def _callback(payload: bytes) -> Callback:
    received, check_signature, source_length = _PAYLOAD.unpack_from(payload)
    body = _PAYLOAD.size + source_length
    return Callback(payload[_PAYLOAD.size : body].decode(), payload[body:], received, bool(check_signature))


def _groups(records: Iterator[tuple[Callback, int]]) -> Iterator[tuple[list[Callback], int]]:
    """Records in groups to append at once, each with the byte its last record ends at."""
    group: list[Callback] = []
    size = end = 0
    for callback, end in records:
        group.append(callback)
        size += len(callback.body)
        if len(group) == GROUP_CALLBACKS or size >= GROUP_BYTES:
            yield group, end
            group, size = [], 0
    if group:
        yield group, end
