"""Traces by OpenTelemetry, for a service that is started with them; `wiring.service` begins and
ends them.

The packages are an extra, and imported only here, when they are wanted. Where spans go, and how
many of them, is said to the SDK by the standard variables OTEL_*.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any

from soundstage import __version__
from soundstage.engines import interface
from soundstage.engines.interface import Engine
from soundstage.kit import tracing
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.tracing import Tell

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, SpanContext, SpanKind

_MOST_CAUSES = 1000
"""How many changed rows are remembered with the requests that changed them."""
_CAUSES_LAST = 600
"""For how many seconds the steps after a change belong to it."""
_UNTRACED = frozenset({"listen"})


class OpenTelemetry:
    """Keeps spans and sends them, in the background, to where the variables say."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace  # noqa: PLC0415 -- only a service with traces has it

        self._trace = trace
        self._provider = provider
        self._tracer = provider.get_tracer("soundstage", __version__)
        self._lock = Lock()
        self._going_on: dict[str, SpanContext] = {}
        """The spans of requests that are not answered yet, by the requests' ids."""
        self._causes: OrderedDict[str, tuple[str, SpanContext, float]] = OrderedDict()
        """By a row's id, the request that changed it last, and how long that counts."""

    @contextmanager
    def request(self, request_id: str) -> Iterator[Tell]:
        """Span the answer to a request; it is named for its operation as soon as that is told."""
        facts = {"soundstage.request_id": request_id}
        with self._span("request", facts, kind=self._trace.SpanKind.SERVER) as span:
            with self._lock:
                self._going_on[request_id] = span.get_span_context()
            try:

                def tell(name: str, value: str | int) -> None:
                    span.set_attribute(name, value)
                    if name == "soundstage.operation":
                        span.update_name(str(value))

                yield tell
            finally:
                with self._lock:
                    del self._going_on[request_id]

    @contextmanager
    def step(self, noun: str, row_id: str) -> Iterator[Tell]:
        """Span a step of the reconciler."""
        facts = {"soundstage.noun": noun, "soundstage.resource_id": row_id}
        with self._lock:
            request_id, cause, until = self._causes.get(row_id, ("", None, 0.0))
        if until < time.monotonic():
            cause = None
        else:
            facts["soundstage.request_id"] = request_id
        with self._span(f"reconcile {noun}", facts, cause=cause) as span:
            yield span.set_attribute

    @contextmanager
    def action(self, name: str, ref: str | None) -> Iterator[Tell]:
        """Span what an engine does; what is a part of nothing, such as a watch's looks, is not."""
        if not self._trace.get_current_span().get_span_context().is_valid:
            yield tracing.tell_nobody
            return
        facts = {} if ref is None else {"soundstage.resource_id": ref}
        with self._span(f"engine {name}", facts, kind=self._trace.SpanKind.CLIENT) as span:
            yield span.set_attribute

    def caused(self, row_id: str, request_id: str) -> None:
        """Note that a request changed a row; one that is over changes nothing any more."""
        with self._lock:
            context = self._going_on.get(request_id)
            if context is None:
                return
            self._causes[row_id] = request_id, context, time.monotonic() + _CAUSES_LAST
            self._causes.move_to_end(row_id)
            if len(self._causes) > _MOST_CAUSES:
                self._causes.popitem(last=False)

    def end(self) -> None:
        """Send what is left, and nothing more."""
        self._provider.shutdown()

    @contextmanager
    def _span(
        self,
        name: str,
        facts: dict[str, str],
        *,
        kind: "SpanKind | None" = None,
        cause: "SpanContext | None" = None,
    ) -> Iterator["Span"]:
        trace = self._trace
        context = None
        if cause is not None:
            context = trace.set_span_in_context(trace.NonRecordingSpan(cause))
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=kind or trace.SpanKind.INTERNAL,
            attributes=facts,
            # A message may hold what nobody outside is to read; what was raised has a name.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(trace.StatusCode.ERROR)
                raise


def begin(settings: Settings, engine: Engine) -> OpenTelemetry | None:
    """Begin traces, if the settings want them. Raises ConfigError without the packages."""
    if not settings.traces:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 -- an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 -- as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 -- as above
    except ImportError:
        raise ConfigError(
            "SOUNDSTAGE_TRACES: the packages for traces are missing; "
            "pip install --require-hashes -r requirements/tracing.txt brings them."
        ) from None
    provider = TracerProvider(resource=_named(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    begun = OpenTelemetry(provider)
    tracing.use(begun)
    for name in _actions():
        if hasattr(engine, name) and not hasattr(getattr(engine, name), "__wrapped__"):
            setattr(engine, name, _traced(name, getattr(engine, name)))
    return begun


def _named() -> "Resource":
    """Say who tells; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before our own words."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 -- as below

    ours = Resource({"service.name": "soundstage", "service.version": __version__})
    return Resource.create().merge(ours).merge(OTELResourceDetector().detect())


def end(traces: OpenTelemetry | None) -> None:
    """End them."""
    if traces is not None:
        tracing.use(tracing.Quiet())
        traces.end()


def _actions() -> list[str]:
    """Name what engines can be asked for: the methods of the contract and of what some add."""
    contracts = [
        each
        for name, each in vars(interface).items()
        if name == "Engine" or name.startswith("Supports")
    ]
    named = {name for each in contracts for name in vars(each) if not name.startswith("_")}
    return sorted(named - _UNTRACED)


def _traced(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    """Span each call; of what it is given, only the workstation that it is about is told."""

    @wraps(act)
    def traced(*given: Any, **named: Any) -> Any:
        ref = given[0] if given and isinstance(given[0], str) else named.get("ref")
        with tracing.tracer().action(name, ref):
            return act(*given, **named)

    return traced
