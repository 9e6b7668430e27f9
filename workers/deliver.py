"""The sender: sends what is due to subscriptions, from a thread of its own in every worker process.

It has an event loop and a connection pool, so that slow destinations wait beside each other and beside the work of the process,
and connections of its own to the store and the broker. Nothing it does holds up ingest or the watchdog, and nothing that happens
to it ends it: what fails is said in a sentence, and done again.
"""

import asyncio
import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import httpx
import redis

from schemas.settings import Settings
from schemas.subscription import CeleryTask, celery_task
from schemas.times import iso_time
from workers import journal
from workers.beside import Loop, OneThread
from workers.deliver_celery import TaskPublisher
from workers.deliver_http import TIMEOUT, make_client, post
from workers.outcome import Outcome
from workers.queues.deliveries import Deliveries, Delivery, Settlement, attempt_of, event_of_delivery
from workers.queues.delivery_trials import Trial, Trials
from workers.queues.events import Events
from workers.queues.subscriptions import Subscriptions
from workers.retries import pause
from workers.store import connect
from workers.tracing import Tracing

#: Seconds between two looks, when nobody calls.
EVERY = 0.25
#: Deliveries on their way from one process at once, to all destinations together.
MOST_OUT = 256
#: Seconds a store command may take.
STORE_TIMEOUT = 10.0
#: Seconds that what is on its way is given at the end before it is given back.
LAST_SECONDS = 3.0
#: Why a subscription is disabled by its destination.
GONE_AWAY = "Its destination answered 410 Gone: it wants nothing any more."
#: Seconds of rest after something that nobody thought of.
REST = 1.0

log = logging.getLogger(__name__)


