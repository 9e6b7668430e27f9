"""Where the processes of one web run count together: a directory that is made for the run and goes with it.

<temporary directory>/transcode-inbox-counts-<random>/owner    locked by the run while it lives
…                                                             the rest: see `app.shared_page`
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "transcode-inbox-counts-"
#: The variable that names the directory. Set here, for the processes of a run alone.
_VARIABLE = "TRANSCODE_INBOX_COUNTS"


@contextlib.contextmanager
def counting_together() -> Iterator[None]:
    """Gives the processes that are started meanwhile a directory for what they count, and removes it in the end.

    Also those of runs that could not: they were killed.
    """
    _remove_left()
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    # Made under another name, so that nobody finds it before it is locked.
    owner = os.open(directory / "new", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(owner, fcntl.LOCK_EX)
    (directory / "new").rename(directory / "owner")
    os.environ[_VARIABLE] = str(directory)
    maker = os.getpid()
    try:
        yield
    finally:
        # Children that were forked leave this way too.
        if os.getpid() == maker:
            shutil.rmtree(directory, ignore_errors=True)


def counts_directory() -> Path | None:
    """Where the processes of this web run count together; None for a process that was not started by one."""
    directory = os.environ.get(_VARIABLE)
    return Path(directory) if directory else None


def _remove_left() -> None:
    for owner in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/owner"):
        with contextlib.suppress(OSError):
            descriptor = os.open(owner, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(owner.parent, ignore_errors=True)
            finally:
                os.close(descriptor)
