"""What the tests with the vendors' clients share."""

import pytest

from schemas.samples import packaged
from tests.queue_state import recorded
from tests.running import Service
from tests.schemas.bodies import SAMPLES


@pytest.fixture
def filled(service: Service) -> Service:
    """The service with every packaged sample in it, of all five sources: successes, failures and starts."""
    for count, (name, source) in enumerate(SAMPLES.items(), 1):
        service.post(source, packaged(name))
        recorded(service, count)
    return service
