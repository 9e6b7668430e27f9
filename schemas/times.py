"""Times as they leave: ISO 8601, UTC, milliseconds."""

from datetime import UTC, datetime


def iso_time(milliseconds: int) -> str:
    """`1482498702000` -> `2016-12-23T13:11:42.000Z`."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(iso: str) -> int:
    """`2016-12-23T13:11:42.000Z` -> `1482498702000`. Raises ValueError."""
    return round(datetime.fromisoformat(iso).timestamp() * 1000)
