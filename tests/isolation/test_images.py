"""A workstation on an image that was made here: its root is its own, the image stays everybody's.

Packages are really installed, by a service that is root and by one that is an ordinary user; each
attempt to change the image itself stands beside what was changed in the workstation alone.
"""

import base64
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.engines.images.store import Build, ImageStore
from soundstage.engines.interface import PermanentError, Phase, Reason, Script
from soundstage.testing.images import export_image, show_image
from soundstage.testing.workbench import Workbench

REPOSITORY = Path(__file__).parents[2]
STREAM_ENVIRONMENT = REPOSITORY / ".venv-stream"
CONTROL = """\
Package: hello-there
Version: 1
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: says so
"""
# What makes a user, owns files of others, replaces one of the image's and leaves others alone.
AFTER = """\
#!/bin/sh
set -e
useradd --system hello
chown hello /usr/share/hello-there
rm /usr/bin/less
echo changed > /etc/issue
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("package")
    for name, text, mode in (
        ("DEBIAN/control", CONTROL, 0o644),
        ("DEBIAN/postinst", AFTER, 0o755),
        ("usr/bin/hello-there", "#!/bin/sh\necho hello there\n", 0o755),
        ("usr/share/hello-there/words", "hello\n", 0o644),
    ):
        path = folder / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    for path in (folder / "made").rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    words = ["dpkg-deb", "--root-owner-group", "--build", "made", "it.deb"]
    subprocess.run(words, check=True, capture_output=True, cwd=folder)
    return (folder / "it.deb").read_bytes()


def installs(package: bytes) -> Script:
    text = (
        "set -e\n"
        f"echo {base64.b64encode(package).decode()} | base64 -d > /var/cache/apt/it.deb\n"
        "chmod 644 /var/cache/apt/it.deb\n"
        "apt-get install -y /var/cache/apt/it.deb\n"
        "stat -c '%U' /usr/share/hello-there /usr/bin/hello-there\n"
        "! mount -t tmpfs none /mnt\n"
        "! mknod /root/disk b 8 0\n"
    )
    return Script(component="Packages", as_root=True, text=text)


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, workstation_image: Build
) -> Iterator[Workbench]:
    home = tmp_path_factory.mktemp("images")
    show_image(workstation_image, home)
    made = Workbench(home, STREAM_ENVIRONMENT, images={"ami-built": workstation_image.name})
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def before(workstation_image: Build) -> dict[str, tuple[object, ...]]:
    return everything(workstation_image.root)


@pytest.fixture(scope="module")
def ref(bench: Workbench, package: bytes, before: object) -> str:
    del before  # Looked at before anything runs on it.
    return bench.start_with_shell(image="ami-built", scripts=[installs(package)])


def everything(root: Path) -> dict[str, tuple[object, ...]]:
    """What every file of a tree is, as far as anybody could change it."""
    found: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        about = path.lstat()
        found[str(path)] = (
            about.st_mode,
            about.st_uid,
            about.st_gid,
            about.st_size,
            about.st_mtime,
        )
    for name in ("etc/issue", "usr/bin/less", "var/lib/dpkg/status", "etc/passwd"):
        found[name] = (hashlib.sha256((root / name).read_bytes()).hexdigest(),)
    return found


def inside(bench: Workbench, ref: str, command: str) -> tuple[int, str]:
    return bench.inside(ref, "sh", "-c", command)


def test_a_package_can_be_installed(bench: Workbench, ref: str) -> None:
    said = bench.engine.script_output(ref)[-1]
    assert said.exit_code == 0, said.output
    assert "Setting up hello-there" in said.output
    assert "hello\nroot\n" in said.output
    assert inside(bench, ref, "hello-there") == (0, "hello there\n")
    assert inside(bench, ref, "cat /etc/issue; less --version")[1].startswith("changed\n")
    assert inside(bench, ref, "less --version")[0] == 127
    assert inside(bench, ref, "dpkg-query -W hello-there") == (0, "hello-there\t1\n")


def test_the_desktop_is_the_image_s(bench: Workbench, ref: str) -> None:
    assert bench.asked(ref, "/api/health")
    assert inside(bench, ref, "readlink -f /opt/stream/bin/python3")[1].startswith("/usr/bin/")
    assert "audio" in inside(bench, ref, "id")[1]
    assert inside(bench, ref, "cat /etc/hostname") == (0, "workstation\n")


def test_the_image_s_fonts_are_not_read_anew(bench: Workbench, ref: str) -> None:
    """A program that finds no cache of them keeps one in the artist's home, and every backup."""
    assert not (bench.home(ref) / ".cache/fontconfig").exists()


def test_the_image_on_the_host_is_what_it_was(
    bench: Workbench, ref: str, workstation_image: Build, before: object
) -> None:
    assert bench.engine.observe(ref).phase is Phase.RUNNING
    assert everything(workstation_image.root) == before


def test_the_artist_can_change_nothing_of_it(bench: Workbench, ref: str) -> None:
    for command in (
        "touch /usr/bin/new",
        "touch /etc/new",
        "touch /var/lib/new",
        "touch /opt/stream/new",
        "rm /usr/bin/hello-there",
        "apt-get remove -y hello-there",
        "su -c true",
    ):
        assert inside(bench, ref, command)[0] != 0, command
    assert "CapEff:\t0000000000000000" in inside(bench, ref, "cat /proc/self/status")[1]


def test_nothing_inside_belongs_to_root_of_the_host(bench: Workbench, ref: str) -> None:
    """Root of the workstation is mapped to nobody, so what it owns here is nobody's there."""
    upper = bench.home(ref).parent / "scratch/system/upper"
    found = [path.lstat() for path in upper.rglob("*")]
    # What is removed is marked by a device without a number, which opens nothing.
    owners = {
        each.st_uid for each in found if not (stat.S_ISCHR(each.st_mode) and each.st_rdev == 0)
    }
    assert 0 not in owners
    assert len(owners) > 1
    assert (upper / "usr/bin/hello-there").is_file()


