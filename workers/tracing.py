"""Traces for OpenTelemetry: the way of a callback from its POST to its confirmation, over all processes.

There is a trace only where OTEL_EXPORTER_OTLP_ENDPOINT is set (and the extra `otel` installed); else nothing of OpenTelemetry is
loaded. The id of a trace is made of the callback's place in the inbox, which every process knows or can look up. So nothing is
carried along or stored for it, and a sampler that goes by ids (OTEL_TRACES_SAMPLER) decides alike everywhere.

    accept      the root, in the web process: from the body being here to its being durable
    understand  in the worker: reading it by its schema
    record      in the worker: from the round of callbacks being written to its being written
    deliver     in the worker: one attempt for one subscription
    pull        in the web process: it was handed to a client
    confirm     in the web process: it was confirmed
"""

import hashlib
import logging
import multiprocessing.util
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

#: Where to send traces; without one of these there are none.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
#: Milliseconds that what is left is given to go out at the end.
LAST_MS = 2000

log = logging.getLogger(__name__)

Attributes = Mapping[str, str | int | float]


class Tracing:
    """Sends spans from this process, in batches, from a thread of its own."""

    def __init__(self, process: str) -> None:
        """`process` is the kind of process: what the service is called, unless OTEL_SERVICE_NAME is set."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": f"transcode-inbox-{process}"}
        provider = TracerProvider(resource=Resource.create({**named, "process.pid": os.getpid()}))
        self._resource, self._sampler = provider.resource, provider.sampler
        self._processor = BatchSpanProcessor(OTLPSpanExporter())
        # Children of multiprocessing, as Granian's workers are, never come to atexit.
        multiprocessing.util.Finalize(self, self.flush, exitpriority=0)

    def span(
        self,
        name: str,
        origin: str,
        began: float,
        ended: float,
        attributes: Attributes,
        *,
        server: bool = False,
        failed: str = "",
    ) -> None:
        """One step on the way of the callback from `origin` (inbox entry and position), between two Unix times.

        `failed` says why it did not succeed, if it did not. Never blocks and never raises: what cannot be sent is dropped.
        """
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import SpanKind, Status, StatusCode

        root = _context(origin, "accept")
        if not self._sampler.should_sample(None, root.trace_id, name).decision.is_sampled():
            return
        span: ReadableSpan = ReadableSpan(
            name=name,
            context=root if name == "accept" else _context(origin, f"{name} {began!r} {os.getpid()}"),
            parent=None if name == "accept" else root,
            resource=self._resource,
            attributes={"transcode_inbox.inbox": origin, **attributes},
            kind=SpanKind.SERVER if server else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, failed) if failed else Status(StatusCode.UNSET),
            start_time=int(began * 1e9),
            end_time=int(ended * 1e9),
            instrumentation_scope=InstrumentationScope("transcode-inbox"),
        )
        self._processor.on_end(span)

    def flush(self) -> None:
        """Sends what has not gone out yet, within LAST_MS."""
        self._processor.force_flush(LAST_MS)


def tracing(process: str) -> Tracing | None:
    """This process's tracing, or None where it is not asked for."""
    if not any(os.environ.get(name) for name in ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        return Tracing(process)
    except ImportError:
        log.warning(
            "%s is set and OpenTelemetry is not installed, so there are no traces: pip install 'transcode-inbox[otel]'",
            ENDPOINTS[-1],
        )
        return None


def _context(origin: str, step: str) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(
        trace_id=int.from_bytes(hashlib.blake2b(origin.encode(), digest_size=16).digest(), "big"),
        span_id=int.from_bytes(hashlib.blake2b(f"{origin} {step}".encode(), digest_size=8).digest(), "big"),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
