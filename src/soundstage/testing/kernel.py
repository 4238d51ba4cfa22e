"""A whole Linux of one's own, in emulation: the kernel that a studio's host has, for tests of it.

`make test-kernel` runs it as a program (`python -m soundstage.testing.kernel`, as root). It boots
Debian's own kernel under QEMU with systemd as its first process, runs the tests that are marked
`kernel` there, passes on what pytest says, and ends with pytest's exit code.

The guest sees this machine's files, so this checkout and its environments stand where they are
here. It may only read them: what it writes is kept in its memory and gone with it. Beside that it
has two disks, `DISK` and `OTHER_DISK`, with project quotas.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
DISK = Path("/srv/disk")
"""Where the guest has its disk: ext4, with sizes kept by project quotas."""
OTHER_DISK = Path("/srv/other")
"""The same with xfs."""
GUEST = Path("/etc/guest")
"""Only a guest has it."""
DISK_SIZE = 8 << 30
MEMORY = "3G"
_LIMIT_SECONDS = 1200
_ANSWERS_WITHIN = 10
_ENDED = "the tests ended with "
_BUSYBOX = Path("/bin/busybox")
# What the first steps need before the machine's own modules can be reached.
_MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "virtiofs", "overlay")
# The C program of QEMU 7 and the Rust one after it understand the same words here.
_FILE_SERVERS = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")

_INIT = """\
#!/bin/busybox sh
busybox() {{ /bin/busybox "$@" || {{ echo "$*: failed"; /bin/busybox poweroff -f; }}; }}
busybox mount -t devtmpfs dev /dev
for module in {modules}; do busybox insmod /modules/$module; done
busybox mount -t virtiofs -o ro host /lower
busybox mount -t tmpfs -o mode=755 memory /memory
busybox mkdir /memory/upper /memory/work
busybox mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work root /root
busybox cp -a /etc/. /root/etc/
# In a container systemd would begin something else.
busybox rm -f /root/.dockerenv /root/run/.containerenv
busybox umount /dev
exec /bin/busybox switch_root /root /lib/systemd/systemd --unit=guest.service
"""

# Nothing of this machine's own is begun: the unit asks for none of it.
_SERVICE = """\
[Unit]
Description=The tests that need a whole kernel
DefaultDependencies=no
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
StandardOutput=file:/dev/hvc0
StandardError=file:/dev/hvc0
ExecStart=/bin/bash {guest}
"""

_SCRIPT = """\
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
cd {root}
mkdir -p {disk} {other} && mount -o prjquota /dev/vda {disk} && mount -o prjquota /dev/vdb {other}
{command}
echo "{ended}$?"
"""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m soundstage.testing.kernel")
    parser.add_argument("--seconds", type=float, default=_LIMIT_SECONDS, help="when it is given up")
    known, words = parser.parse_known_args(arguments)
    if os.geteuid() != 0:
        print("The guest sees this machine's files as root does: sudo make test-kernel")  # noqa: T201 -- a program.
        return 2
    # Ended by a signal too, it leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tests = "tests/kernel"
    # What tests of other rooms need takes minutes to load here.
    pytest = [
        "-p",
        "pytest_timeout",
        "-p",
        "no:cacheprovider",
        "--timeout=900",
        "--confcutdir",
        tests,
    ]
    pytest += ["-m", "kernel", *words]
    python = str(ROOT / ".venv/bin/python")
    return run([python, "-m", "pytest", *pytest, tests], within_seconds=known.seconds)


def run(command: Sequence[str], *, within_seconds: float) -> int:
    """Run a command in the guest, pass on what it says, and answer with its exit code."""
    folder = Path(tempfile.mkdtemp(prefix="soundstage-kernel-"))
    began = time.monotonic()
    code: int | None = None
    try:
        with _serving_files(folder) as files, _booted(folder, files, command) as machine:
            # Its output is waited for meanwhile.
            end = threading.Timer(within_seconds, machine.kill)
            end.start()
            try:
                for line in machine.stdout or ():
                    if line.startswith(_ENDED):
                        code = int(line.removeprefix(_ENDED))
                    else:
                        sys.stdout.write(line)
                        sys.stdout.flush()
                machine.wait()
            finally:
                end.cancel()
        if code is None:
            console = (folder / "console").read_text(errors="replace")
            print(f"\nThe guest ended before its tests did:\n{console[-4000:]}")  # noqa: T201 -- as above.
    finally:
        shutil.rmtree(folder)
    print(f"The guest lived for {time.monotonic() - began:.0f} s.")  # noqa: T201 -- as above.
    return 1 if code is None else code


@contextmanager
def _serving_files(folder: Path) -> Iterator[Path]:
    """Show this machine's files to the guest; answers the socket."""
    program = next((name for name in _FILE_SERVERS if Path(name).exists()), None)
    if program is None:
        raise RuntimeError("virtiofsd is not installed: scripts/setup kernel")
    place = folder / "files.sock"
    options = "source=/,cache=always,sandbox=chroot"
    words = [program, f"--socket-path={place}", "--thread-pool-size=0", "-o", options]
    with (folder / "files").open("wb") as log:
        server = subprocess.Popen(
            _bound_to_us(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + _ANSWERS_WITHIN
        while not place.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "files").read_text(errors="replace"))
            time.sleep(0.02)
        yield place
    finally:
        server.kill()
        server.wait()