def test_another_workstation_has_a_root_of_its_own(bench: Workbench, ref: str) -> None:
    other = bench.start_with_shell(image="ami-built")
    assert inside(bench, other, "hello-there")[0] == 127
    assert inside(bench, other, "less --version")[0] == 0
    assert inside(bench, ref, "hello-there")[0] == 0
    ids = {inside(bench, each, "cat /etc/machine-id")[1] for each in (ref, other)}
    assert len(ids) == 2


def test_an_image_that_is_run_on_is_not_removed(
    bench: Workbench, ref: str, workstation_image: Build
) -> None:
    other = Workbench(bench.settings.home, STREAM_ENVIRONMENT)
    assert other.engine.observe(ref).phase is Phase.RUNNING
    # Another link, so that the tests that come do not lose theirs.
    store = ImageStore(bench.settings.home)
    twin = store.root / ".builds" / f"twin.{'0' * 64}"
    twin.mkdir()
    try:
        os.link(workstation_image.in_use, twin / "in-use")
        assert store.sweep(shutil.rmtree) == [twin]
    finally:
        shutil.rmtree(twin)


def test_the_system_is_new_at_the_next_start_and_the_home_stays(bench: Workbench, ref: str) -> None:
    assert inside(bench, ref, "echo mine > ~/mine")[0] == 0
    bench.stop(ref)
    look = Script(
        component="Look", as_root=True, text="! test -e /usr/bin/hello-there && less --version"
    )
    bench.start(ref, image="ami-built", scripts=[look])
    assert (bench.home(ref) / "mine").read_text() == "mine\n"


def test_a_name_that_means_no_image_is_told(bench: Workbench) -> None:
    made = Workbench(bench.settings.home, STREAM_ENVIRONMENT, images={"ami-gone": "gone"})
    with pytest.raises(PermanentError, match=r"ami-gone: there is no image gone") as refused:
        made.engine.ensure_running("g" * 22, made.spec(image="ami-gone"))
    assert refused.value.reason is Reason.IMAGE


SCRIPT = """\
import os, sys
from contextlib import nullcontext
from pathlib import Path
from soundstage.engines.images.building import Builder
from soundstage.engines.images.store import ImageStore
from soundstage.engines.interface import Script
from soundstage.testing.workbench import Workbench

home, stream, exported, script = map(Path, sys.argv[1:])
builder = Builder(ImageStore(home), lambda _: nullcontext())
build = builder.bring_in(exported, "film")
bench = Workbench(home, stream, images={"ami-film": "film"})
try:
    scripts = [Script(component="Packages", as_root=True, text=script.read_text())]
    ref = bench.start_with_shell(image="ami-film", scripts=scripts)
    print(os.geteuid(), build.root.stat().st_uid)
    print(bench.inside(ref, "hello-there")[1].strip())
    print(bench.inside(ref, "whoami")[1].strip())
    print((build.root / "usr/bin/less").exists(), (build.root / "usr/bin/hello-there").exists())
finally:
    print(bench.close())
    builder.owner.remove(build.directory)
"""
USER, FIRST = 4242, 3_000_000_000


def test_an_ordinary_user_can_have_packages_too(
    home: Path, workstation_image: Build, package: bytes
) -> None:
    export_image(workstation_image, home / "exported")
    (home / "exported").chmod(0o755)
    for path in (home / "exported").iterdir():
        path.chmod(0o644)
    (home / "script").write_text(installs(package).text)
    (home / "data").mkdir()
    words = [SCRIPT, *(str(home / name) for name in ("data", "stream", "exported", "script"))]
    if os.geteuid() != 0:
        words[2] = str(STREAM_ENVIRONMENT)
        command = [sys.executable, "-c", *words]
    else:
        command = as_ordinary_user(home, words)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert said[1:] == ["hello there", "artist", "True False", "[]"], done.stderr
    user, owner = said[0].split()
    assert user != "0"
    assert owner not in {"0", user}


def as_ordinary_user(home: Path, words: list[str]) -> list[str]:
    """Somebody who has a name and subordinate ids, in a mount namespace that knows of them."""
    mounts = []
    for name, line in (
        ("passwd", f"tester:x:{USER}:{USER}::/nonexistent:/bin/sh\n"),
        ("subuid", f"tester:{FIRST}:65536\n"),
        ("subgid", f"tester:{FIRST}:65536\n"),
    ):
        text = Path("/etc", name).read_text() if Path("/etc", name).exists() else ""
        (home / name).write_text(text + line)
        Path("/etc", name).touch()
        mounts.append(f"mount --bind '{home / name}' '/etc/{name}'")
    shown = {
        "source": REPOSITORY / "src",
        "packages": Path(pytest.__file__).parents[1],
        "python": Path(sys.base_prefix),
        "stream": STREAM_ENVIRONMENT,
    }
    for name, source in shown.items():
        (home / name).mkdir()
        mounts.append(f"mount --bind '{source}' '{home / name}'")
    os.chown(home / "data", USER, USER)
    python = f"{home}/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    become = f"setpriv --reuid {USER} --regid {USER} --clear-groups --inh-caps=-all"
    path = f"PYTHONPATH={home}/source:{home}/packages PYTHONDONTWRITEBYTECODE=1"
    inner = f'exec {become} env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin {path} {python} -c "$0" "$@"'
    return ["unshare", "-m", "sh", "-c", " && ".join([*mounts, inner]), *words]
