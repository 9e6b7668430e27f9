"""An option's value that is a moment: `2026-11-20`, `2026-11-20T09:30`, `2026-11-20T09:30:00Z`, or an age, `90s`, `2h`, `3d`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[str]):
    """A moment, as ISO 8601 in UTC. One without a zone is in this machine's."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check `value`; a wrong one is bad usage."""
        age = re.fullmatch(r"([0-9]{1,6})([smhdw])", value)
        try:
            if age:
                moment = datetime.now(UTC) - timedelta(**{_UNITS[age[2]]: int(age[1])})
            else:
                moment = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is neither a time such as 2026-11-20T09:30 nor an age such as 90m, 2h, 3d", param, ctx
            )
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
