"""Looks into the store, so that a test need not wait out a long poll to learn that there is nothing."""

from tests.running import Service, until


def recorded(service: Service, count: int) -> None:
    """Waits until that many events are in, and so in every pull queue."""
    until(lambda: service.store.xlen("ti:events") == count, every=0.01)


def waiting(service: Service, queue: str = "0") -> int:
    """Events that are neither confirmed nor forgotten, whether held or not."""
    return int(service.store.llen(f"ti:pull:{queue}")) + held(service, queue)


def held(service: Service, queue: str = "0") -> int:
    """Events that are out, or were until their hold ran out."""
    return int(service.store.zcard(f"ti:pull:{queue}:held"))


def later(service: Service, seconds: float) -> None:
    """Lets queue time pass for everything, without waiting for it."""
    service.store.hincrby("ti:time", "now", int(seconds * 1000))
