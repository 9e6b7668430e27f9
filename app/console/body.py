"""A callback's body, for eyes: JSON laid out with every number as it was written, text with the broken place marked, bytes.

What is shown is bounded; the whole is a download away.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

#: Lines that are shown, and around a broken place of a longer body.
MOST_LINES, AROUND = 1500, 20
#: Characters of a line that are shown.
MOST_IN_LINE = 2000
#: Bytes in a line of bytes, and lines of them around the broken one.
BYTES_IN_LINE, BYTE_LINES_AROUND = 16, 12

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_LINE_AND_COLUMN = re.compile(r"line (\d{1,9}) column (\d{1,9}): (.*)", re.DOTALL)
_BYTE = re.compile(r"byte (\d{1,12}) is not ")
_FIELD = re.compile(r"([^\s:;]{1,200}): (.+)", re.DOTALL)


class Piece(NamedTuple):
    """Some characters of a line, and what they are."""

    #: `key`, `string`, `number`, `word` (true, false, null), or empty
    kind: str
    text: str
    is_broken: bool = False


@dataclass(slots=True)
class Line:
    """One line."""

    #: as it is counted; a line's number, or the place of its first byte
    number: str
    pieces: list[Piece] = field(default_factory=list)
    #: what is wrong here
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A body as it is shown."""

    #: `json`, `text` or `bytes`
    form: str
    lines: list[Line]
    #: is there more than is shown?
    is_cut: bool
    #: bytes of the whole
    size: int
    #: was it percent-encoded as a whole, and is shown decoded?
    was_encoded: bool = False


def shown(body: bytes, *, message: str = "", percent_encoded: bool = False) -> Shown:
    """The body, with the place that `message` (a dead letter's) speaks of marked.

    `percent_encoded` is for sources that may encode a body as a whole.
    """
    encoded = body.lstrip()[:1] == b"%" or body.lstrip()[:2] == b"{%"
    was_encoded = percent_encoded and encoded
    content = unquote_to_bytes(body.replace(b"+", b" ")) if was_encoded else body
    try:
        text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError as error:
        place = _BYTE.match(message)
        return _bytes(content, int(place[1]) - 1 if place else error.start, message, was_encoded, len(body))
    if is_json(text):
        lines, is_cut = laid_out(text, fields_in(message))
        return Shown("json", lines, is_cut, len(body), was_encoded)
    lines, is_cut = _text(text, _LINE_AND_COLUMN.match(message))
    return Shown("text", lines, is_cut, len(body), was_encoded)


def is_json(text: str) -> bool:
    """Can it be laid out as JSON?"""
    try:
        json.loads(text, parse_int=len, parse_float=len)
    except (ValueError, RecursionError):
        return False
    return True


def fields_in(message: str) -> dict[tuple[str, ...], str]:
    """The fields that a dead letter's message names, as paths into the document, each with what is wrong with it."""
    found: dict[tuple[str, ...], str] = {}
    for problem in message.split("; "):
        if match := _FIELD.fullmatch(problem):
            found.setdefault(tuple(match[1].split(".")), problem)
    return found


def laid_out(text: str, broken: Mapping[tuple[str, ...], str]) -> tuple[list[Line], bool]:
    """JSON text in lines, its tokens untouched; is it cut? Fields of `broken` are marked, missing ones where they would stand."""
    layout = _Layout(broken)
    is_cut = not all(layout.add(match.group()) for match in _TOKEN.finditer(text))
    layout.note_missing()
    return layout.lines, is_cut


