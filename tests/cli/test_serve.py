"""Running the service: where it listens, and how it ends."""

import dataclasses
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from soundstage.cli.launch import client_of, ensure_profile, ensure_studio, ensure_workstation
from soundstage.cli.serve import _way_in, served
from soundstage.engines import registry
from soundstage.engines.interface import Address, Observed
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.members import service as members
from soundstage.testing.streams import StandInDesktop, Visitor, upgrade_request, wait_for
from soundstage.wiring.home import ServiceRunsError, has_service, opened
from soundstage.wiring.reaching import own_authority

Start = Callable[..., subprocess.Popen[str]]


def is_ready(settings: Settings) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{settings.port}/readyz", trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_in_spite_of_open_connections(
    settings: Settings, started: Start, number: signal.Signals
) -> None:
    process = started("serve")
    wait_for(lambda: is_ready(settings), 30)
    assert (settings.home / "service.pid").read_text() == f"{process.pid}\n"
    where = ("127.0.0.1", settings.port)
    with (
        httpx.Client(trust_env=False) as idle,
        socket.create_connection(where) as silent,
        socket.create_connection(where) as halfway,
    ):
        assert idle.get(f"http://127.0.0.1:{settings.port}/healthz").is_success
        # Only one of the two waits for what never comes, for three seconds.
        if number is signal.SIGTERM:
            halfway.sendall(b"POST /2020-08-01/studios HTTP/1.1\r\nContent-Length: 9\r\n")
        assert silent.fileno() > 0
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
    assert not (settings.home / "service.pid").exists()
    assert not has_service(settings)
    output, _ = process.communicate()
    assert f"Soundstage listens on http://localhost:{settings.port}" in output
    # A log is read by others, so the operator's link is for terminals alone.
    assert "soundstage user link operator" in output
    assert "/sign-in?link=" not in output
    assert "Traceback" not in output


class WithDesktop(SimulatedEngine):
    """Says that a stand-in desktop is every workstation's."""

    address: Address

    def observe(self, ref: str) -> Observed:
        observed = super().observe(ref)
        shown = self.address if observed.address is not None else None
        return msgspec.structs.replace(observed, address=shown)


