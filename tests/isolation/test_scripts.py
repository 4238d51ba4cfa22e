"""What a workstation's root did before the artist logged in stays out of the artist's reach.

Each attempt stands beside a control that shows what root really left there.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.engines.interface import Script
from soundstage.testing.workbench import Workbench

STREAM_ENVIRONMENT = Path(__file__).parents[2] / ".venv-stream"
SET_UP = """\
set -e
[ "$(id -u)" = 0 ]
echo "the token is $TOKEN, the word $WORD"
echo made > /etc/made-by-root
echo mine > /root/private
mkdir /opt/tools /mnt/place
touch /usr/local/bin/tool /srv/x /var/y
useradd --create-home other
usermod --append --groups audio artist
(exec sleep 4000) &
runuser -u artist -- sh -c 'ls -l /proc/self/fd; ls /run/scripts || echo closed'
! mount -t tmpfs none /mnt/place
! touch /usr/bin/new
"""
SECRETS = {"TOKEN": "opensesame", "WORD": "abc"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(tmp_path_factory.mktemp("scripts"), STREAM_ENVIRONMENT)
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def ref(bench: Workbench) -> str:
    text = f"{SET_UP}echo done\n"
    root = Script(
        component="Set up",
        as_root=True,
        text=text,
        environment=SECRETS,
        secrets=list(SECRETS.values()),
    )
    artist = Script(
        component="Desk",
        as_root=False,
        text="id -u; echo $DISPLAY $HOME; xprop -root _NET_SUPPORTING_WM_CHECK; echo d > ~/desk\n"
        "dbus-send --session --print-reply --dest=org.freedesktop.DBus / "
        "org.freedesktop.DBus.ListNames > /dev/null && echo bus",
    )
    return bench.start_with_shell(scripts=[artist, root])


def inside(bench: Workbench, ref: str, command: str) -> tuple[int, str]:
    return bench.inside(ref, "sh", "-c", command)


def test_root_s_scripts_come_first_and_make_a_system(bench: Workbench, ref: str) -> None:
    output = bench.engine.script_output(ref)[-2:]
    assert [(each.component, each.as_root, each.exit_code) for each in output] == [
        ("Set up", True, 0),
        ("Desk", False, 0),
    ]
    assert output[0].ended_at <= output[1].began_at
    assert output[0].output.endswith("done\n")
    assert inside(bench, ref, "cat /etc/made-by-root; ls /usr/local/bin/tool") == (
        0,
        "made\n/usr/local/bin/tool\n",
    )
    assert "audio" in inside(bench, ref, "id")[1]
    assert "other:" in inside(bench, ref, "cat /etc/passwd")[1]


def test_the_artist_s_scripts_have_the_desktop(bench: Workbench, ref: str) -> None:
    said = bench.engine.script_output(ref)[-1].output.splitlines()
    assert said[0] == "1000"
    assert said[1] == ":0 /home/artist"
    assert said[2].startswith("_NET_SUPPORTING_WM_CHECK(WINDOW)")
    assert said[-1] == "bus"
    assert inside(bench, ref, "cat ~/desk") == (0, "d\n")


def test_secrets_of_a_script_are_masked(bench: Workbench, ref: str) -> None:
    root = bench.engine.script_output(ref)[-2].output
    # A word of three letters is no secret: masking it would hide half of every text.
    assert "the token is ***, the word abc" in root


def test_root_s_text_and_variables_can_not_be_found(bench: Workbench, ref: str) -> None:
    for place in ("cmdline", "environ"):
        seen = inside(bench, ref, f"cat /proc/[0-9]*/{place} | tr '\\0' '\\n'")[1]
        assert "sleep" in seen or "HOME=/home/artist" in seen
        assert "opensesame" not in seen
        assert "useradd" not in seen
    # What root left running holds the variables: the artist may not look.
    daemon = inside(bench, ref, "pgrep -x sleep")[1].strip()
    assert daemon.isdigit()
    for file in ("environ", "fd", "mem", "root"):
        assert inside(bench, ref, f"ls /proc/{daemon}/{file}/ || cat /proc/{daemon}/{file}")[0]
    sources = inside(bench, ref, "grep -rl opensesame /run /etc /tmp /var /home/artist /opt/tools")
    assert sources[1].strip().endswith("denied") or "opensesame" not in sources[1]
    said = bench.engine.script_output(ref)[-2].output
    assert "memfd" not in said
    assert "closed" in said


def test_nothing_of_root_s_is_the_artist_s_to_change(bench: Workbench, ref: str) -> None:
    assert inside(bench, ref, "cat /etc/made-by-root")[0] == 0
    for command in (
        "echo x >> /etc/made-by-root",
        "touch /etc/new",
        "rm /etc/made-by-root",
        "touch /opt/tools/x",
        "touch /usr/local/bin/tool2",
        "touch /var/new",
        "touch /mnt/place/x",
        "touch /new",
        "cat /root/private",
        "kill -0 $(pgrep -x sleep)",
        "kill -0 1",
        "chown artist /etc/made-by-root",
        "setpriv --reuid 0 true",
        "su other -s /bin/true",
    ):
        assert inside(bench, ref, command)[0] != 0, command
    rows = inside(bench, ref, "cat /proc/self/status")[1]
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert f"{name}:\t0000000000000000" in rows
    assert "NoNewPrivs:\t1" in rows


def test_root_of_a_workstation_is_nobody_on_the_host(bench: Workbench, ref: str) -> None:
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in bench.processes(ref)[1:]}
    assert 0 not in owners
    if os.geteuid() == 0:
        assert owners <= {
            bench.home(ref).stat().st_uid,
            bench.settings.block_of(bench.home(ref).stat().st_uid),
        }


def test_the_kept_output_is_the_service_s_alone(bench: Workbench, ref: str) -> None:
    kept = sorted((bench.directory(ref) / "scripts").iterdir())
    assert kept
    for path in kept:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_uid == os.geteuid()
        assert not inside(bench, ref, f"cat {path}")[1].startswith("[")
    assert "opensesame" not in "".join(path.read_text() for path in kept)
    record = (bench.directory(ref) / "record.json").read_text()
    assert "opensesame" not in record
    assert "useradd" not in record


def test_the_system_is_new_at_every_start_and_the_home_stays(bench: Workbench, ref: str) -> None:
    bench.stop(ref)
    look = Script(
        component="Look",
        as_root=True,
        text="ls /etc/made-by-root /opt/tools /usr/local/bin/tool /root/private; ls /var/y; true",
    )
    bench.start(ref, scripts=[look])
    said = bench.engine.script_output(ref)[-1].output
    assert said.count("No such file") == 5
    assert (bench.home(ref) / "desk").read_text() == "d\n"
    assert len({each.attempt for each in bench.engine.script_output(ref)}) == 3