class _Layout:
    """Lines as they grow, token by token."""

    def __init__(self, broken: Mapping[tuple[str, ...], str]) -> None:
        self.lines = [Line("1")]
        self._broken = dict(broken)
        self._places: dict[tuple[str, ...], int] = {}
        #: the containers we are in: a list's next index, or an object's last key
        self._stack: list[int | str | None] = []
        self._expects_key = False
        self._opened_just_now = False

    def add(self, lexeme: str) -> bool:
        """Appends a token. False once there is no room for more."""
        if lexeme in "}]":
            self._stack.pop()
            if not self._opened_just_now:
                self._break()
            self._put("", lexeme)
            self._opened_just_now = self._expects_key = False
            return True
        if lexeme == ",":
            self._put("", lexeme)
            if isinstance(self._stack[-1], int):
                self._stack[-1] += 1
            else:
                self._expects_key = True
            self._break()
            return len(self.lines) < MOST_LINES
        if lexeme == ":":
            self._put("", ": ")
            return True
        if self._opened_just_now:
            self._break()
            self._opened_just_now = False
        if self._expects_key:
            self._stack[-1] = _name(lexeme)
            self._expects_key = False
            self._put("key", lexeme, self._path() in self._broken)
            return len(self.lines) < MOST_LINES
        path = self._path()
        self._places[path] = len(self.lines) - 1
        is_broken = path in self._broken
        if is_broken:
            self.lines[-1].note = self._broken.pop(path)
        self._put(_kind(lexeme), lexeme, is_broken)
        if lexeme in "{[":
            self._stack.append(None if lexeme == "{" else 0)
            self._expects_key = lexeme == "{"
            self._opened_just_now = True
        return True

    def note_missing(self) -> None:
        """What is broken and was not met is noted where it should have been: at the innermost thing around it."""
        for path, problem in self._broken.items():
            while path not in self._places and path:
                path = path[:-1]
            if path in self._places:
                line = self.lines[self._places[path]]
                line.note = f"{line.note}; {problem}" if line.note else problem

    def _path(self) -> tuple[str, ...]:
        return tuple(str(step) for step in self._stack)

    def _put(self, kind: str, lexeme: str, is_broken: bool = False) -> None:
        cut = lexeme if len(lexeme) <= MOST_IN_LINE else lexeme[:MOST_IN_LINE] + " …"
        self.lines[-1].pieces.append(Piece(kind, cut, is_broken))

    def _break(self) -> None:
        indent = "  " * len(self._stack)
        self.lines.append(Line(str(len(self.lines) + 1), [Piece("", indent)] if indent else []))


def _kind(lexeme: str) -> str:
    if lexeme[0] == '"':
        return "string"
    if lexeme in "{[":
        return ""
    return "word" if lexeme in ("true", "false", "null") else "number"


def _name(lexeme: str) -> str:
    try:
        return str(json.loads(lexeme, strict=False))
    except ValueError:
        return lexeme


def _text(text: str, place: "re.Match[str] | None") -> tuple[list[Line], bool]:
    """Text line by line, as JSON's readers count lines."""
    lines = text.split("\n")
    broken, column, problem = (int(place[1]), int(place[2]), place[3]) if place else (0, 0, "")
    first, last = 1, len(lines)
    if len(lines) > MOST_LINES:
        first, last = (max(1, broken - AROUND), broken + AROUND) if broken else (1, MOST_LINES)
    out: list[Line] = []
    is_cut = first > 1 or last < len(lines)
    for number, line in enumerate(lines[first - 1 : last], first):
        if number == broken:
            out.append(Line(str(number), list(_around(line, column - 1)), problem))
            is_cut = is_cut or len(line) > MOST_IN_LINE
        else:
            is_cut = is_cut or len(line) > MOST_IN_LINE
            out.append(Line(str(number), [Piece("", line[:MOST_IN_LINE] + (" …" if len(line) > MOST_IN_LINE else ""))]))
    return out, is_cut


def _around(line: str, column: int) -> Iterator[Piece]:
    """A line with the character at `column` marked, and what is around it if the line is long."""
    begin = max(0, column - MOST_IN_LINE // 4) if len(line) > MOST_IN_LINE else 0
    end = column + MOST_IN_LINE // 4 if len(line) > MOST_IN_LINE else len(line)
    yield Piece("", ("… " if begin else "") + line[begin:column])
    # At the end of a line there is no character to mark: what is missing is.
    yield Piece("", line[column : column + 1] or "␤", is_broken=True)
    yield Piece("", line[column + 1 : end] + (" …" if end < len(line) else ""))


def _bytes(content: bytes, place: int, message: str, was_encoded: bool, size: int) -> Shown:
    """Bytes in hexadecimal, and as text where they are some."""
    broken_line = place // BYTES_IN_LINE
    first = max(0, broken_line - BYTE_LINES_AROUND)
    last = min(len(content) // BYTES_IN_LINE, broken_line + BYTE_LINES_AROUND)
    lines = []
    for number in range(first, last + 1):
        start = number * BYTES_IN_LINE
        part = content[start : start + BYTES_IN_LINE]
        line = Line(f"{start:06x}", note=message if number == broken_line else "")
        for offset, byte in enumerate(part, start):
            line.pieces.append(Piece("number", f"{byte:02x}", offset == place))
            line.pieces.append(Piece("", " "))
        readable = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
        line.pieces.append(Piece("string", " " + "   " * (BYTES_IN_LINE - len(part)) + readable))
        lines.append(line)
    return Shown("bytes", lines, first > 0 or last < len(content) // BYTES_IN_LINE, size, was_encoded)
