"""When a delivery that failed is tried again. Everything here is a calculation; nothing looks at a clock."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Seconds until the second attempt, on the average; each later pause is twice as long, up to LONGEST.
FIRST, LONGEST = 5.0, 3600.0
#: Seconds that a `Retry-After` may ask for. Were nothing obeyed too, what waits would be sent again and again without a pause,
#: since asking for one is no failure and opens no circuit.
LEAST_RETRY_AFTER, MOST_RETRY_AFTER = 1.0, 3600.0


def pause(attempt: int, chance: float) -> float:
    """Seconds to wait after attempt number `attempt` (1 for the first) has failed. `chance` is from 0 to 1, all alike.

    Full jitter: anything from nothing to twice the average, so that what failed together does not come back together.
    """
    average = FIRST * 2.0 ** min(attempt - 1, 32)
    return chance * min(2 * average, LONGEST)


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for, as a number or as a date: LEAST_RETRY_AFTER to MOST_RETRY_AFTER.

    None where there is none, or none that can be read.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        # A number of a thousand digits is still only "long".
        return max(LEAST_RETRY_AFTER, min(float(text[:12]), MOST_RETRY_AFTER))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return max(LEAST_RETRY_AFTER, min(math.ceil(seconds), MOST_RETRY_AFTER))
