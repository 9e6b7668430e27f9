"""What came of an attempt to deliver something."""

from dataclasses import dataclass

#: The status with which a destination says that it wants nothing any more.
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt."""

    seconds: float
    #: the HTTP status; None without an answer
    status: int | None = None
    #: the first bytes of the answer, as text
    answer: str | None = None
    #: what went wrong, for people; None where nothing did
    error: str | None = None
    #: seconds the destination asks to be left alone for; None if it does not
    retry_after: float | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the destination says that it wants nothing any more."""
        return self.status == GONE
