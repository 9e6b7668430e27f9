"""Somebody who is logged in at the running service's console."""

import pytest

from tests.app.console.operator import Operator
from tests.running import Service


@pytest.fixture
def operator(service: Service) -> Operator:
    operator = Operator(service)
    assert operator.log_in().status == 303
    return operator
