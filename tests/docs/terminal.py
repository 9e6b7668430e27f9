"""A terminal in which the commands of a page are typed, and a judge of whether what they print is what the page shows."""

import fcntl
import os
import pty
import re
import secrets
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Lines and columns of the terminal.
SIZE = (50, 200)
#: Seconds a command may take.
PATIENCE = 40.0
#: Seconds a command may go on after it has printed all that the page shows, before Ctrl-C: a `pull` waits 5 s for more.
GRACE = 6.5


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, and what the page shows under it."""

    command: str
    shown: str


def read_console(text: str) -> list[Typed]:
    """The commands of a `console` block: after `$ `, going on after `> `. Raises ValueError for output before the first."""
    typed: list[Typed] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            typed.append(Typed(line[2:], ""))
        elif not typed:
            raise ValueError(f"a console block begins with `$ `, not with {line!r}")
        elif (line.startswith("> ") or line == ">") and not typed[-1].shown:
            typed[-1] = Typed(f"{typed[-1].command}\n{line[2:]}", "")
        else:
            typed[-1] = Typed(typed[-1].command, f"{typed[-1].shown}{line}\n")
    return typed


def read_script(text: str) -> list[Typed]:
    """The commands of an `sh` block, each as long as the shell says that it goes on."""
    typed: list[Typed] = []
    pending = ""
    for line in text.splitlines():
        pending += f"{line}\n"
        if not pending.strip() or pending.rstrip("\n").endswith("\\"):
            continue
        checked = subprocess.run(["bash", "-n"], input=pending, capture_output=True, text=True)
        if checked.returncode == 0 and not checked.stderr:
            typed.append(Typed(pending.strip("\n"), ""))
            pending = ""
    if pending.strip():
        typed.append(Typed(pending.strip("\n"), ""))
    return typed


#: What differs from run to run, most particular first. A group called `id` is remembered, so that a later command of the page
#: can name the thing by the id that is shown.
_LOOSE = (
    (r"…", r".*?"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?", r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?"),
    (r"sub_[0-9a-f]{20}", r"(sub_[0-9a-f]{20})"),
    (r"whsec_[\w+/=]+", r"(whsec_[\w+/=]+)"),
    (r"(?<![0-9a-f])(?=[a-f]*[0-9])[0-9a-f]{12,}(?![0-9a-zA-Z])", r"([0-9a-f]{8,})"),
    (r"[0-9a-f]{8}-[0-9a-f-]{27}", r"([0-9a-f-]{36})"),
    (r"(?<![\w.])\d+\.\d+(?![\d.])", r"\d+(?:\.\d+)?"),
    (r"\d{5,}", r"\d+"),
    (r"-{3,}|─{3,}", r"[-─]+"),
    (r"\s+", r"\s+"),
)
_TOKENS = re.compile("|".join(f"(?:{shown})" for shown, _ in _LOOSE))


def pattern_of(shown: str) -> tuple[re.Pattern[str], list[str]]:
    """What output has to match to count as what is `shown`, and what is shown for each of the pattern's groups.

    Ids, times, fractions and numbers of five digits and more may be any; `…` is any text, and a line of `…` any lines.
    """
    pieces: list[str] = []
    ids: list[str] = []
    for line in shown.rstrip("\n").split("\n"):
        if line.strip() in ("…", "..."):
            pieces.append(r"(?:.*\n)*?")
            continue
        piece, end = r"[^\S\n]*", 0
        stripped = line.strip()
        for token in _TOKENS.finditer(stripped):
            piece += re.escape(stripped[end : token.start()])
            loose = next(loose for exact, loose in _LOOSE if re.fullmatch(exact, token[0]))
            if loose.startswith("("):
                ids.append(token[0])
            piece += r"[^\S\n]+" if loose == r"\s+" else loose
            end = token.end()
        pieces.append(f"{piece}{re.escape(stripped[end:])}[^\\S\\n]*\\n")
    return re.compile("".join(pieces)), ids


def are_same_lines(shown: str, printed: str) -> bool:
    """Whether the lines that are shown were printed, in whatever order: two workers record what came together as they come."""
    left = printed.splitlines(keepends=True)
    for line in shown.splitlines():
        pattern, _ = pattern_of(line)
        found = next((one for one in left if pattern.fullmatch(one)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _as_seen(line: bytes) -> str:
    """A line of output without colours; empty for a progress bar, which nobody writes down."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line.decode(errors="replace").rstrip("\r"))
    return "" if "\r" in text else f"{text}\n"


