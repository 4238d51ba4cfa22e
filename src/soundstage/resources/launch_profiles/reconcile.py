"""The worker that settles launch profiles."""

from collections.abc import Sequence
from functools import partial

from soundstage.engines.interface import Engine, SupportsSizes, Volume
from soundstage.resources.launch_profiles import service, store
from soundstage.resources.launch_profiles.model import VolumeConfiguration
from soundstage.resources.settling import Blocker, SettlingWorker


def worker(engine: Engine, blockers: Sequence[Blocker], settled: service.Settled) -> SettlingWorker:
    """Make it; `blockers` say what keeps a launch profile from being deleted, `settled` is told of
    each change.
    """
    settle = partial(
        service.settle, blockers=blockers, shortfalls=shortfalls_of(engine), settled=settled
    )
    return SettlingWorker("launch_profiles", store.launch_profiles, settle)


def shortfalls_of(engine: Engine) -> service.Shortfalls:
    """Have the engine say what it gives less of; one that knows of no sizes says that."""

    def shortfalls(instance_types: Sequence[str], volume: VolumeConfiguration) -> list[str]:
        if not isinstance(engine, SupportsSizes):
            return ["The engine of this installation knows of no sizes and limits nothing."]
        wished = Volume(
            size_gib=volume.size or 0, iops=volume.iops or 0, throughput_mib=volume.throughput or 0
        )
        return engine.shortfalls(instance_types, wished)

    return shortfalls
