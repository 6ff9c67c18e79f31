"""Send traces by OpenTelemetry, and errors to Sentry, from web and worker processes. Both are optional: the extras
``opentelemetry`` and ``sentry`` of the package, with OTEL_EXPORTER_OTLP_ENDPOINT and SENTRY_DSN.

Neither receives personal data. Spans keep only the attributes in ``_SENT``: addresses, statements and messages of
exceptions may quote a contact. Errors have their types, lines of code and labels (config/logging.py), no values.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.sdk.trace import ReadableSpan

_SENT: Final = frozenset(
    {
        *("http.method", "http.request.method", "http.status_code", "http.response.status_code", "http.route"),
        *("net.peer.name", "server.address", "db.system", "db.system.name", "error.type"),
        *("celery.action", "celery.state", "messaging.destination", "messaging.operation.name"),
    }
)


def instrument() -> None:
    """Instrument Django, Celery, psycopg2 and requests. Call it before the WSGI application is made, which reads
    the list of middleware. Raises ImproperlyConfigured when an extra is not installed."""
    if settings.SENTRY_DSN:
        _start_sentry()
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    try:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
        from opentelemetry.instrumentation.requests import RequestsInstrumentor
        from opentelemetry.propagate import set_global_textmap
    except ImportError as error:
        raise _not_installed("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry") from error
    for instrumentor in (DjangoInstrumentor, CeleryInstrumentor, RequestsInstrumentor):
        instrumentor().instrument()
    Psycopg2Instrumentor().instrument(skip_dep_check=True)  # the package is psycopg2-binary
    # No header goes to destinations, and none of strangers is believed. Tasks have the ID of their request.
    set_global_textmap(_no_propagator())


def start(part: str) -> None:
    """Start to send the spans of this process. ``part`` is ``web`` or ``worker``. Call it after a fork: a thread
    sends them."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class SafeExporter(SpanExporter):
        """Sends spans without what may be personal data."""

        def __init__(self) -> None:
            self._sender = OTLPSpanExporter(f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces")

        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            return self._sender.export([_without_personal_data(span) for span in spans])

        def shutdown(self) -> None:
            self._sender.shutdown()  # type: ignore[no-untyped-call]

    about = {"service.name": f"segment-exports-{part}", "service.version": settings.VERSION}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(BatchSpanProcessor(SafeExporter()))
    trace.set_tracer_provider(provider)


def stop() -> None:
    """Send what is left, before the process ends."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from opentelemetry import trace

        provider: Any = trace.get_tracer_provider()
        provider.shutdown()
    if settings.SENTRY_DSN:
        import sentry_sdk

        sentry_sdk.flush()


def _no_propagator() -> "TextMapPropagator":
    """Return a propagator that writes and reads no headers."""
    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import TextMapPropagator

    class NoPropagator(TextMapPropagator):
        def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:
            return context or Context()

        def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:
            """Write nothing."""

        @property
        def fields(self) -> set[str]:
            return set()

    return NoPropagator()


def _without_personal_data(span: "ReadableSpan") -> "ReadableSpan":
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Status

    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if name in _SENT},
        events=[
            Event(each.name, {"exception.type": (each.attributes or {}).get("exception.type", "")}, each.timestamp)
            for each in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _start_sentry() -> None:
    try:
        import sentry_sdk
    except ImportError as error:
        raise _not_installed("SENTRY_DSN", "sentry") from error
    sentry_sdk.init(
        settings.SENTRY_DSN,
        release=settings.VERSION,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        trace_propagation_targets=[],  # no header of ours goes to destinations and receivers of webhooks
        before_send=safe_event,
    )


def safe_event(event: Any, _hint: object = None) -> Any:
    """Return an event for Sentry without values, messages, addresses and headers, with the labels as tags."""
    labels = structlog.contextvars.get_contextvars()
    safe = {
        name: event[name]
        for name in ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")
        if name in event
    }
    safe["transaction"] = event.get("transaction", "")
    safe["tags"] = {name: str(value) for name, value in labels.items()}
    if template := event.get("logentry", {}).get("message"):
        safe["logentry"] = {"message": template}
    if raised := event.get("exception", {}).get("values"):
        safe["exception"] = {
            "values": [{name: each.get(name) for name in ("type", "module", "stacktrace")} for each in raised]
        }
    return safe


def _not_installed(setting: str, extra: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{setting} needs the extra “{extra}”: pip install -r drivers/{extra}.lock")
