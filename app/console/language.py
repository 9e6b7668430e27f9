"""Saying things in the viewer's language: words from the catalogue, numbers, durations, sizes, times.

Sentences that come from the service, and what a vendor wrote, are never translated.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from app.console.words import WORDS

#: What stands for nothing.
NOTHING = "–"


class Speaker:
    """Says things in one language, `en` or `zh`."""

    def __init__(self, language: str) -> None:
        self._zh = language == "zh"

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """What templates call."""
        return {
            "say": self.say,
            "say_or": self.say_or,
            "number": self.number,
            "rate": self.rate,
            "duration": self.duration,
            "size": self.size,
            "bitrate": self.bitrate,
            "when": self.when,
        }

    def say(self, key: str, **values: object) -> str:
        """The words for `key`, with `{name}` filled in. Raises KeyError for a key that the catalogue does not have."""
        words = WORDS[key]
        text = words.zh if self._zh else words.en
        return text.format(**values) if values else text

    def say_or(self, key: str, otherwise: object) -> str:
        """The words for `key` if there are some, else `otherwise` as it came."""
        return self.say(key) if key in WORDS else str(otherwise)

    def number(self, number: object) -> str:
        """A whole number or a fraction, with its thousands apart."""
        if isinstance(number, bool) or not isinstance(number, int | float):
            return NOTHING if number is None else str(number)
        return f"{number:,}" if isinstance(number, int) else f"{number:,.15g}"

    def rate(self, rate: float | None) -> str:
        """So many a second, with as many digits as one can read at a glance."""
        if rate is None:
            return NOTHING
        if rate == 0:
            return "0"
        return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}"

    def duration(self, seconds: float | None) -> str:
        """`40 ms`, `1.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`."""
        if seconds is None:
            return NOTHING
        units = ("天", "小时", "分", "秒") if self._zh else ("d", "h", "min", "s")
        if seconds < 1:
            return f"{max(0.0, seconds) * 1000:.0f} {'毫秒' if self._zh else 'ms'}"
        if seconds < 10:
            return f"{seconds:.1f} {units[3]}"
        whole = int(seconds)
        parts = (whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60)
        first = next((place for place, part in enumerate(parts) if part), 3)
        said = [f"{parts[place]} {units[place]}" for place in range(first, min(first + 2, 4)) if parts[place]]
        return " ".join(said)

    def size(self, size: float | None) -> str:
        """Bytes, in the unit that one would say them in."""
        return NOTHING if size is None else _scaled(float(size), 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))

    def bitrate(self, bitrate: float | None) -> str:
        """Bits a second."""
        return NOTHING if bitrate is None else _scaled(float(bitrate), 1000, ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"))

    def when(self, time: object) -> Markup:
        """A time: UTC, which the script says in the viewer's zone. What is no time that we wrote stays as it is."""
        try:
            moment = datetime.fromisoformat(str(time)).astimezone(UTC)
        except (ValueError, OverflowError):
            return Markup("{}").format(NOTHING if time is None else time)
        exact = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Markup('<time datetime="{}" title="{} UTC"><span class="date">{}</span> {}</time>').format(
            exact, f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3], f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}"
        )


def _scaled(amount: float, step: int, units: tuple[str, ...]) -> str:
    place = 0
    while abs(amount) >= step and place < len(units) - 1:
        amount /= step
        place += 1
    unit = units[place]
    return f"{amount:,.0f} {unit}" if unit == units[0] or abs(amount) >= 100 else f"{amount:.3g} {unit}"
