"""Samples: what was counted and what waits, once a second for a quarter of an hour, so that there are rates and curves.

ti:samples      list, the newest first; JSON {at (ms), now (queue time, ms), counters, stages}
ti:counters     hash; what has been counted since there is this store, in the files that count. Here: accepted:<source>, callbacks
                that web processes have acknowledged, as each of them says once a second
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workers.queues.script import Script
from workers.queues.stages import Stages
from workers.store import Store

#: Samples kept: a quarter of an hour.
MOST = 900
#: Milliseconds between two samples, at least. A little less than the second after which a clock comes again.
APART = 900
#: Milliseconds after which the newest sample says nothing about now.
STALE = 10_000
#: Seconds over which a rate is taken, unless another span is asked for.
SPAN = 60

_KEEP = Script("sample_keep")
_TICK = Script("queue_tick")


class Samples:
    """The samples of one store."""

    def __init__(self, client: Store, stages: Stages) -> None:
        self._client = client
        self._stages = stages

    def came_in(self, callbacks: Mapping[str, int]) -> None:
        """So many callbacks more were acknowledged, by source."""
        with self._client.pipeline(transaction=False) as pipe:
            for source, count in callbacks.items():
                if count:
                    pipe.hincrby("ti:counters", f"accepted:{source}", count)
            pipe.execute()

    def take(self) -> None:
        """Takes a sample, unless one was taken within the second. The clock's duty."""
        stages = self._stages.look()
        now = int(_TICK.run(self._client))
        counters = {name.decode(): int(count) for name, count in self._client.hgetall("ti:counters").items()}
        seconds, microseconds = self._client.time()
        sample = {"at": seconds * 1000 + microseconds // 1000, "now": now, "counters": counters, "stages": stages}
        _KEEP.run(self._client, json.dumps(sample), now, APART, MOST)

    def recent(self, seconds: int = MOST) -> list[dict[str, Any]]:
        """The samples of the last so many seconds, oldest first.

        Each has `at` (ms), `counters` (`recorded:<source>`, `duplicates:<source>`, …: totals) and `stages` as `Stages.look`
        gives them. Where no clock was running there are gaps.
        """
        now = int(_TICK.run(self._client))
        found = [json.loads(text) for text in self._client.lrange("ti:samples", 0, seconds)]
        return [sample for sample in reversed(found) if now - sample["now"] <= seconds * 1000]

    def rates(self, seconds: int = SPAN) -> dict[str, float]:
        """Callbacks acknowledged a second by source, over the last so many seconds.

        Empty where there are not two samples in that time, of which the newest must be of the last 10 s.
        """
        now = int(_TICK.run(self._client))
        # Reading a minute of samples is much for a load balancer's every look, so only some places are tried for the first.
        places = [0, *(max(1, seconds * part // 8) for part in range(8, 0, -1)), 1]
        with self._client.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.lindex("ti:samples", place)
            last, *earlier = [json.loads(text) for text in pipe.execute() if text] or [{"now": 0}]
        within = [sample for sample in earlier if now - sample["now"] <= seconds * 1000]
        if not within or now - last["now"] > STALE:
            return {}
        return rates_of([within[0], last])


def rates_of(samples: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Callbacks acknowledged a second by source, from the first of the samples to the last of them."""
    if len(samples) < 2:
        return {}
    first, last = samples[0], samples[-1]
    elapsed = (last["now"] - first["now"]) / 1000
    return {
        name.removeprefix("accepted:"): max(0, count - first["counters"].get(name, 0)) / elapsed
        for name, count in last["counters"].items()
        if name.startswith("accepted:")
    }
