"""Deliveries, and what they are made of, in the empty store of a test."""

import pytest
import redis

from workers.queues.deliveries import Deliveries
from workers.queues.events import Events
from workers.queues.subscriptions import Subscriptions


@pytest.fixture
def events(store: redis.Redis) -> Events:
    return Events(store, pull_queues=["0"], dedup_days=4, retention_days=4)


@pytest.fixture
def deliveries(store: redis.Redis, events: Events) -> Deliveries:
    return Deliveries(store, events)


@pytest.fixture
def subscriptions(store: redis.Redis) -> Subscriptions:
    return Subscriptions(store)
