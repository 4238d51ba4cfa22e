"""Traces as a collector receives them: decoded from the wire, by the packages of OpenTelemetry."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import tracing
from soundstage.kit.config import ConfigError
from soundstage.testing.receiver import receiving
from soundstage.testing.walks import Studio
from soundstage.testing.world import World, world
from soundstage.wiring import traces
from soundstage.wiring.traces import OpenTelemetry

SECRET = "hunter2-hunter2"


class Seen:
    """One span that came."""

    def __init__(self, span: Any, service: dict[str, Any]) -> None:
        self.name: str = span.name
        self.id, self.parent, self.trace = span.span_id, span.parent_span_id, span.trace_id
        self.facts = {each.key: _value(each.value) for each in span.attributes}
        self.is_failed = span.status.code == span.status.STATUS_CODE_ERROR
        self.service = service
        self.events = list(span.events)
        self.message: str = span.status.message
        self.seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


def seen_in(bodies: list[bytes]) -> list[Seen]:
    found = []
    for body in bodies:
        message = ExportTraceServiceRequest()
        message.ParseFromString(body)
        for part in message.resource_spans:
            service = {each.key: _value(each.value) for each in part.resource.attributes}
            spans = (span for scope in part.scope_spans for span in scope.spans)
            found += [Seen(span, service) for span in spans]
    return found


class Told:
    """What a walk through a studio told the collector."""

    def __init__(self, bodies: list[bytes], session_id: str, made: World) -> None:
        self.bodies = bodies
        self.spans = seen_in(bodies)
        self.session_id = session_id
        self.principals = [made.principal_id(name) for name in ("operator", "anna")]

    def named(self, name: str) -> list[Seen]:
        return [each for each in self.spans if each.name == name]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    home = tmp_path_factory.mktemp("traces") / "home"
    with receiving() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.removesuffix("/events"))
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=trial")
        # Nothing is sent before the end, so that the whole walk is in one piece.
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
        patch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "20000")
        patch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20000")
        with world(home, traces=True) as made:
            studio = Studio(made)
            made.operator.call(
                "CreateStudioComponent",
                studioId=studio.id,
                name="Farm",
                type="CUSTOM",
                scriptParameters=[{"key": "TOKEN", "value": SECRET}],
            )
            session = studio.launch(ownedBy=made.principal_id("anna"))
            assert session["state"] == "READY"
            made.operator.call("GetStudioCapacity", studioId=studio.id)
            made.engine.misbehave(Misbehaviour.RETRYABLE)
            studio.stop(session)
            made.advance(timedelta(minutes=1))
            made.operator.call("DeleteStreamingSession", studioId=studio.id, **_id(session))
        assert {letter.path for letter in collector.letters} == {"/v1/traces"}
        bodies = [letter.body for letter in collector.letters]
        with world(home) as again:
            yield Told(bodies, session["sessionId"], again)


def _id(session: dict[str, Any]) -> dict[str, str]:
    return {"sessionId": session["sessionId"]}


def test_a_launch_is_one_trace_from_the_request_to_what_the_engine_does(told: Told) -> None:
    (request,) = told.named("CreateStreamingSession")
    assert request.parent == b""
    assert request.facts["http.request.method"] == "POST"
    assert request.facts["http.response.status_code"] == 200
    steps = [
        each
        for each in told.named("reconcile sessions")
        if each.facts.get("soundstage.request_id") == request.facts["soundstage.request_id"]
    ]
    assert steps
    assert {each.trace for each in steps} == {request.trace}
    assert {each.parent for each in steps} == {request.id}
    assert {each.facts["soundstage.resource_id"] for each in steps} == {told.session_id}
    actions = [each for each in told.spans if each.parent in {step.id for step in steps}]
    assert {"engine ensure_running", "engine observe"} <= {each.name for each in actions}
    assert {each.facts["soundstage.resource_id"] for each in actions} == {told.session_id}
    # What comes later belongs to the request that asked for it.
    (stop,) = told.named("StopStreamingSession")
    stopped = [each for each in told.spans if each.parent == stop.id]
    assert "reconcile sessions" in {each.name for each in stopped}
    assert stop.trace != request.trace


def test_what_a_request_asks_of_the_engine_is_a_part_of_it(told: Told) -> None:
    (request,) = told.named("GetStudioCapacity")
    (room,) = told.named("engine room")
    assert (room.parent, room.trace) == (request.id, request.trace)
    assert 0 <= room.seconds <= request.seconds


def test_what_fails_is_marked_by_its_kind_and_nothing_is_repeated(told: Told) -> None:
    failed = [each for each in told.spans if each.is_failed]
    assert {each.facts["error.type"] for each in failed} == {"RetryableError"}
    assert [each.events for each in failed] == [[]] * len(failed)
    assert {each.message for each in failed} == {""}


def test_no_secret_and_nobody_is_in_it(told: Told) -> None:
    whole = b"".join(told.bodies)
    for word in (SECRET, "TOKEN", "Farm", "Workstation", "operator", "anna", *told.principals):
        assert word.encode() not in whole
    assert {name.split(".")[0] for each in told.spans for name in each.facts} == {
        "soundstage",
        "http",
        "error",
    }


def test_the_service_says_who_it_is_and_the_variables_come_first(told: Told) -> None:
    (service,) = {tuple(sorted(each.service.items())) for each in told.spans}
    said = dict(service)
    assert said["service.name"] == "soundstage"
    assert said["deployment.environment.name"] == "trial"


# ---- on their own --------------------------------------------------------------------------------


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(kept: InMemorySpanExporter) -> OpenTelemetry:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return OpenTelemetry(provider)


def test_looks_that_are_a_part_of_nothing_are_not_told(
    tracer: OpenTelemetry, kept: InMemorySpanExporter
) -> None:
    with tracer.action("observe", "session") as tell:
        tell("a", 1)
    assert kept.get_finished_spans() == ()


def test_only_a_request_that_goes_on_causes_anything(
    tracer: OpenTelemetry, kept: InMemorySpanExporter
) -> None:
    with tracer.request("r"):
        tracer.caused("row", "r")
    tracer.caused("late", "r")
    for row in ("row", "late", "another"):
        with tracer.step("sessions", row):
            pass
    request, caused, *others = kept.get_finished_spans()
    assert caused.parent is not None
    assert request.context is not None
    assert caused.parent.span_id == request.context.span_id
    assert [each.parent for each in others] == [None, None]


def test_causes_pass_and_are_so_many_at_the_most(
    tracer: OpenTelemetry, kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracer.request("r"):
        for number in range(1001):
            tracer.caused(str(number), "r")
    for row in ("0", "1"):
        with tracer.step("sessions", row):
            pass
    monkeypatch.setattr(traces, "_CAUSES_LAST", -1)
    with tracer.request("s"):
        tracer.caused("1000", "s")
    with tracer.step("sessions", "1000"):
        pass
    steps = [each for each in kept.get_finished_spans() if each.name == "reconcile sessions"]
    assert [each.parent is None for each in steps] == [True, False, True]


def test_without_the_packages_it_says_what_brings_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"SOUNDSTAGE_TRACES: .* requirements/tracing\.txt"):
        World(home, traces=True)
    assert isinstance(tracing.tracer(), tracing.Quiet)


def test_a_service_without_traces_imports_nothing_for_them() -> None:
    script = (
        "import sys, soundstage.cli.serve, soundstage.wiring.service\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
