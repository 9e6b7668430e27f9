"""Lua scripts, run by their digest: one atomic step each, loaded again wherever the server has forgotten them."""

import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError

from workers.store import Lines, Store

Argument = str | bytes | int | float

#: Lua that others share: what is put in front of a script where it says one of these, each part before those that use it.
PARTS = {
    "delivery_next": ("set_next(",),
    "forget": ("forget_event(", "forget_entry("),
    "dead_letter": ("_dead_letter(",),
    "kept": ("kept_words(", "kept_of(", "kept_value(", "kept_note(", "kept_shape("),
    "index": ("shape_of(", "refer_to("),
    "caller": ("caller(",),
    "queue_time": ("queue_time()", "wall_time()", "milliseconds("),
}


class Script:
    """The Lua in `workers/queues/<name>.lua`, with those PARTS in front of it that it uses.

    The keys are written out in the Lua files, where their contents are documented, so no KEYS are passed.
    """

    def __init__(self, name: str) -> None:
        here = resources.files(__package__)
        text = (here / f"{name}.lua").read_text(encoding="utf-8")
        for part, words in PARTS.items():
            if any(word in text for word in words):
                text = (here / f"{part}.lua").read_text(encoding="utf-8") + text
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Store | Lines, *arguments: Argument) -> Any:
        """The script's answer. Raises what redis raises."""
        try:
            return client.execute_command("EVALSHA", self._digest, 0, *arguments)
        except NoScriptError:
            client.execute_command("SCRIPT", "LOAD", self._text)
            return client.execute_command("EVALSHA", self._digest, 0, *arguments)

    def run_each(self, client: Store, calls: Sequence[Iterable[Argument]]) -> list[Any]:
        """One run a call, in one round trip; each answer is the script's, or the exception it ended with.

        Runs are independent: one that fails leaves the others alone. Raises only what cuts the whole round short.
        """
        answers = self._pipeline(client, calls)
        forgotten = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if forgotten:
            client.script_load(self._text)
            again = self._pipeline(client, [calls[number] for number in forgotten])
            for number, answer in zip(forgotten, again, strict=True):
                answers[number] = answer
        return answers

    def _pipeline(self, client: Store, calls: Sequence[Iterable[Argument]]) -> list[Any]:
        with client.pipeline(transaction=False) as pipe:
            for arguments in calls:
                pipe.execute_command("EVALSHA", self._digest, 0, *arguments)
            return list(pipe.execute(raise_on_error=False))
