"""Subscriptions are kept, found, changed by one at a time, and known to workers as soon as they change."""

import threading

import pytest
import redis

from schemas.subscription import SubscriptionSchema
from workers.queues import subscriptions as module
from workers.queues.subscriptions import KnownSubscriptions, Subscriptions, TooMany


def given(**fields):
    return SubscriptionSchema().load({"url": "http://127.0.0.1:9/", **fields})


def look(known: KnownSubscriptions, store: redis.Redis) -> list[str]:
    with store.pipeline(transaction=False) as pipe:
        known.ask(pipe)
        known.hear(*pipe.execute())
    return [subscription["id"] for subscription in known.enabled]


def test_what_is_added_is_found_and_listed_newest_first(store: redis.Redis) -> None:
    subscriptions = Subscriptions(store)
    added = [subscriptions.add(given(url=f"http://host/{number}")) for number in range(3)]
    assert subscriptions.find(added[1]["id"]) == added[1]
    assert {found["id"] for found in subscriptions.list()} == {one["id"] for one in added}
    times = [found["created_at"] for found in subscriptions.list()]
    assert times == sorted(times, reverse=True)
    assert subscriptions.find("sub_nobody") is None


def test_there_is_a_limit_and_it_is_said(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    subscriptions = Subscriptions(store)
    subscriptions.add(given())
    subscriptions.add(given())
    with pytest.raises(TooMany, match="2 subscriptions already"):
        subscriptions.add(given())
    assert len(subscriptions.list()) == 2


def test_a_disabled_one_keeps_its_reason_and_can_be_enabled_again(store: redis.Redis) -> None:
    subscriptions = Subscriptions(store)
    one = subscriptions.add(given())
    assert subscriptions.disable(one["id"], "It answered 410.")
    assert subscriptions.disable(one["id"], "Somebody pressed a button.")
    found = subscriptions.find(one["id"])
    assert found is not None
    assert found["disabled"] is not None
    assert found["disabled"]["reason"] == "It answered 410."
    assert subscriptions.enable(one["id"])
    assert subscriptions.find(one["id"]) == one
    assert not subscriptions.enable("sub_nobody")
    assert not subscriptions.disable("sub_nobody", "why not")


def test_two_changes_at_once_end_as_one_of_them_left_it(store: redis.Redis) -> None:
    subscriptions = Subscriptions(store)
    one = subscriptions.add(given())

    def change(number: int) -> None:
        for _ in range(20):
            (subscriptions.enable if number % 2 else lambda i: subscriptions.disable(i, "x"))(one["id"])

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = subscriptions.find(one["id"])
    assert found is not None
    assert {**found, "disabled": None} == one


def test_a_removed_one_takes_all_it_had_along_and_that_is_counted(store: redis.Redis) -> None:
    subscriptions = Subscriptions(store)
    one = subscriptions.add(given())
    key = f"ti:deliveries:{one['id']}"
    store.zadd(f"{key}:due", {"1-0.zego:1/0": 1, "1-0.zego:1/1": 1})
    store.zadd(f"{key}:since", {"1-0.zego:1/0": 1, "1-0.zego:1/1": 1})
    store.hset(key, "delivered", 7)
    assert subscriptions.health(one["id"])["pending"] == 2
    assert subscriptions.remove(one["id"]) == 2
    assert subscriptions.remove(one["id"]) is None
    assert not [name for name in store.scan_iter() if one["id"].encode() in name]
    assert store.hget("ti:counters", "deliveries:dropped") == b"2"


def test_a_worker_knows_of_every_change_at_its_next_look_and_reads_nothing_without_one(
    store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions, known = Subscriptions(store), KnownSubscriptions(store)
    assert look(known, store) == []
    one = subscriptions.add(given())
    assert look(known, store) == [one["id"]]
    monkeypatch.setattr(Subscriptions, "list", lambda _: pytest.fail("read again although nothing changed"))
    assert look(known, store) == [one["id"]]
    monkeypatch.undo()
    subscriptions.disable(one["id"], "x")
    assert look(known, store) == []
    subscriptions.enable(one["id"])
    assert look(known, store) == [one["id"]]
    subscriptions.remove(one["id"])
    assert look(known, store) == []


def test_workers_notice_a_store_that_was_emptied_and_filled_again(store: redis.Redis) -> None:
    subscriptions, known = Subscriptions(store), KnownSubscriptions(store)
    subscriptions.add(given())
    look(known, store)
    store.flushdb()
    again = subscriptions.add(given())
    assert look(known, store) == [again["id"]]
