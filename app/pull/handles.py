"""Confirming: the handles of one call, each of which succeeds or fails by itself."""

from collections.abc import Sequence

from app.pull.parameters import printable
from app.pull.refused import Reason, Refused
from app.pull.witness import Witness
from workers.queues.pull import MOST, PullQueues


def confirm_each(
    queues: PullQueues, queue: str, handles: Sequence[str], witness: Witness | None, request_id: str = ""
) -> None:
    """Confirms every good handle in `handles`. Raises Refused, naming the bad ones, if there are any; or for none, or 17."""
    if not 1 <= len(handles) <= MOST:
        raise Refused(Reason.BAD_VALUE, f"a call confirms from 1 to {MOST} handles, not {len(handles)}")
    good = queues.confirm(queue, handles)
    if witness is not None:
        witness.confirmed(queue, handles, good, request_id)
    bad = [printable(handle) for handle, is_good in zip(handles, good, strict=True) if not is_good]
    if bad:
        raise Refused(
            Reason.BAD_VALUE, f"these handles are expired, superseded or were never given out: {', '.join(bad)}"
        )
