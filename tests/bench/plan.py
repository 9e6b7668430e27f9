"""How long, how often and how much to measure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks of every scenario."""

    #: of each load
    seconds: float = 8
    #: of the load generator
    connections: tuple[int, ...] = (64, 256)
    #: turns of each contestant; the best counts
    rounds: int = 2
    #: multiplies the number of callbacks in the scenarios that count
    scale: float = 1

    def count(self, callbacks: int) -> int:
        """So many callbacks, at this plan's scale."""
        return max(100, round(callbacks * self.scale))
