"""What the engine is told of all settings."""

from pathlib import Path

import pytest

from soundstage.engines.incus.making import make, settings_of
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings


def test_a_socket_of_this_host_needs_nothing_more(tmp_path: Path) -> None:
    made = settings_of(
        Settings(home=tmp_path, incus_project="film", incus_starts_per_core=0, cpu_overcommit=2.0)
    )
    assert made.target.is_local
    assert (made.project, made.starts_per_core, made.rules.cpu_overcommit) == ("film", 0, 2.0)


def test_https_needs_three_files(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("certificate", "key", "server")]
    there = Settings(
        home=tmp_path,
        incus_address=("https://10.0.0.1:8443",),
        incus_certificate=files[0],
        incus_key=files[1],
        incus_server_certificate=files[2],
    )
    with pytest.raises(ConfigError, match=r"INCUS_CERTIFICATE.* is not there"):
        settings_of(there)
    for path in files:
        path.touch()
    assert settings_of(there).target.key == files[1]
    with pytest.raises(ConfigError, match=r"INCUS_CERTIFICATE.*it is not set"):
        settings_of(Settings(home=tmp_path, incus_address=("https://10.0.0.1:8443",)))


def test_what_is_closed_is_a_network(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="INCUS_CLOSED_NETWORKS: the farm"):
        settings_of(Settings(home=tmp_path, incus_closed_networks=["10.0.0.0/8", "the farm"]))


def test_an_engine_is_made_without_asking_anybody(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, incus_address=(str(tmp_path / "nobody"),))
    make(settings, system_clock).close()
