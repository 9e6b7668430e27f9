"""A file of JSON lines, sent in requests' worth, with its mistakes named by their line."""

import json
import re
from collections.abc import Iterator
from typing import IO

import click

#: Bytes of lines in one request, if it is more than one line.
MOST_BYTES = 2 * 1024 * 1024


def size_of(file: IO[bytes]) -> int | None:
    """Bytes of a file that has an end."""
    if not file.seekable():
        return None
    size = file.seek(0, 2)
    file.seek(0)
    return size


def in_groups(file: IO[bytes], most: int) -> Iterator[tuple[int, list[bytes]]]:
    """The lines of a file in requests' worth, each with the number of its first line. Raises ClickException."""
    first, lines, size = 1, list[bytes](), 0
    for number, line in enumerate(file, 1):
        if lines and (len(lines) >= most or size + len(line) > MOST_BYTES):
            if size:
                yield first, lines
            first, lines, size = number, [], 0
        # Empty ones go along, so that the server counts lines as we do.
        lines.append(line if line.endswith(b"\n") else line + b"\n")
        if line.strip():
            _check(line, number)
            size += len(line)
    if size:
        yield first, lines


def _check(line: bytes, number: int) -> None:
    try:
        if isinstance(json.loads(line), dict):
            return
    except (ValueError, RecursionError):
        pass
    raise click.ClickException(f"Line {number} is no JSON object, as a line of an export is.")


def about_the_file(message: str, first: int) -> str:
    """The server's sentence about a request, about the file."""
    return re.sub(r"^Line (\d+)", lambda match: f"Line {int(match[1]) + first - 1}", message)
