"""beanstalkd: reserve and delete, a job at a time, as its protocol has it; nothing parsed."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import consumers
import greenstalk


def _client() -> greenstalk.Client:
    server = urlsplit(consumers.URL)
    return greenstalk.Client((server.hostname, server.port))


def fill(bodies: Iterable[str]) -> None:
    """One job an event."""
    with _client() as queue:
        for body in bodies:
            queue.put(body)


def connect() -> consumers.Take:
    """A worker."""
    queue = _client()

    def take() -> int:
        try:
            job = queue.reserve(timeout=1)
        except greenstalk.TimedOutError:
            return 0
        queue.delete(job)
        return 1

    return take


if __name__ == "__main__":
    consumers.main(fill, connect)
