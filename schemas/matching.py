"""Which events and renditions a subscription is sent: its filter against an event. Nothing here is looked up or remembered."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from schemas.event import Rendition, TranscodeEvent
from schemas.subscription import Filter, Subscription

#: In the place of a rendition's number, for an event as a whole.
WHOLE_EVENT = -1
#: Kinds of renditions whose height is not counted in lines of video.
PICTURES = frozenset({"gif", "cover", "snapshot"})


def about_event(asked: Filter, event: TranscodeEvent) -> bool:
    """Whether the event has the source, the type, the status and the beginning of a media id that are asked for."""
    return (
        asked["source"] in (None, event["source"])
        and asked["type"] in (None, event["type"])
        and asked["status"] in (None, event["status"])
        and (asked["media_id"] is None or (event["media_id"] or "").startswith(asked["media_id"]))
    )


def about_rendition(asked: Filter, rendition: Rendition) -> bool:
    """Whether the rendition has the kind, the name and the height that are asked for.

    A height nobody knows is not enough. A height asked for without a kind is one of what plays: a cover as large as the video
    does not count as one, unless covers are asked for.
    """
    return (
        asked["kind"] in (None, rendition["kind"])
        and (asked["name"] is None or fnmatchcase(rendition["name"], asked["name"]))
        and (asked["min_height"] is None or _is_as_high_as(asked["min_height"], asked["kind"], rendition))
    )


def _is_as_high_as(lines: int, kind: str | None, rendition: Rendition) -> bool:
    return (rendition["height"] or 0) >= lines and (kind is not None or rendition["kind"] not in PICTURES)


def matching(asked: Filter, event: TranscodeEvent) -> list[int]:
    """The numbers of those renditions of an event that a filter asks for; none where it is not about the event."""
    if not about_event(asked, event):
        return []
    return [number for number, rendition in enumerate(event["renditions"]) if about_rendition(asked, rendition)]


def wanted(subscription: Subscription, event: TranscodeEvent) -> list[int]:
    """What of an event a subscription is sent: numbers of renditions, or WHOLE_EVENT alone, or nothing.

    An event without renditions is sent as a whole, unless something is asked of its renditions.
    """
    asked = subscription["filter"]
    numbers = matching(asked, event)
    if subscription["each"] == "rendition" or not about_event(asked, event):
        return numbers
    asks_for_renditions = any(asked[name] is not None for name in ("kind", "name", "min_height"))
    return [] if asks_for_renditions and not numbers else [WHOLE_EVENT]


def deliveries(subscriptions: Iterable[Subscription], event: TranscodeEvent) -> list[tuple[str, int]]:
    """Who is sent what of an event: ids of subscriptions, each with a rendition's number or WHOLE_EVENT."""
    return [(subscription["id"], number) for subscription in subscriptions for number in wanted(subscription, event)]
