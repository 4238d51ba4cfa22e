"""What there is for workstations, what of it is promised and used, and what the studio may have."""

import msgspec
from starlette.responses import Response

from soundstage.portal.admin import hosts
from soundstage.portal.admin.desk import Desk, Place
from soundstage.portal.stage import Asked
from soundstage.portal.views import Document, Viewer
from soundstage.words.texts import Words


class Gauge(msgspec.Struct, frozen=True, kw_only=True):
    """How much of something is taken."""

    name: str
    used: float
    most: float
    text: str
    tone: str


def show(desk: Desk, asked: Asked, place: Place) -> Response:
    """Show it in figures."""
    told = place.client.call("GetStudioCapacity", **place.studio)
    words = desk.stage.pages.words
    viewer = Viewer(words, desk.stage.door.now())
    return desk.show(
        "capacity.html",
        asked,
        place,
        "capacity",
        live=True,
        place_known="place" in told,
        gauges=gauges_of(words, told["place"]) if "place" in told else [],
        workstations=told.get("place", {}).get("workstations", 0),
        warm=told.get("place", {}).get("warmWorkstations", 0),
        hosts=hosts.all_of(words, place),
        pools=_pools(place, told.get("warmPools", [])),
        size=told.get("place", {}).get("size"),
        quotas=[_quota(words, each) for each in told["quotas"]],
        types=[(each, viewer.size(each)) for each in told["instanceTypes"]],
    )


def _pools(place: Place, pools: list[Document]) -> list[tuple[str, Document]]:
    """With the names of their launch profiles."""
    if not pools:
        return []
    profiles = place.client.pages("ListLaunchProfiles", **place.studio)
    names = {each["launchProfileId"]: str(each["name"]) for each in profiles}
    # One that is being deleted may be gone from the list.
    return [
        (names.get(str(each["launchProfileId"]), str(each["launchProfileId"])), each)
        for each in pools
    ]


def gauges_of(words: Words, place: Document) -> list[Gauge]:
    """Show what is promised of what may be, and what is left of the machine now."""
    promised, most, size = place["promised"], place["toPromise"], place["size"]
    cores = {key: words.figure(value["cpus"]) for key, value in _both(promised, most)}
    memory = {key: words.size(value["memoryInBytes"]) for key, value in _both(promised, most)}
    used = max(0, size["memoryInBytes"] - place["freeMemoryInBytes"])
    found = [
        _gauge(words, "cpus", promised["cpus"], most["cpus"], **cores),
        _gauge(words, "memory", promised["memoryInBytes"], most["memoryInBytes"], **memory),
        _gauge(
            words,
            "memory_now",
            used,
            size["memoryInBytes"],
            used=words.size(used),
            most=words.size(size["memoryInBytes"]),
        ),
    ]
    if most["gpus"]:
        cards = {"used": promised["gpus"], "most": most["gpus"]}
        found.insert(2, _gauge(words, "gpus", promised["gpus"], most["gpus"], **cards))
    if place["freeDiskInBytes"]:
        text = words("capacity.disk", free=words.size(place["freeDiskInBytes"]))
        name = words("capacity.disk_name")
        found.append(Gauge(name=name, used=0, most=0, text=text, tone="quiet"))
    return found


def tone_of(used: float, most: float) -> str:
    """Say how near the end is."""
    if used >= most:
        return "bad"
    return "busy" if used >= 0.8 * most else "good"


def _both(promised: Document, most: Document) -> list[tuple[str, Document]]:
    return [("used", promised), ("most", most)]


def _gauge(words: Words, key: str, amount: float, limit: float, **figures: object) -> Gauge:
    return Gauge(
        name=words(f"capacity.{key}"),
        used=round(amount, 3),
        most=round(limit, 3),
        text=words("capacity.of", **figures),
        tone=tone_of(amount, limit),
    )


def _quota(words: Words, quota: Document) -> Gauge:
    name = words(f"quotas.field.{quota['name']}")
    value, used = quota["value"], quota.get("used")
    if used is None:
        text = words("capacity.each", most=value)
        return Gauge(name=name, used=0, most=0, text=text, tone="quiet")
    text = words("capacity.of", used=used, most=value)
    tone = tone_of(used, value)
    return Gauge(name=name, used=used, most=value, text=text, tone=tone)