class Sender:
    """The sender of one process. It begins with `start`."""

    def __init__(
        self,
        settings: Settings,
        *,
        every: float = EVERY,
        pause: Callable[[int, float], float] = pause,
        traced: Tracing | None = None,
    ) -> None:
        """`pause` says how many seconds to wait after a failed attempt: see `workers.retries.pause`.

        `traced` is told of every attempt.
        """
        client = connect(settings.redis_url, timeout=STORE_TIMEOUT, connections=2)
        self._traced = traced
        self._subscriptions = Subscriptions(client)
        self._events = Events.of(settings, client)
        self._deliveries = Deliveries(client, self._events)
        self._trials = Trials(client)
        self._publisher = TaskPublisher(settings)
        self._every = every
        self._pause = pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deliver", daemon=True)
        self._store_thread = OneThread("deliver-store")
        self._broker_thread = OneThread("deliver-broker")
        self._settlements: list[Settlement] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None
        self._store_is_away = False

    def start(self) -> None:
        """Sends from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Has a look at once. From any thread; costs next to nothing, and never raises."""
        loop, woken = self._loop, self._woken
        if loop is not None and woken is not None:
            with contextlib.suppress(RuntimeError):  # its loop has just ended
                loop.call_soon_threadsafe(woken.set)

    def drain(self) -> None:
        """Takes nothing up any more; what is on its way has LAST_SECONDS."""
        self._stopping.set()
        self.wake()

    def stop(self) -> None:
        """As `drain`, and returns when it is done, or a moment later if it cannot be."""
        self.drain()
        if self._thread.is_alive():
            self._thread.join(LAST_SECONDS + 2)

    def _run(self) -> None:
        while True:
            try:
                with asyncio.Runner(loop_factory=Loop) as runner:
                    runner.run(self._send())
                return
            except Exception:
                log.exception("deliveries: something unexpected went wrong; they go on in %g s", REST)
                if self._stopping.wait(REST):
                    return

    async def _send(self) -> None:
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        out: set[asyncio.Task[None]] = set()
        async with make_client() as client:
            while not self._stopping.is_set():
                self._woken.clear()
                for task in await self._turn(client, MOST_OUT - len(out)):
                    out.add(task)
                    task.add_done_callback(out.discard)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._every)
            await self._end(out)

    async def _turn(self, client: httpx.AsyncClient, room: int) -> list[asyncio.Task[None]]:
        """Settles what has come to its end, and takes up what is due. While the store is away both wait."""
        settled, self._settlements = self._settlements, []
        try:
            claimed, trial = await self._store_thread.call(self._books, settled, room)
        except Exception as error:
            # Settling again does no harm; not settling would deliver again what has arrived.
            self._settlements = settled + self._settlements
            if not self._store_is_away:
                log.warning("deliveries wait for the store: %s: %s", type(error).__name__, error)
            self._store_is_away = True
            return []
        self._store_is_away = False
        tasks = [asyncio.create_task(self._deliver(client, delivery)) for delivery in claimed]
        if trial is not None:
            tasks.append(asyncio.create_task(self._try_out(client, trial)))
        return tasks

    def _books(self, settled: list[Settlement], room: int) -> tuple[list[Delivery], Trial | None]:
        for subscription_id in {one.delivery.subscription["id"] for one in settled if one.became == "refused"}:
            found = self._subscriptions.find(subscription_id)
            if found is not None and found["disabled"] is None:
                self._subscriptions.disable(subscription_id, GONE_AWAY)
                log.warning("%s: its destination answered 410 Gone; it is disabled", subscription_id)
        self._deliveries.settle(settled)
        done = settled.copy()
        # So that they are not settled again should the rest fail.
        settled.clear()
        journal.tell_settled(done)
        if self._traced and done:
            with contextlib.suppress(redis.RedisError):
                self._trace(self._traced, done)
        claimed = self._deliveries.claim(room) if room > 0 else []
        return claimed, self._trials.take()

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        """One attempt, from the claim to the settlement."""
        at = iso_time(int(time.time() * 1000))
        try:
            outcome = await self._attempt(client, delivery)
        except asyncio.CancelledError:
            self._settlements.append(Settlement(delivery, "back"))
            return
        except Exception as error:
            log.exception("%s: a delivery could not be tried", delivery.subscription["id"])
            outcome = Outcome(0.0, error=f"{type(error).__name__}: {error}")
        self._settlements.append(self._settlement(delivery, outcome, at))
        if self._woken is not None:
            self._woken.set()

    async def _attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> Outcome:
        subscription = delivery.subscription
        to = celery_task(subscription["url"])
        if to is not None:
            return await self._publish(to, delivery.webhook_id, delivery.body)
        return await post(
            client,
            subscription["url"],
            message_id=delivery.webhook_id,
            body=delivery.body,
            secret=subscription["secret"],
        )

    async def _publish(self, to: CeleryTask, message_id: str, body: bytes, *, test: bool = False) -> Outcome:
        """Publishes a task in the thread that has the broker. What waits behind a broker that hangs is not published late."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._broker_thread.call(
                    self._publisher.publish, to, message_id=message_id, body=body, test=test
                )
        except TimeoutError:
            return Outcome(TIMEOUT, error=f"the broker did not take it within {TIMEOUT:g} s")

    def _settlement(self, delivery: Delivery, outcome: Outcome, at: str) -> Settlement:
        attempt = attempt_of(
            delivery,
            at=at,
            status=outcome.status,
            seconds=outcome.seconds,
            answer=outcome.answer,
            error=outcome.error,
        )
        if outcome.error is None:
            return Settlement(delivery, "delivered", attempt=attempt)
        if outcome.is_gone:
            return Settlement(delivery, "refused", attempt=attempt)
        if outcome.retry_after is not None:
            return Settlement(delivery, "slowed", outcome.retry_after, attempt)
        return Settlement(delivery, "failed", self._pause(delivery.attempt, random.random()), attempt)  # noqa: S311

    def _trace(self, traced: Tracing, settled: Sequence[Settlement]) -> None:
        origins = self._events.origins([event_of_delivery(one.delivery.name) for one in settled])
        for settlement, origin in zip(settled, origins, strict=True):
            attempt = settlement.attempt
            if origin is None or attempt is None:
                continue
            began = datetime.fromisoformat(attempt["at"]).timestamp()
            about = {
                "transcode_inbox.subscription": attempt["subscription"],
                "transcode_inbox.webhook": settlement.delivery.webhook_id,
                "transcode_inbox.attempt": attempt["attempt"],
            }
            if attempt["status"] is not None:
                about["http.response.status_code"] = attempt["status"]
            traced.span("deliver", origin, began, began + attempt["seconds"], about, failed=attempt["error"] or "")

    async def _try_out(self, client: httpx.AsyncClient, trial: Trial) -> None:
        """Sends a sample, and tells whoever asked for it what came of that."""
        to = celery_task(trial.url)
        if to is not None:
            outcome = await self._publish(to, trial.webhook_id, trial.body, test=True)
        else:
            outcome = await post(
                client, trial.url, message_id=trial.webhook_id, body=trial.body, secret=trial.secret, test=True
            )
        try:
            await self._store_thread.call(self._trials.tell, trial, outcome)
        except Exception as error:
            log.warning("the outcome of a test could not be told: %s: %s", type(error).__name__, error)

    async def _end(self, out: Iterable[asyncio.Task[None]]) -> None:
        """Lets what is on its way arrive, gives back what does not, and settles all of it."""
        if out:
            await asyncio.wait(out, timeout=LAST_SECONDS)
        for task in out:
            task.cancel()
        await asyncio.gather(*out, return_exceptions=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await self._store_thread.call(self._deliveries.settle, self._settlements)
                journal.tell_settled(self._settlements)
