"""Subscriptions: who is sent what, how that goes, and what an operator can do about it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from app.api.subscriptions import BY_HAND, subscriptions_page
from app.services import Services
from schemas.sources import SOURCES
from schemas.subscription import Filter, SubscriptionSchema
from workers.queues.delivery_trials import NoWorker
from workers.queues.subscriptions import TooMany

#: Subscriptions on a page of the list.
ON_A_PAGE = 50
#: What can be filled in, beside the filter.
FIELDS = ("url", "each", "secret")
FILTER = tuple(Filter.__annotations__)


def given_in(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form says, as the API's body would: empty fields are absent, a height in digits is a number."""
    said = {name: form.get(name, "").strip() for name in (*FIELDS, *FILTER)}
    wanted: dict[str, Any] = {name: said[name] for name in FILTER if said[name]}
    height = said["min_height"]
    if height.isascii() and height.isdigit() and len(height) < 10:
        wanted["min_height"] = int(height)
    return {"filter": wanted, **{name: said[name] for name in FIELDS if said[name] or name == "url"}}


def problems_in(messages: Any) -> dict[str, str]:
    """What is wrong with each field, by its name in the form."""
    found: dict[str, str] = {}
    for name, said in messages.items():
        if isinstance(said, dict):
            found |= problems_in(said)
        else:
            found[name] = " ".join(map(str, said))
    return found


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list, one, and what can be done with it."""
    kept = services.subscriptions

    @routes.get("/subscriptions")
    def subscriptions() -> ResponseReturnValue:
        page = subscriptions_page(kept.list(), limit=ON_A_PAGE, cursor=request.args.get("cursor") or None)
        healths = kept.healths([found["id"] for found in page.items])
        is_part = bool(request.args.get("part"))
        return render_template(
            "console/_subscription_rows.html" if is_part else "console/subscriptions.html",
            subscriptions=list(zip(page.items, healths, strict=True)),
            next=page.next,
            cursor=request.args.get("cursor"),
            done=request.args.get("done"),
        )

    @routes.get("/subscriptions/<subscription_id>")
    def subscription(subscription_id: str) -> ResponseReturnValue:
        return one(
            subscription_id, "console/_subscription.html" if request.args.get("part") else "console/subscription.html"
        )

    def one(subscription_id: str, template: str, **more: Any) -> ResponseReturnValue:
        found = kept.find(subscription_id)
        if found is None:
            abort(404)
        health = kept.health(subscription_id)
        return render_template(template, subscription=found, health=health, done=request.args.get("done"), **more)

    @routes.route("/subscriptions/add", methods=["GET", "POST"])
    def add_subscription() -> ResponseReturnValue:
        wrong: dict[str, str] = {}
        if request.method == "POST":
            try:
                added = kept.add(SubscriptionSchema().load(given_in(request.form)))
                return redirect(url_for("console.subscription", subscription_id=added["id"], done="added"), 303)
            except ValidationError as error:
                wrong = problems_in(error.messages)
            except TooMany as error:
                wrong = {"url": str(error)}
        page = render_template(
            "console/subscription_add.html", said=request.form, wrong=wrong, sources=list(SOURCES), fields=FILTER
        )
        return page, 422 if wrong else 200

    @routes.post("/subscriptions/<subscription_id>/test")
    def test_subscription(subscription_id: str) -> ResponseReturnValue:
        """A worker sends the sample; this waits for what comes of it, as long as an attempt may take."""
        found = kept.find(subscription_id)
        if found is None:
            abort(404)
        try:
            trial = services.trials.run(found)
        except NoWorker as problem:
            trial = {"status": None, "seconds": None, "answer": None, "error": str(problem)}
        return one(subscription_id, "console/subscription.html", trial=trial)

    @routes.post("/subscriptions/<subscription_id>/disable")
    def disable_subscription(subscription_id: str) -> ResponseReturnValue:
        if not kept.disable(subscription_id, BY_HAND):
            abort(404)
        return redirect(url_for("console.subscription", subscription_id=subscription_id, done="disabled"), 303)

    @routes.post("/subscriptions/<subscription_id>/enable")
    def enable_subscription(subscription_id: str) -> ResponseReturnValue:
        if not kept.enable(subscription_id):
            abort(404)
        return redirect(url_for("console.subscription", subscription_id=subscription_id, done="enabled"), 303)

    @routes.route("/subscriptions/<subscription_id>/remove", methods=["GET", "POST"])
    def remove_subscription(subscription_id: str) -> ResponseReturnValue:
        if request.method == "GET":
            return one(subscription_id, "console/subscription_remove.html")
        if kept.remove(subscription_id) is None:
            abort(404)
        return redirect(url_for("console.subscriptions", done="removed"), 303)
