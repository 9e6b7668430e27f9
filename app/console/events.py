"""Events: the list, searched and live, and the page that tells an event's whole story."""

import re
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.console import body, headers, links
from app.services import Services
from schemas.sources import SOURCES

#: Events on a page of the list.
ON_A_PAGE = 30
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
KINDS = ("video", "audio", "gif", "cover", "snapshot", "stream")
FILTERS = ("source", "type", "status", "kind")

_EVENT_ID = re.compile(r"([a-z0-9-]+:[0-9a-f]{32})(?:/.*)?")


def event_in(text: str) -> str | None:
    """The event that `text` names: its id, or that of one of its renditions."""
    found = _EVENT_ID.fullmatch(text)
    return found[1] if found and text.partition(":")[0] in SOURCES else None


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list, one event, and its body as it came."""

    @routes.get("/events")
    def events() -> ResponseReturnValue:
        text = request.args.get("q", "").strip()[:2048]
        filters = {name: value for name in FILTERS if (value := request.args.get(name, "").strip())}
        cursor = request.args.get("cursor") or None
        seen = request.args.get("part")
        # Before the list is read: what comes in between is then found the next time.
        newest = services.pull_queues.newest_event().decode()
        if seen == newest:
            return "", 204
        named = event_in(text)
        if named is not None and seen is None:
            if services.events.find(named) is not None:
                return redirect(url_for("console.event", event_id=named), 303)
            if services.dead_letters.find(text) is not None:
                return redirect(url_for("console.dead_letter", letter_id=text), 303)
        page = services.listing.events(
            limit=ON_A_PAGE,
            cursor=cursor,
            q=text or None,
            source=filters.get("source"),
            type=filters.get("type"),
            status=filters.get("status"),
            kind=filters.get("kind"),
        )
        given = {"q": text, **filters} if text else filters
        following = urlencode({**given, "cursor": page.next}) if page.next else None
        # Looking for an address means looking through many events: not every other second.
        stays_fresh = cursor is None and "/" not in text
        rendered = render_template(
            "console/events.html" if seen is None else "console/_event_rows.html",
            events=page.items,
            following=following,
            ended_early=page.next is not None and len(page.items) < ON_A_PAGE,
            given=given,
            filters=filters,
            cursor=cursor,
            newest=newest,
            refetch=urlencode(given) if stays_fresh else None,
            sources=list(SOURCES),
            types=TYPES,
            statuses=STATUSES,
            kinds=KINDS,
        )
        return rendered, {} if seen is None else {"X-Newest": newest, "X-Following": following or ""}

    @routes.get("/events/<path:event_id>")
    def event(event_id: str) -> ResponseReturnValue:
        found = services.events.find(event_id)
        if found is None:
            abort(404)
        if request.args.get("part"):
            return render_template("console/_event.html", event=found)
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
