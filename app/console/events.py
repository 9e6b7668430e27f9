"""Events: the list, searched and live, and the page that tells an event's whole story."""

import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.console import body, headers, links
from app.services import Services
from schemas.sources import SOURCES
from workers.queues.listing import Page

#: Events on a page of the list.
ON_A_PAGE = 30
#: Events looked at in one request for an address; further back is the next page.
LOOKED_THROUGH = 600
#: What an event's `type` and `status` may be chosen from; other types can stand in the address.
TYPES = (
    "transcode.completed",
    "transcode.failed",
    "transcode.started",
    "transcode.updated",
    "transcode.stopped",
    "snapshot.completed",
    "snapshot.failed",
)
STATUSES = ("succeeded", "failed", "running", "unknown")

_EVENT_ID = re.compile(r"([a-z0-9-]+:[0-9a-f]{32})(?:/.*)?")


class Sought(NamedTuple):
    """What the search box asks for: at most one of them."""

    #: an event, or the event of a rendition
    event_id: str | None = None
    #: a media id or a task id
    reference: str | None = None
    #: a piece of an address
    address: str | None = None


def sought(text: str) -> Sought:
    """What `text` is: an event's id, an address or a piece of one, else the id that a vendor has given."""
    text = text.strip()
    if not text:
        return Sought()
    event = _EVENT_ID.fullmatch(text)
    if event and text.partition(":")[0] in SOURCES:
        return Sought(event_id=event[1])
    if "/" in text or "://" in text:
        return Sought(address=text)
    return Sought(reference=text)


def mentions(event: dict[str, Any], address: str) -> bool:
    """Does the event's input or a rendition have this in one of its addresses or paths?"""
    given = event["input"] or {}
    found = [given.get("url"), given.get("path")]
    for rendition in event["renditions"]:
        found += [*rendition["urls"], *rendition["paths"]]
    return any(address in one for one in found if one)


class EventSearch:
    """The list of events as the console asks for it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def page(self, wanted: Sought, filters: dict[str, str], cursor: str | None) -> Page:
        """A page of what is wanted, newest first. Raises BadCursor."""
        if wanted.address:
            return self._by_address(wanted.address, filters, cursor)
        if wanted.reference:
            return self._by_reference(wanted.reference, filters, cursor)
        return self._services.listing.events(limit=ON_A_PAGE, cursor=cursor, **filters)

    def _by_reference(self, reference: str, filters: dict[str, str], cursor: str | None) -> Page:
        """By media id; and where nothing has it, by task id. A cursor says which of the two it belongs to."""
        which, _, place = (cursor or "").partition("~")
        for name in ("media_id", "task_id"):
            if which in ("", name):
                found = self._services.listing.events(
                    limit=ON_A_PAGE, cursor=place or None, **filters, **{name: reference}
                )
                if found.items or which:
                    return Page(found.items, f"{name}~{found.next}" if found.next else None)
        return Page([], None)

    def _by_address(self, address: str, filters: dict[str, str], cursor: str | None) -> Page:
        """There is no index of addresses: so many events are looked through, and the cursor leads on from there."""
        found: list[Any] = []
        looked = 0
        while looked < LOOKED_THROUGH and len(found) < ON_A_PAGE:
            page = self._services.listing.events(limit=50, cursor=cursor, **filters)
            found += [event for event in page.items if mentions(event, address)]
            looked += max(1, len(page.items))
            cursor = page.next
            if cursor is None:
                break
        return Page(found, cursor)


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list, one event, and its body as it came."""
    search = EventSearch(services)

    @routes.get("/events")
    def events() -> ResponseReturnValue:
        text = request.args.get("q", "").strip()[:2048]
        filters = {
            name: value for name in ("source", "type", "status") if (value := request.args.get(name, "").strip())
        }
        wanted, cursor = sought(text), request.args.get("cursor") or None
        is_part = bool(request.args.get("part"))
        # Before the list is read: what comes in between is then found the next time.
        newest = services.pull_queues.newest_event().decode()
        if is_part and request.args.get("part") == newest:
            return "", 204
        if wanted.event_id and not is_part:
            if services.events.find(wanted.event_id) is not None:
                return redirect(url_for("console.event", event_id=wanted.event_id), 303)
            if services.dead_letters.find(wanted.event_id) is not None:
                return redirect(url_for("console.dead_letter", letter_id=wanted.event_id), 303)
        page = Page([], None) if wanted.event_id else search.page(wanted, filters, cursor)
        given = {"q": text, **filters} if text else filters
        following = urlencode({**given, "cursor": page.next}) if page.next else None
        rendered = render_template(
            "console/_event_rows.html" if is_part else "console/events.html",
            events=page.items,
            following=following,
            given=given,
            wanted=wanted,
            filters=filters,
            cursor=cursor,
            newest=newest,
            refetch=None if cursor or wanted.event_id or wanted.address else urlencode(given),
            sources=list(SOURCES),
            types=TYPES,
            statuses=STATUSES,
            looked_through=LOOKED_THROUGH,
        )
        return rendered, {"X-Newest": newest, "X-Following": following or ""} if is_part else {}

    @routes.get("/events/<path:event_id>")
    def event(event_id: str) -> ResponseReturnValue:
        found = services.events.find(event_id)
        if found is None:
            abort(404)
        if request.args.get("part"):
            return render_template("console/_story.html", event=found)
        pictures = _pictures(found)
        headers.allow_pictures(links.origins(url for _, url in pictures))
        return render_template(
            "console/event.html",
            event=found,
            pictures=pictures,
            raw=body.shown(found["raw_body"].encode("utf-8", "surrogatepass")),
        )

    @routes.get("/event-body/<path:event_id>")
    def event_body(event_id: str) -> ResponseReturnValue:
        found = services.events.find(event_id)
        if found is None:
            abort(404)
        return as_download(found["raw_body"].encode("utf-8", "replace"), event_id)


def as_download(content: bytes, name: str) -> Response:
    """Bytes of a stranger's, to keep and not to show."""
    response = Response(content, content_type="application/octet-stream")
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", name)[:80]
    response.headers["Content-Disposition"] = f'attachment; filename="{plain}.txt"'
    return response


def _pictures(event: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The renditions that are pictures, each address of theirs that may be shown."""
    shown = [
        (rendition, url)
        for rendition in event["renditions"]
        if rendition["kind"] in links.PICTURES
        for url in rendition["urls"]
        if links.picture_origin(url)
    ]
    return shown[: links.MOST_PICTURES]
