"""The journal: a worker says what became of each callback and of each delivery, one line each, with the ids to find it by."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.event import Rendition
from workers.log_format import log_each, printable
from workers.queues.dead_letters import DeadLetter
from workers.queues.deliveries import Settlement, event_of_delivery
from workers.queues.events import Recordable

#: Characters of a type that are said: the vendor may choose it.
LONGEST_TYPE = 80

log = logging.getLogger(__name__)

_Line = tuple[str, dict[str, Any]]


def tell(
    recordables: Sequence[Recordable],
    recorded: Sequence[list[Rendition] | Exception | None],
    letters: Sequence[DeadLetter],
    refused: Sequence[Exception | None],
) -> None:
    """What became of a round: events at info, duplicates at debug, and what an operator should look at as warnings."""
    if log.isEnabledFor(logging.INFO):
        log_each(log, logging.INFO, list(_recorded(recordables, recorded)))
    if log.isEnabledFor(logging.DEBUG):
        log_each(log, logging.DEBUG, list(_duplicates(recordables, recorded, letters)))
    log_each(log, logging.WARNING, [*_failures(recordables, recorded), *_dead(letters, refused)])


def _recorded(
    recordables: Sequence[Recordable], recorded: Sequence[list[Rendition] | Exception | None]
) -> Iterator[_Line]:
    for recordable, answer in zip(recordables, recorded, strict=True):
        if isinstance(answer, list):
            event, origin = recordable.event, recordable.origin
            kind, count = printable(event["type"], LONGEST_TYPE), len(answer)
            yield (
                f"recorded {event['id']} {kind} {count} rendition{'' if count == 1 else 's'} (inbox {origin})",
                {"event": event["id"], "source": event["source"], "inbox": origin},
            )


def _duplicates(
    recordables: Sequence[Recordable],
    recorded: Sequence[list[Rendition] | Exception | None],
    letters: Sequence[DeadLetter],
) -> Iterator[_Line]:
    given_up = {letter.origin for letter in letters}
    for recordable, answer in zip(recordables, recorded, strict=True):
        if answer is None and recordable.origin not in given_up:
            event, origin = recordable.event, recordable.origin
            about = {"event": event["id"], "source": event["source"], "inbox": origin}
            yield f"duplicate of {event['id']} (inbox {origin})", about


def _failures(
    recordables: Sequence[Recordable], recorded: Sequence[list[Rendition] | Exception | None]
) -> Iterator[_Line]:
    for recordable, answer in zip(recordables, recorded, strict=True):
        if isinstance(answer, Exception):
            event, origin = recordable.event, recordable.origin
            about = {"event": event["id"], "source": event["source"], "inbox": origin}
            why = printable(f"{type(answer).__name__}: {answer}")
            yield f"could not record {event['id']}, and will try again (inbox {origin}): {why}", about


def _dead(letters: Sequence[DeadLetter], refused: Sequence[Exception | None]) -> Iterator[_Line]:
    for letter, error in zip(letters, refused, strict=True):
        about = {"event": letter.id, "source": letter.source, "inbox": letter.origin, "reason": letter.reason}
        what = (
            "dead letter"
            if error is None
            else f"could not keep ({type(error).__name__}), and will try again: dead letter"
        )
        yield f"{what} {letter.id}: {letter.reason}: {printable(letter.message)} (inbox {letter.origin})", about


def tell_settled(settlements: Sequence[Settlement]) -> None:
    """What became of deliveries: those that arrived at info, those that did not as warnings. Not those that were given back."""
    log_each(log, logging.INFO, [_settled(one) for one in settlements if one.became == "delivered"])
    log_each(log, logging.WARNING, [_settled(one) for one in settlements if one.became not in ("delivered", "back")])


def _settled(settlement: Settlement) -> _Line:
    delivery, attempt = settlement.delivery, settlement.attempt or {}
    event, to, status = event_of_delivery(delivery.name), delivery.subscription["id"], attempt.get("status")
    about = {"event": event, "webhook": delivery.webhook_id, "subscription": to}
    if settlement.became == "delivered":
        how = "published" if status is None else f"{status}"
        message = f"delivered {event} to {to}: {how} in {attempt.get('seconds', 0):g} s, attempt {delivery.attempt}"
    else:
        why = printable(str(attempt.get("error") or settlement.became))
        again = f"; again in {settlement.after:.0f} s" if settlement.became in ("failed", "slowed") else ""
        message = f"could not deliver {event} to {to}, attempt {delivery.attempt}: {why}{again}"
    return f"{message} (webhook {delivery.webhook_id})", about
