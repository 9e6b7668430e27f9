"""A dead letter as text for a terminal: what is wrong, and the raw body with the broken place marked."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from app.cli.api import width_of

#: Columns a line of a body may have when the terminal does not say.
USUAL_WIDTH = 100
#: Columns for the number of a line and what stands beside it.
MARGIN = 8


def letter_lines(letter: Mapping[str, Any], width: int) -> Iterator[str]:
    """The lines of a dead letter, on a terminal of `width` columns."""
    from schemas.places import span_of  # not at the top: most commands need none of it

    facts = {
        "dead letter": letter["id"],
        "reason": letter["reason"],
        "message": letter["message"],
        "source": letter["source"],
        "received": letter["received_at"],
        "failed": letter["failed_at"] + (f", {letter['times']} times" if letter["times"] > 1 else ""),
        "subscription": letter["subscription"],
        "url": letter["url"],
        "event": letter["event_id"],
        "rendition": letter["rendition_id"],
        "body": f"{letter['size']} bytes",
    }
    for name, fact in facts.items():
        if fact is not None:
            yield f"{name:<12}  {_printable(fact)}"
    yield ""
    raw = letter["raw"]
    span = span_of(raw, letter["place"]) if letter["place"] else None
    yield from body_lines(raw, span, max(20, width - MARGIN))


def body_lines(raw: str, span: tuple[int, int] | None, width: int) -> Iterator[str]:
    """The numbered lines of a body; under what `span` marks, carets. Long lines go on under themselves."""
    start = 0
    for number, line in enumerate(raw.split("\n"), 1):
        # Where characters may take two columns, half as many surely fit.
        fits = width if line.isascii() else width // 2
        for piece in range(0, max(1, len(line)), fits):
            text = line[piece : piece + fits]
            label = f"{number:>5}  " if piece == 0 else " " * 7
            marked = _marked(text, start + piece, span, is_last=piece + fits >= len(line)) if span else None
            shown = _printable(text)
            if marked is None:
                yield label + shown
                continue
            before, these, after = shown[: marked[0]], shown[marked[0] : marked[1]], shown[marked[1] :]
            yield label + before + click.style(these, fg="red", bold=True) + after
            yield " " * (7 + width_of(before)) + click.style("^" * max(1, width_of(these)), fg="red", bold=True)
        start += len(line) + 1


def _marked(text: str, begin: int, span: tuple[int, int], *, is_last: bool) -> tuple[int, int] | None:
    """Which characters of a piece of a line are marked; none of them, behind the last, for the end of the line."""
    first, end = span[0] - begin, span[1] - begin
    if max(0, first) < min(end, len(text)):
        return max(0, first), min(end, len(text))
    return (first, first) if is_last and first == len(text) else None


def _printable(text: str) -> str:
    """Senders' characters must not move a terminal's cursor: one for one, so that marks stay where they belong."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\t\r" else "\ufffd" for c in text)
