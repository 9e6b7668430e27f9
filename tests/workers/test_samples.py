"""Samples and stages: rates that are right, ages that rise while something waits, and a store that does not grow by them."""

import redis

from schemas.settings import read_settings
from tests.running import SECRET_ID, SECRET_KEY
from tests.workers.test_events import events, recordable
from workers.clock import duties
from workers.queues.dead_letters import DeadLetter, DeadLetters
from workers.queues.inbox import Callback, Inbox
from workers.queues.processes import Processes
from workers.queues.pull import PullQueues
from workers.queues.samples import MOST, Samples
from workers.queues.stages import Stages


def samples(store: redis.Redis) -> Samples:
    return Samples(store, Stages(store, pull_queues=["0", "7"]))


def pass_seconds(store: redis.Redis, seconds: float) -> None:
    store.hincrby("ti:time", "now", int(seconds * 1000))


def look(store: redis.Redis) -> dict:
    return Stages(store, pull_queues=["0", "7"]).look()


def test_an_empty_installation_has_nothing_waiting_anywhere(store: redis.Redis) -> None:
    stages = look(store)
    assert list(stages) == ["inbox", "pull", "deliveries", "dead_letters"]
    assert all(stage["waiting"] == stage["oldest_seconds"] == 0 for stage in stages.values())


def test_what_waits_to_be_pulled_grows_older_until_it_is_confirmed(store: redis.Redis) -> None:
    events(store).record([recordable(0), recordable(1)])
    pass_seconds(store, 100)
    queue = look(store)["pull"]["queues"]["0"]
    assert (queue["waiting"], queue["held"]) == (2, 0)
    assert 100 <= queue["oldest_seconds"] < 105
    queues = PullQueues(store, key=b"key", queues=2)
    (first,), _ = queues.pull("0", "v3", 1)
    pull = look(store)["pull"]
    assert pull["queues"]["0"]["waiting"] == 2
    assert pull["queues"]["0"]["held"] == 1
    assert pull["oldest_seconds"] >= 100, "the other one still waits"
    queues.confirm("0", [first.handle.decode()])
    (second,), _ = queues.pull("0", "v3")
    assert look(store)["pull"]["queues"]["0"] == {"waiting": 1, "held": 1, "oldest_seconds": 0.0}
    pass_seconds(store, 31)
    assert look(store)["pull"]["queues"]["0"]["oldest_seconds"] >= 131, "its hold ran out, so it waits again"
    assert second.content


def test_a_callback_in_the_inbox_and_a_dead_letter_have_an_age(store: redis.Redis) -> None:
    store.xadd("ti:inbox", {"0:zego": b"x"}, id=f"{int(store.time()[0]) - 50}000-0")
    DeadLetters(store).add([DeadLetter("zego", b"x", "invalid", "", 1, "1-0/0")])
    store.hincrby("ti:dead:" + store.zrange("ti:dead", 0, 0)[0].decode(), "kept", -70_000)
    stages = look(store)
    assert stages["inbox"]["waiting"] == stages["dead_letters"]["waiting"] == 1
    assert 50 <= stages["inbox"]["oldest_seconds"] < 55
    assert 70 <= stages["dead_letters"]["oldest_seconds"] < 75


def test_a_delivery_has_an_age_from_when_it_was_first_due(store: redis.Redis) -> None:
    Inbox(store).sight()  # begins queue time
    now = int(store.hget("ti:time", "now"))
    store.hset("ti:subscriptions", "sub_1", "{}")
    store.zadd("ti:deliveries:next", {"sub_1": now - 5_000})
    store.zadd("ti:deliveries:sub_1:due", {"a": now - 5_000, "b": now + 60_000})
    store.zadd("ti:deliveries:sub_1:out", {"c": now + 10_000})
    store.zadd("ti:deliveries:sub_1:since", {"a": now - 5_000, "b": now - 90_000, "c": now})
    deliveries = look(store)["deliveries"]
    assert (deliveries["waiting"], deliveries["out"]) == (3, 1)
    assert 90 <= deliveries["oldest_seconds"] < 95
    assert 5 <= deliveries["late_seconds"] < 10


def test_rates_are_what_came_in_by_the_time_it_took(store: redis.Redis) -> None:
    samples(store).came_in({"zego": 1000, "cts-audio": 0})
    samples(store).take()
    pass_seconds(store, 10)
    samples(store).came_in({"zego": 250, "cts-video": 10})
    samples(store).take()
    rates = samples(store).rates()
    assert abs(rates["zego"] - 25) < 1
    assert abs(rates["cts-video"] - 1) < 0.1
    assert "cts-audio" not in rates
    pass_seconds(store, 30)
    assert samples(store).rates() == {}, "half a minute ago says nothing about now"


def test_several_clocks_keep_one_sample_a_second_and_no_more_than_a_quarter_of_an_hour(store: redis.Redis) -> None:
    for _ in range(3):
        samples(store).take()
    assert store.llen("ti:samples") == 1
    store.rpush("ti:samples", *[store.lindex("ti:samples", 0)] * (MOST + 100))
    pass_seconds(store, 1)
    samples(store).take()
    assert store.llen("ti:samples") == MOST


def test_a_full_store_still_says_how_it_is(store: redis.Redis) -> None:
    """Just then somebody looks: which processes live, what waits, and whether it becomes less."""
    events(store).record([recordable(0)])
    store.config_set("maxmemory", "1")
    try:
        Processes(store).present("clock", 0.0)
        assert [process["lives"] for process in Processes(store).list()] == [True]
        assert look(store)["pull"]["queues"]["0"]["waiting"] == 1
        samples(store).take()
        assert len(samples(store).recent()) == 1
        assert samples(store).rates() == {}
    finally:
        store.config_set("maxmemory", "0")


def test_the_clock_takes_samples(store: redis.Redis, redis_url: str) -> None:
    settings = read_settings(
        {"REDIS_URL": redis_url, "API_TOKEN": "t", "PULL_CREDENTIALS": f"{SECRET_ID}:{SECRET_KEY}"}
    )
    Inbox(store).append([Callback("zego", b"x")])
    duties(settings, store, Processes(store))["samples"]()
    (sample,) = samples(store).recent(60)
    assert sample["stages"]["inbox"]["waiting"] == 1
    assert list(sample["stages"]["pull"]["queues"]) == ["0"]
