"""`/api/subscriptions`: who is sent what, and how that goes."""

from collections.abc import Sequence
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.answers import listed, not_found
from app.api.calls import Api, Given
from app.errors import error
from app.services import Services
from schemas.api.query import PageQuery
from schemas.api.subscriptions import SubscriptionsPage, TrialOutcome, WholeSubscription
from schemas.subscription import Subscription, SubscriptionSchema
from workers.queues.delivery_trials import NoWorker
from workers.queues.listing import BadCursor, Page
from workers.queues.subscriptions import Subscriptions, TooMany, order

#: What is noted where somebody disables a subscription without saying why.
BY_HAND = "It was disabled by hand."
#: When there is no room for another.
TOO_MANY = "`too_many_subscriptions`: there are 1,000 already."
#: When nobody can send a sample.
NO_WORKER = "`no_worker`: no worker has sent it in time."


def add_routes(api: Api, services: Services) -> None:
    """The list, one, and what can be done with it."""
    subscriptions = services.subscriptions

    def answer(subscription_id: str) -> ResponseReturnValue:
        found = subscriptions.find(subscription_id)
        if found is None:
            return not_found("subscription", subscription_id)
        return jsonify(_answers(subscriptions, [found])[0])

    @api.call("GET", "/subscriptions", query=PageQuery, answers={200: SubscriptionsPage})
    def list_subscriptions(query: Given) -> ResponseReturnValue:
        """Lists subscriptions, newest first, with how their destinations do."""
        page = subscriptions_page(subscriptions.list(), **query)
        return listed("subscriptions", Page(_answers(subscriptions, page.items), page.next))

    @api.call(
        "POST",
        "/subscriptions",
        body=SubscriptionSchema,
        answers={201: WholeSubscription},
        errors={409: TOO_MANY},
    )
    def add_subscription(body: Given) -> ResponseReturnValue:
        """Makes a subscription.

        From now on a request is sent for each rendition, or each event, that matches. What came before is not sent.
        """
        try:
            added = subscriptions.add(body)
        except TooMany as problem:
            return error(409, "too_many_subscriptions", str(problem))
        return jsonify(_answers(subscriptions, [added])[0]), 201

    @api.call("GET", "/subscriptions/<subscription_id>", answers={200: WholeSubscription})
    def show_subscription(subscription_id: str) -> ResponseReturnValue:
        """Shows one subscription, and how its destination does."""
        return answer(subscription_id)

    @api.call("DELETE", "/subscriptions/<subscription_id>", answers={204: None})
    def remove_subscription(subscription_id: str) -> ResponseReturnValue:
        """Forgets a subscription, with what waits for it."""
        if subscriptions.remove(subscription_id) is None:
            return not_found("subscription", subscription_id)
        return "", 204

    @api.call("POST", "/subscriptions/<subscription_id>/enable", answers={200: WholeSubscription})
    def enable_subscription(subscription_id: str) -> ResponseReturnValue:
        """Sends to a subscription again.

        What waits for it is sent as it falls due, with all of its time ahead. Enabling one that is not disabled does nothing.
        """
        subscriptions.enable(subscription_id)
        return answer(subscription_id)

    @api.call("POST", "/subscriptions/<subscription_id>/disable", answers={200: WholeSubscription})
    def disable_subscription(subscription_id: str) -> ResponseReturnValue:
        """Stops sending to a subscription.

        What waits for it goes on waiting; what comes in meanwhile is not for it.
        """
        subscriptions.disable(subscription_id, BY_HAND)
        return answer(subscription_id)

    @api.call(
        "POST",
        "/subscriptions/<subscription_id>/test",
        answers={200: TrialOutcome},
        errors={504: NO_WORKER},
    )
    def test_subscription(subscription_id: str) -> ResponseReturnValue:
        """Sends a sample to a subscription, and says what came of it.

        A worker sends it, as it sends everything else, whether the subscription is disabled or not. It is signed like any
        other and has an id of its own; the header `transcode-inbox-test: true` is what tells it from a real one.
        """
        found = subscriptions.find(subscription_id)
        if found is None:
            return not_found("subscription", subscription_id)
        try:
            return jsonify(services.trials.run(found))
        except NoWorker as problem:
            return error(504, "no_worker", str(problem))


def _answers(subscriptions: Subscriptions, found: Sequence[Subscription]) -> list[dict[str, Any]]:
    """Each as it is answered: with its health."""
    healths = subscriptions.healths([subscription["id"] for subscription in found])
    return [{**subscription, "health": health} for subscription, health in zip(found, healths, strict=True)]


def subscriptions_page(found: Sequence[Subscription], *, limit: int, cursor: str | None) -> Page:
    """Those of the list, newest first, that follow the cursor: `<created_at>,<id>` of the last one given. Raises BadCursor."""
    if cursor is not None:
        at, comma, subscription_id = cursor.partition(",")
        if not comma:
            raise BadCursor(f"{cursor[:100]!r} is no cursor of this list")
        found = [subscription for subscription in found if order(subscription) < (at, subscription_id)]
    some = list(found[:limit])
    return Page(some, ",".join(order(some[-1])) if len(found) > limit else None)