@contextmanager
def _booted(folder: Path, files: Path, command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    kernel, release = _kernel()
    first, disk, other = folder / "first", folder / "disk", folder / "other"
    first.write_bytes(_first_files(release, command))
    for each in (disk, other):
        with each.open("wb") as file:
            file.truncate(DISK_SIZE)
    options = ["-q", "-F", "-O", "quota,project", "-E", "quotatype=prjquota,lazy_itable_init=1"]
    subprocess.run(["/sbin/mkfs.ext4", *options, str(disk)], check=True)
    subprocess.run(["/sbin/mkfs.xfs", "-q", str(other)], check=True)
    words = [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-no-reboot", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"),
        *("-m", MEMORY, "-object", f"memory-backend-memfd,id=memory,size={MEMORY},share=on"),
        *("-numa", "node,memdev=memory"),
        *("-chardev", f"socket,id=files,path={files}"),
        *("-device", "vhost-user-fs-pci,chardev=files,tag=host"),
        *("-drive", f"file={disk},if=none,id=disk,format=raw,cache=unsafe"),
        *("-device", "virtio-blk-pci,drive=disk"),
        *("-drive", f"file={other},if=none,id=other,format=raw,cache=unsafe"),
        *("-device", "virtio-blk-pci,drive=other"),
        *("-chardev", "stdio,id=out,signal=off"),
        *("-device", "virtio-serial-pci", "-device", "virtconsole,chardev=out"),
        *("-serial", f"file:{folder / 'console'}"),
        *("-kernel", str(kernel), "-initrd", str(first)),
        *("-append", "console=ttyS0 panic=-1 mitigations=off systemd.show_status=0"),
    ]
    machine = subprocess.Popen(
        _bound_to_us(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=(folder / "console").open("ab"),
        text=True,
        errors="replace",
    )
    try:
        yield machine
    finally:
        machine.kill()
        machine.wait()


def _bound_to_us(words: list[str]) -> list[str]:
    """What is begun here ends with this process, however that ends."""
    return ["setpriv", "--pdeathsig", "KILL", *words]


def _kernel() -> tuple[Path, str]:
    """The newest one installed that has what the guest's first steps need."""
    for path in sorted(Path("/boot").glob("vmlinuz-*"), reverse=True):
        release = path.name.removeprefix("vmlinuz-")
        if any(Path(f"/lib/modules/{release}").rglob("virtiofs.ko*")):
            return path, release
    raise RuntimeError("no kernel with virtiofs is in /boot: scripts/setup kernel")


def _first_files(release: str, command: Sequence[str]) -> bytes:
    """The archive that the kernel unpacks as its first root, in the format `newc` of cpio."""
    modules = _modules(release)
    script = _SCRIPT.format(
        root=shlex.quote(str(ROOT)),
        disk=DISK,
        other=OTHER_DISK,
        command=shlex.join(command),
        ended=_ENDED,
    )
    files = {
        "bin/busybox": (0o755, _BUSYBOX.read_bytes()),
        "init": (0o755, _INIT.format(modules=" ".join(path.name for path in modules)).encode()),
        "etc/fstab": (0o644, b""),
        "etc/hostname": (0o644, b"guest\n"),
        str(GUEST.relative_to("/")): (0o644, script.encode()),
        "etc/systemd/system/guest.service": (0o644, _SERVICE.format(guest=GUEST).encode()),
        **{f"modules/{path.name}": (0o644, path.read_bytes()) for path in modules},
    }
    above = {str(each) for name in files for each in Path(name).parents} - {"."}
    folders = sorted({*above, "dev", "lower", "memory", "root"})
    archive = b"".join(_member(name, 0o040755, b"") for name in folders)
    archive += b"".join(
        _member(name, 0o100000 | mode, text) for name, (mode, text) in files.items()
    )
    return archive + _member("TRAILER!!!", 0, b"")


def _modules(release: str) -> list[Path]:
    """Each after those that it needs."""
    found: list[Path] = []
    for name in _MODULES:
        listed = subprocess.run(
            ["/sbin/modprobe", "-S", release, "--show-depends", name],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for kind, path, *_ in map(str.split, listed.splitlines()):
            if kind == "insmod" and Path(path) not in found:
                found.append(Path(path))
    return found


def _member(name: str, mode: int, content: bytes) -> bytes:
    """One file: six letters, thirteen numbers, its name and its content, each filled to fours."""
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % number for number in numbers) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