class Terminal:
    """One shell, which keeps its directory and variables from command to command."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._nonce = secrets.token_hex(8)
        self._command = directory / ".command"
        # A real terminal, because programs (ours, curl) print for people there, and for programs into a pipe.
        self._screen, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self._raw, self._printed = b"", ""
        #: what is shown -> what it is here
        self.here: dict[str, str] = {}

    def translate(self, text: str) -> str:
        """`text` with what is shown replaced by what it is here."""
        for shown in sorted(self.here, key=len, reverse=True):
            text = re.sub(rf"(?<![\w.]){re.escape(shown)}(?!\w)", lambda _, shown=shown: self.here[shown], text)
        return text

    def type(self, typed: Typed) -> str:
        """Types a command and waits for its end; what is wrong with how it went, empty if nothing is.

        It must print what is shown, if anything is; and end with status 0, unless output is shown. One that goes on after it
        has printed all of that gets a Ctrl-C.
        """
        command = self.translate(typed.command)
        self._command.write_text(command, encoding="utf-8")
        # eval, so that what it sets stays; with no input, so that it does not read what we type next.
        self._type(
            f'__c="$(cat {self._command})"; (exit ${{__s:-0}}); eval "$__c" </dev/null\n'
            f'__s=$?; printf "\\n{self._nonce} %d\\n" $__s\n'
        )
        pattern, ids = pattern_of(self.translate(typed.shown))
        ending, end = re.compile(rf"\n{self._nonce} (\d+)\n"), time.monotonic() + PATIENCE
        is_shown, first_time, shown_until = False, True, ""
        while not (ended := ending.search(self._printed)):
            if typed.shown and not is_shown and pattern.fullmatch(self._printed.rstrip("\n") + "\n"):
                end = min(end, time.monotonic() + GRACE)
                is_shown = True
            if time.monotonic() > end:
                if not is_shown:
                    printed, self._printed = self._printed, ""
                    return f"it did not end within {PATIENCE:.0f} s, and printed\n{printed}"
                shown_until = shown_until or self._printed
                self._interrupt(signal.SIGINT if first_time else signal.SIGKILL)
                first_time, end = False, time.monotonic() + GRACE
            self._read(0.2)
        printed, self._printed = self._printed[: ended.start()], self._printed[ended.end() :]
        printed = shown_until or printed
        printed = printed.rstrip("\n") + "\n" if printed.strip() else ""
        if not typed.shown:
            return "" if ended[1] == "0" else f"it ended with status {ended[1]}, and printed\n{printed}"
        match = pattern.fullmatch(printed)
        if match is None and not are_same_lines(self.translate(typed.shown), printed):
            return f"it printed\n{printed}\nand the page shows\n{typed.shown}"
        if match is not None:
            self.here.update(zip(ids, match.groups(), strict=True))
        return ""

    def _type(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text.encode())
        self._shell.stdin.flush()

    def _read(self, seconds: float) -> None:
        readable, _, _ = select.select([self._screen], [], [], seconds)
        if readable:
            self._raw += os.read(self._screen, 65536)
            *lines, self._raw = self._raw.split(b"\n")
            self._printed += "".join(map(_as_seen, lines))

    def _interrupt(self, number: signal.Signals) -> None:
        """Ctrl-C, or worse, for what the shell waits for. What runs in the background ignores it."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        for pid, parent in (line.split() for line in listed.splitlines()):
            if int(parent) == self._shell.pid:
                os.kill(int(pid), number)

    def close(self) -> None:
        """Ends the shell and all that was started in it."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait(10)
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        os.close(self._screen)
