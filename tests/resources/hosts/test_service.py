"""Orders: from that moment on nothing new is placed, counted or taken there."""

from tests.resources.conftest import Refused
from tests.resources.hosts.conftest import MINUTES, Hosts

from soundstage.engines.interface import RetryableError


def test_nothing_new_is_placed_there(hosts: Hosts) -> None:
    hosts.engine.host_list = ("n1", "n2")
    hosts.evacuate("n2")
    made = [hosts.studio.launch() for _ in range(3)]
    assert {hosts.host_of(each) for each in made} == {"n1"}


def test_it_is_counted_out(hosts: Hosts) -> None:
    hosts.engine.most_workstations = 2

    def places() -> int:
        told = hosts.world.operator.call("GetStudioCapacity", studioId=hosts.studio.id)
        return int(told["instanceTypes"][0]["freePlaces"])

    assert places() == 6
    hosts.evacuate("n2")
    assert places() == 4
    hosts.evacuate("n1")
    hosts.evacuate("n3")
    assert places() == 0
    session = hosts.studio.launch()
    assert session["statusCode"] == "INSUFFICIENT_CAPACITY"
    assert "taken out for maintenance" in session["statusMessage"]
    hosts.reopen("n1")
    assert places() == 2
    assert hosts.host_of(hosts.studio.launch()) == "n1"


def test_an_order_is_changed_by_another(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2")
    hosts.evacuate("n2", graceInMinutes=10, reason="new disks")
    changed = hosts.evacuate("n2", at="2030-01-01T12:00:00Z", reason="A new kernel.")
    assert (changed["at"], changed["reason"]) == ("2030-01-01T12:00:00Z", "A new kernel")
    assert changed["remaining"] == 1
    seen = hosts.world.see(session)["nextAction"]
    assert (seen["at"], "(A new kernel)" in seen["message"]) == ("2030-01-01T12:00:00Z", True)
    hosts.world.advance(20 * MINUTES)
    assert hosts.world.see(session)["state"] == "READY"
    assert hosts.happened("n2") == ["EVACUATING", "EVACUATING"]


def test_orders_wait_for_no_engine(hosts: Hosts, refused: Refused) -> None:
    def away() -> list[str]:
        raise RetryableError("Incus does not answer")

    hosts.engine.host_names = away  # type: ignore[method-assign]
    hosts.world.service.housekeeping.sweep()
    assert hosts.evacuate("n2")["remaining"] == 0
    # One that never answered has named none.
    hosts.world.restart()
    hosts.reopen("n2")
    name, message = refused("EvacuateHost", hostName="n2")
    assert (name, "the engine did not answer" in message) == ("ConflictException", True)


def test_a_host_that_has_just_joined_is_ordered_out_and_opened(
    hosts: Hosts, refused: Refused
) -> None:
    hosts.engine.host_list = ("n1", "n2", "n3", "n4")
    assert hosts.evacuate("n4")["remaining"] == 0
    hosts.engine.host_list = ("n1", "n2", "n3", "n4", "n5")
    # It was asked for, and is another refusal now.
    name, message = refused("ReopenHost", hostName="n5")
    assert (name, "n5 is OPEN" in message) == ("ConflictException", True)
    hosts.reopen("n4")
    name, message = refused("EvacuateHost", hostName="n6")
    assert (name, "n6" in message) == ("ResourceNotFoundException", True)


def test_whoever_is_known_by_now_is_ordered_out(hosts: Hosts) -> None:
    named = hosts.engine.host_names

    def away() -> list[str]:
        raise RetryableError("Incus does not answer")

    hosts.engine.host_names = away  # type: ignore[method-assign]
    hosts.world.restart()
    hosts.engine.host_names = named  # type: ignore[method-assign]
    assert hosts.evacuate("n2")["remaining"] == 0


def test_prepared_workstations_there_are_ended_and_made_elsewhere(hosts: Hosts) -> None:
    hosts.engine.host_list = ("n2",)
    pool = hosts.world.profile(hosts.studio.id, name="Pool", warmWorkstations=2)
    hosts.world.advance(MINUTES)
    hosts.engine.host_list = ("n1", "n2", "n3")
    assert hosts.all()["n2"]["warmWorkstations"] == 2
    hosts.evacuate("n2")
    # Nobody is handed one of them, however soon.
    session = hosts.world.operator.call(
        "CreateStreamingSession",
        studioId=hosts.studio.id,
        launchProfileId=pool["launchProfileId"],
    )["session"]
    hosts.world.advance(MINUTES)
    assert hosts.host_of(session) != "n2"
    found = hosts.all()
    assert found["n2"]["warmWorkstations"] == 0
    assert found["n2"]["state"] == "EVACUATED"
    assert sum(each["warmWorkstations"] for each in found.values()) == 2
