"""Traces of real processes at a real receiver: one callback is one trace, from its POST to its confirmation."""

import http.server
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas.samples import sample
from tests.pull_client import PullClient
from tests.running import API_TOKEN, ROOT, Service, a_store, until


class Collector:
    """Takes OTLP over HTTP, as a collector does; and, at /hook, what subscriptions send."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    outer.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            (name,) = [at.value.string_value for at in resource.resource.attributes if at.key == "service.name"]
            self.spans += [(name, span) for scope in resource.scope_spans for span in scope.spans]

    def of(self, step: str) -> list[Any]:
        return [span for _, span in self.spans if span.name == step]

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(params=["gunicorn", "granian"])
def traced(request: pytest.FixtureRequest, directory: Path, collector: Collector) -> Iterator[Service]:
    with a_store(directory / "store") as server:
        service = Service(
            f"redis://127.0.0.1:{server.port}/0",
            directory,
            WEB_SERVER=request.param,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        yield service
        service.stop()


def attributes(span: Any) -> dict[str, str]:
    return {attribute.key: attribute.value.string_value for attribute in span.attributes}


def test_one_callback_is_one_trace_from_its_post_to_its_confirmation(traced: Service, collector: Collector) -> None:
    traced.start("web", "worker", "clock")
    headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
    given = json.dumps({"url": f"{collector.url}/hook", "each": "event"}).encode()
    assert traced.request("POST", "/api/subscriptions", given, headers).status == 201
    assert traced.post("zego", sample("zego")).status == 200
    assert traced.post("zego", sample("zego")).status == 200
    until(lambda: traced.store.xlen("ti:events") == 2)
    one, _ = PullClient(traced).pull()
    assert PullClient(traced).confirm(one["msgHandle"])["code"] == 0
    until(lambda: len(collector.of("deliver")) == 2 and collector.of("confirm") and len(collector.of("pull")) == 2)

    (confirm,) = collector.of("confirm")
    mine = {span.name: (service, span) for service, span in collector.spans if span.trace_id == confirm.trace_id}
    assert {name: service for name, (service, _) in mine.items()} == {
        "accept": "transcode-inbox-web",
        "understand": "transcode-inbox-worker",
        "record": "transcode-inbox-worker",
        "deliver": "transcode-inbox-worker",
        "pull": "transcode-inbox-web",
        "confirm": "transcode-inbox-web",
    }
    root = mine["accept"][1]
    assert not root.parent_span_id
    assert all(span.parent_span_id == root.span_id for name, (_, span) in mine.items() if name != "accept")
    events = {
        attributes(span).get("transcode_inbox.event") for name, (_, span) in mine.items() if name in ("record", "pull")
    }
    assert len(events) == 1
    order = [mine[name][1].end_time_unix_nano for name in ("accept", "understand", "record", "pull", "confirm")]
    assert order == sorted(order)
    assert len({span.trace_id for span in collector.of("accept")}) == 2, "the other callback is another trace"


def test_a_dead_letter_is_a_trace_that_failed_and_what_is_left_goes_out_at_the_end(
    traced: Service, collector: Collector
) -> None:
    traced.start("web", "worker", "clock", OTEL_BSP_SCHEDULE_DELAY="60000")
    assert traced.post("cts-video", b"{").status == 200
    until(lambda: traced.store.zcard("ti:dead") == 1)
    traced.kill("worker", signal.SIGTERM)
    (understand,) = until(lambda: collector.of("understand"))
    assert understand.status.message.startswith("malformed_json: ")
    traced.kill("web", signal.SIGTERM)
    (accept,) = until(lambda: collector.of("accept"))
    assert accept.trace_id == understand.trace_id


LOAD = "import os, sys; from app import create_app; import workers.worker, workers.tasks.ingest; create_app();"


def ran(directory: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**Service("redis://127.0.0.1:1/0", directory).environment, **environment}
    return subprocess.run(
        [sys.executable, "-c", program], env=given, cwd=ROOT, timeout=30, capture_output=True, text=True
    )


def test_whoever_wants_no_traces_loads_nothing_that_sends_them(directory: Path) -> None:
    # redis-py loads some of OpenTelemetry by itself, where it is installed.
    sent = "sys.exit(any(name.startswith('opentelemetry.exporter') for name in sys.modules))"
    assert ran(directory, LOAD + sent).returncode == 0
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert ran(directory, LOAD + sent, **endpoint).returncode == 1, "else this test would say nothing"


def test_without_the_package_it_works_without_traces_and_says_so(directory: Path) -> None:
    program = "import sys; sys.modules['opentelemetry'] = None;" + LOAD
    assert ran(directory, program).stderr == ""
    without = ran(directory, program, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert without.returncode == 0
    assert "pip install 'transcode-inbox[otel]'" in without.stderr
