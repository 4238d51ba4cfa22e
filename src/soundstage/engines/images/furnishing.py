"""Makes a workstation of a bare system: users, services, what streams it, and nothing of chance.

A program of its own (`python3 -I -S furnishing.py STEP ROOT ...`, standard library only), started
by `building.py` as whoever owns the image's files: root of this host, or of a namespace of users.
STEP is `python`, which prints the version of the image's own Python; or `all`, which takes the
folder of what streams a desktop and, on its standard input, the image's manifest, and leaves the
tree as it is packed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

EPOCH = 1_767_225_600
"""The moment that nothing in an image is younger than: the beginning of 2026."""
STREAM = "opt/stream"
ARTIST = "artist"
README = """\
This is a workstation of Soundstage.

/opt/stream                   what streams the desktop: Selkies, in an environment of its own
/opt/soundstage               programs of the service's release; the engine brings them
artist                        the user 1000, whose home is /home/artist
image.json                    every package with its version and hash
"""
NETWORK = """\
[Match]
Name=eth0 enp5s0

[Network]
DHCP=yes
IPv6AcceptRA=yes

[DHCP]
ClientIdentifier=mac
"""
# The image is what it is; a workstation that changes by itself at night is nobody's wish.
_MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
)
_FILES = {
    "etc/hostname": "workstation\n",
    "etc/hosts": "127.0.0.1 localhost workstation\n::1 localhost\n",
    # A plain file that walls may write; where the system boots its resolver is asked.
    "etc/resolv.conf": "nameserver 127.0.0.53\n",
    "etc/systemd/network/50-workstation.network": NETWORK,
    "usr/share/soundstage/README": README,
    # Made at the first boot; the same in two workstations it would be worse than none.
    "etc/machine-id": "",
}
_FOLDERS = ("dev", "opt/soundstage")
_CHANCE = (
    "var/cache/apt/*",
    "var/cache/debconf/*-old",
    "var/cache/ldconfig/*",
    "var/cache/fontconfig/*",
    "var/lib/apt/lists/*",
    "var/lib/dpkg/*-old",
    "var/lib/dbus/machine-id",
    "var/lib/systemd/catalog/database",
    "var/tmp/*",
    "etc/*-",
    "etc/.pwd.lock",
    "etc/apt/apt.conf.d/99mmdebstrap",
    "root/.cache",
    "tmp/*",
    "run/*",
)


class Tree:
    """The root file system that is being furnished."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: str) -> str:
        """Run one of its own programs inside. Raises CalledProcessError."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": "/root",
            "SOURCE_DATE_EPOCH": str(EPOCH),
        }
        done = subprocess.run(
            ["chroot", str(self.root), *words],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment,
        )
        return done.stdout.decode().strip()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o644)

    def python(self) -> str:
        return self.run("python3", "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")

    def furnish(self, stream: Path, manifest: str) -> None:
        self.run(
            *("useradd", "--create-home", "--uid", "1000", "--user-group"),
            *("--shell", "/bin/bash", "--comment", "Artist"),
            *("--groups", "audio,video", ARTIST),
        )
        for name, text in _FILES.items():
            self.write(name, text)
        self.write("usr/share/soundstage/image.json", manifest)
        for name in _FOLDERS:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.bring_stream(stream)
        self.enable()
        self.forget_chance()

    def bring_stream(self, stream: Path) -> None:
        """An environment of the image's own Python, filled with what was fetched outside."""
        self.run("python3", "-I", "-m", "venv", "--without-pip", f"/{STREAM}")
        target = self.root / STREAM / "lib" / f"python{self.python()}" / "site-packages"
        shutil.copytree(stream, target, dirs_exist_ok=True, symlinks=True)
        for path in (target, *target.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        # Hashes in place of times: the environment is read-only and packed without its times.
        self.run(
            *(f"/{STREAM}/bin/python3", "-I", "-m", "compileall", "-q"),
            *("--invalidation-mode", "unchecked-hash", f"/{STREAM}/lib"),
        )

    def enable(self) -> None:
        self.run("systemctl", "enable", "systemd-networkd.service", "systemd-resolved.service")
        self.run("systemctl", "mask", *_MASKED)

    def forget_chance(self) -> None:
        """Remove what is another in every build, and what belongs to the moment."""
        for pattern in _CHANCE:
            for path in self.root.glob(pattern):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        for path in (self.root / "var/log").rglob("*"):
            if not path.is_dir():
                path.unlink()
        self.clamp()
        # Programs believe it only while the folders of fonts have the times that it notes.
        self.run("fc-cache", "--system-only")
        self.clamp()

    def clamp(self) -> None:
        """Let nothing be younger than the epoch."""
        for folder, folders, files in os.walk(self.root, topdown=False):
            # A link to a folder is listed as a folder, and not walked into.
            for path in [*(os.path.join(folder, name) for name in (*folders, *files)), folder]:  # noqa: PTH118 -- tens of thousands.
                if os.lstat(path).st_mtime > EPOCH:
                    os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def main(step: str, root: str, *words: str) -> None:
    tree = Tree(Path(root))
    if step == "python":
        print(tree.python())  # noqa: T201 -- what was asked for.
    else:
        tree.furnish(Path(words[0]), sys.stdin.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
