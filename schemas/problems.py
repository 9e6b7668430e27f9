"""What is wrong with something that came, in one sentence for a person, from what marshmallow says of it."""

from collections.abc import Iterator
from typing import Any

#: Problems named in one message, and characters in it: it is for a person, and a body may hold a million
#: problems.
MOST_PROBLEMS = 10
MOST_CHARACTERS = 1000


def sentence(messages: Any) -> str:
    """`{"url": ["Not a valid URL."]}` (the `messages` of a ValidationError) -> `url: Not a valid URL`."""
    problems = [f"{path}: {problem}" if path else problem for path, problem in _problems(messages, ())]
    text = "; ".join(problems[:MOST_PROBLEMS])
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 2] + " …"
    if len(problems) > MOST_PROBLEMS:
        text += f"; and {len(problems) - MOST_PROBLEMS} more"
    return text


def first_path(messages: Any) -> str:
    """The path of the first field that is wrong, as `data.playSet.0.url`; empty where it is the whole."""
    return next(_problems(messages, ()), ("", ""))[0]


def _problems(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The path of each field that is wrong, and what is wrong with it."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _problems(inner, path if key == "_schema" else (*path, str(key)))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _problems(inner, path)
    else:
        yield ".".join(path), str(messages).rstrip(".")