def test_an_open_desktop_does_not_keep_it_from_ending(
    settings: Settings, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(settings, public_url=f"http://127.0.0.1:{settings.port}")
    home.chmod(0o700)
    desktop = StandInDesktop(home)
    place = desktop.place("")
    engine = WithDesktop(system_clock)
    engine.address = Address(place=place.place, name=place.name)
    monkeypatch.setattr(registry, "make", lambda *_: engine)
    with served(settings), closing(client_of(settings)) as client:
        studio_id = ensure_studio(client, print)["studioId"]
        profile_id = ensure_profile(client, studio_id, print)["launchProfileId"]
        session = ensure_workstation(client, studio_id, profile_id, print)
        where = {"studioId": studio_id, "sessionId": session["sessionId"]}
        stream = client.call("CreateStreamingSessionStream", **where)["stream"]
        where["streamId"] = stream["streamId"]

        def url() -> Any:
            return client.call("GetStreamingSessionStream", **where)["stream"].get("url")

        wait_for(url, 30)
        entered = httpx.get(url(), trust_env=False)
        assert entered.status_code == 303
        cookie = entered.headers["set-cookie"].partition(";")[0]
        path = f"/streams/{stream['streamId']}/api/websockets"
        visitor = Visitor(settings.port, upgrade_request(settings.port, path, Cookie=cookie))
        assert visitor.status == 101
        assert visitor.read(6) == b"\x81\x04MODE"
        began = time.monotonic()
    assert time.monotonic() - began < 5
    with visitor:
        visitor.read_to_end()
    desktop.close()
    assert engine.refs() == {session["sessionId"]}


def test_a_taken_port_is_one_sentence(settings: Settings, soundstage: Any) -> None:
    with socket.create_server(("127.0.0.1", settings.port)):
        done = soundstage("serve")
    assert done.returncode == 2
    assert done.stderr == (
        f"soundstage: SOUNDSTAGE_PORT: 127.0.0.1:{settings.port} can't be listened on "
        "(Address already in use). Name another port, or end what uses this one.\n"
    )


def test_a_second_service_on_a_home_is_one_sentence(running: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = int(free.getsockname()[1])
    with (
        pytest.raises(ServiceRunsError, match=f"A service works with {running.home} already"),
        served(dataclasses.replace(running, port=port)),
    ):
        pass
    assert is_ready(running)


def test_a_host_may_be_an_address_of_either_kind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = []

    def create(address: Any, *, family: int, **more: Any) -> Any:
        del address, more
        families.append(family)
        raise OSError(99, "no such address here")

    monkeypatch.setattr(socket, "create_server", create)
    for host in ("::1", "fd00::7", "10.0.0.7", "localhost"):
        with (
            pytest.raises(ConfigError, match="Cannot assign requested address"),
            served(dataclasses.replace(settings, host=host)),
        ):
            pass
    assert families == [socket.AF_INET6, socket.AF_INET6, socket.AF_INET, socket.AF_INET]


def test_served_ends_with_its_block(settings: Settings) -> None:
    before = threading.active_count()
    with served(settings):
        assert is_ready(settings)
    assert not is_ready(settings)
    assert not has_service(settings)
    assert threading.active_count() <= before + 1


def test_https_with_a_certificate_of_its_own_and_a_way_there(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        http_port = int(free.getsockname()[1])
    secure = dataclasses.replace(settings, tls=True, http_port=http_port)
    with served(secure), closing(client_of(secure)) as client:
        assert ensure_studio(client, print)["state"] == "READY"
        authority = ssl.create_default_context(cafile=own_authority(secure))
        address = f"https://localhost:{secure.port}/readyz"
        assert httpx.get(address, trust_env=False, verify=authority).json()["status"] == "ready"
        welcome = httpx.get(f"http://127.0.0.1:{http_port}/", trust_env=False)
        assert f'href="https://localhost:{secure.port}/"' in welcome.text
        # Who speaks http to the port itself is shown the same, and led to the same.
        plain = f"http://127.0.0.1:{secure.port}"
        assert httpx.get(f"{plain}/", trust_env=False).text == welcome.text
        assert httpx.get(f"{plain}/portal.css", trust_env=False).is_success
        led = httpx.get(f"{plain}/readyz", trust_env=False)
        assert (led.status_code, led.headers["location"]) == (307, address)
        refused = httpx.post(f"{plain}/2020-08-01/studios", json={}, trust_env=False)
        assert refused.status_code == 403
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{http_port}/", trust_env=False)


def test_no_desktop_is_reached_without_tls(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        http_port = int(free.getsockname()[1])
    secure = dataclasses.replace(settings, tls=True, http_port=http_port)

    with served(secure):
        for port in (secure.port, http_port):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.settimeout(10)
                connection.sendall(upgrade_request(port, "/streams/s1/websocket"))
                assert connection.recv(4096).startswith(b"HTTP/1.1 307 "), port


def test_a_taken_port_for_http_is_one_sentence(settings: Settings) -> None:
    secure = dataclasses.replace(settings, tls=True, http_port=settings.port)
    with (
        pytest.raises(ConfigError, match=r"^SOUNDSTAGE_HTTP_PORT: .* Name another port"),
        served(secure),
    ):
        pass
    assert not has_service(secure)


def test_a_terminal_is_shown_the_operator_s_link(settings: Settings) -> None:
    assert "/sign-in?link=" not in _way_in(settings, is_watched=False)
    shown = _way_in(settings, is_watched=True)
    assert f"{settings.address}/sign-in?link=" in shown
    with opened(settings) as (database, seal), database.transaction() as transaction:
        now = system_clock()
        operator = members.find_person(transaction, members.OPERATOR)
        key_id, _ = members.ensure_access_key(transaction, operator, seal, now)
        members.set_access_key_active(transaction, key_id, now, is_active=False, actor="t")
    assert "The keys of operator are disabled." in _way_in(settings, is_watched=True)
