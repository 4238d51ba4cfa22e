"""A crippled machine: each fault is named, with what to do about it, and a sound one is well."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.kit.certificates import ensure_own
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.resources.hosts import store
from soundstage.resources.hosts.model import Evacuation, HostState
from soundstage.wiring import examination
from soundstage.wiring.examination import Check, examine
from soundstage.wiring.home import opened

Found = dict[str, Check]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = int(free.getsockname()[1])
    none = tmp_path / "no-stream-environment"
    return Settings(home=tmp_path / "home", port=port, engine="simulated", stream_environment=none)


def found(settings: Settings, **changes: Any) -> Found:
    checks = list(examine(dataclasses.replace(settings, **changes)))
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


def faults(checks: Found) -> list[str]:
    return [name for name, check in checks.items() if check.state == "fault"]


def told(
    settings: Settings, *, wrapper: list[str] | None = None, code: int, **variables: str
) -> dict[str, dict[str, str]]:
    """Run the command in a process of its own, which may be crippled."""
    done = subprocess.run(
        [*(wrapper or []), sys.executable, "-m", "soundstage.cli.main", "doctor", "--output=json"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "SOUNDSTAGE_HOME": str(settings.home),
            "SOUNDSTAGE_PORT": str(settings.port),
            "SOUNDSTAGE_ENGINE": "sandbox",
            "SOUNDSTAGE_STREAM_ENVIRONMENT": str(ROOT / ".venv-stream"),
            **variables,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["isWell"] is (code == 0)
    return {check["name"]: check for check in document["checks"]}


def test_this_machine_is_well_and_nothing_of_it_is_changed(settings: Settings) -> None:
    settings.home.parent.mkdir(exist_ok=True)
    checks = told(settings, code=0)
    assert {check["state"] for check in checks.values()} <= {"ok", "warning"}
    assert "Python 3" in checks["versions"]["detail"]
    assert "bubblewrap " in checks["programs"]["detail"]
    assert checks["stream-environment"]["detail"].startswith("selkies ")
    assert checks["backups"]["detail"].startswith("restic ")
    assert checks["sandbox"]["state"] == "ok"
    # The engine's own list follows.
    assert {"memory-limit", "isolation", "shared-folders"} <= checks.keys()
    assert list(settings.home.parent.iterdir()) == []


def test_missing_programs_are_named_each_with_its_package(settings: Settings) -> None:
    checks = told(
        settings, code=1, PATH="/nonexistent", SOUNDSTAGE_STREAM_ENVIRONMENT="/nonexistent"
    )
    named = {name: check["detail"] for name, check in checks.items() if check["state"] == "fault"}
    assert named.keys() == {"programs", "stream-environment", "sandbox", "backups"}
    assert "Xorg, openbox" in named["programs"]
    assert named["sandbox"] == "bubblewrap is not installed: apt-get install bubblewrap"
    assert "apt-get install restic" in named["backups"]
    assert "/nonexistent is not there: run `make setup`" in named["stream-environment"]


def test_user_namespaces_that_are_switched_off_are_named_with_the_sysctl(
    settings: Settings,
) -> None:
    """Its own user namespace's limit is set to none, as the machine's may be."""
    cripple = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    wrapper = ["unshare", "--user", "--map-user=1000", "--keep-caps", "sh", "-c", cripple, "sh"]
    settings.home.parent.chmod(0o777)
    checks = told(settings, wrapper=wrapper, code=1)
    assert checks["sandbox"]["state"] == "fault"
    assert "`sysctl -w user.max_user_namespaces=15000`" in checks["sandbox"]["detail"]


def test_a_full_disk_is_named(settings: Settings, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    fill = (
        f'mount -t tmpfs -o size=16k tmpfs {disk} && head -c 16k /dev/zero > {disk}/full; exec "$@"'
    )
    wrapper = ["unshare", "--mount", "--map-root-user", "sh", "-c", fill, "sh"]
    checks = told(
        settings,
        wrapper=wrapper,
        code=1,
        SOUNDSTAGE_HOME=str(disk / "home"),
        SOUNDSTAGE_ENGINE="simulated",
    )
    assert "No space left on device" in checks["home"]["detail"]
    assert "Make room" in checks["disk-space"]["detail"]
    assert checks["file-system"]["state"] == "warning"
    assert "in memory (tmpfs)" in checks["file-system"]["detail"]


def test_a_folder_that_is_only_read_is_named(settings: Settings) -> None:
    checks = found(settings, home=Path("/proc/none"))
    assert faults(checks) == ["home", "disk-space"]
    assert "/proc can't be written" in checks["home"].detail
    assert "SOUNDSTAGE_HOME" in checks["home"].detail
    assert checks["engine"].detail.startswith("not asked")


def test_a_home_of_somebody_else_s_is_named(settings: Settings) -> None:
    with opened(settings):
        pass
    keys = settings.home / "keys"
    keys.chmod(0)
    # Without the rights of root over files, whoever runs the tests.
    wrapper = ["unshare", "--user", "--map-user=1000"]
    checks = told(settings, wrapper=wrapper, code=1, SOUNDSTAGE_ENGINE="simulated")
    keys.chmod(0o700)
    assert checks["secret"]["state"] == "fault"
    assert f"{keys}/installation can't be looked at" in checks["secret"]["detail"]


def test_a_taken_port_is_named(settings: Settings) -> None:
    with closing(socket.create_server((settings.host, settings.port))):
        checks = found(settings)
    assert faults(checks) == ["port"]
    assert f"'sport = :{settings.port}'" in checks["port"].detail
    checks = found(settings, host="192.0.2.1")
    assert "Cannot assign requested address" in checks["port"].detail


def test_a_secret_that_others_may_read_is_named(settings: Settings) -> None:
    with opened(settings):
        pass
    key = settings.home / "keys" / "installation"
    key.chmod(0o644)
    checks = found(settings)
    assert faults(checks) == ["secret"]
    assert f"chmod 600 {key}" in checks["secret"].detail
    checks = found(settings, secret_command="false")
    assert "SOUNDSTAGE_SECRET_COMMAND" in checks["secret"].detail


def test_a_database_that_does_not_answer_is_named_without_its_password(settings: Settings) -> None:
    url = "postgresql+psycopg://studio:hidden@127.0.0.1:1/studio?connect_timeout=1"
    checks = found(settings, database_url=url)
    assert faults(checks) == ["database"]
    assert "SOUNDSTAGE_DATABASE_URL does not answer" in checks["database"].detail
    assert "hidden" not in checks["database"].detail
    assert "no address of a database" in found(settings, database_url="x:")["database"].detail
    with opened(settings) as (database, _):
        assert faults(found(settings)) == []
        with database.transaction():
            held = found(settings)["database"]
    assert held.state == "fault"
    assert "`fuser -v " in held.detail
    (settings.home / "soundstage.sqlite").write_bytes(b"no database at all" * 100)
    assert faults(found(settings)) == ["database"]


def test_hosts_that_are_taken_out_are_named(settings: Settings) -> None:
    assert found(settings)["maintenance"] == Check("maintenance", "ok", "no host is taken out")
    with opened(settings) as (database, _), database.transaction() as transaction:
        for name, state, remaining in (
            ("n1", HostState.EVACUATED, 0),
            ("n2", HostState.EVACUATING, 3),
        ):
            now = system_clock()
            order = Evacuation(
                id=name,
                state=state,
                state_since=now,
                at=now,
                reason="",
                remaining=remaining,
                created_at=now,
                created_by="somebody",
            )
            store.evacuations.insert(transaction, order, due_at=now)
    check = found(settings)["maintenance"]
    assert check.state == "warning"
    assert check.detail.startswith(
        "n1 is evacuated, and may be switched off; n2 is being evacuated, 3 are still there."
    )


def test_a_clock_set_back_is_named(settings: Settings) -> None:
    with opened(settings):
        pass
    later = time.time() + 3600
    os.utime(settings.home / "soundstage.sqlite", (later, later))
    checks = found(settings)
    assert faults(checks) == ["clock"]
    assert "timedatectl" in checks["clock"].detail


@pytest.mark.parametrize(("kept", "state"), [(True, "ok"), (False, "warning"), (None, "ok")])
def test_a_clock_that_nothing_keeps_right(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kept: bool | None, state: str
) -> None:
    assert examination._is_synchronized() in {True, False, None}
    monkeypatch.setattr(examination, "_is_synchronized", lambda: kept)
    assert found(settings)["clock"].state == state


def test_a_database_on_a_network_s_disk_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "_kind_of", lambda _: "nfs4")
    checks = found(settings)
    assert faults(checks) == ["file-system"]
    assert "can't be locked" in checks["file-system"].detail


@pytest.mark.parametrize(
    ("made", "state", "detail"),
    [
        (timedelta(days=2000), "fault", "ran out"),
        (timedelta(), "ok", "is good until"),
    ],
)
def test_certificates_that_run_out_are_named(
    settings: Settings, tmp_path: Path, made: timedelta, state: str, detail: str
) -> None:
    own = ensure_own(tmp_path / "tls", ["localhost"], datetime.now(UTC) - made)
    check = found(settings, tls=True, tls_certificate=own.chain, tls_key=own.key)["tls"]
    assert (check.state, detail in check.detail) == (state, True)


@pytest.mark.parametrize(
    ("changes", "state", "detail"),
    [
        ({"tls": True, "tls_certificate": Path("/nonexistent")}, "fault", "can't be read"),
        ({"tls": True}, "ok", "of the service's own"),
        ({"host": "0.0.0.0"}, "warning", "SOUNDSTAGE_TLS"),  # noqa: S104 - it is told of
        ({"host": "0.0.0.0", "public_url": "https://s.example"}, "ok", "proxy"),  # noqa: S104
    ],
)
def test_tls_is_looked_at_where_it_matters(
    settings: Settings, changes: dict[str, Any], state: str, detail: str
) -> None:
    check = found(settings, **changes)["tls"]
    assert (check.state, detail in check.detail) == (state, True)


def test_an_engine_that_is_none_is_named(settings: Settings) -> None:
    checks = found(settings, engine="cloud")
    assert faults(checks) == ["engine"]
    assert "SOUNDSTAGE_ENGINE: there is no engine 'cloud'" in checks["engine"].detail
    checks = found(settings, engine="sandbox", sandbox="none", host="192.0.2.1")
    assert "loopback" in checks["engine"].detail


def test_a_running_service_s_engine_is_asked_itself(settings: Settings) -> None:
    engine = SimulatedEngine(system_clock)
    checks = {check.name: check for check in examine(settings, engine)}
    assert checks["memory-limit"].state == "warning"
    assert "sandbox" not in checks
