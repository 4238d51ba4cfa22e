"""What Incus is told of an image: the archive that it wants beside the root file system.

Written by `building.py`. Incus fills the templates in for each instance: its name is its host
name, as in the sandbox.
"""

import io
import json
import lzma
import platform
import tarfile
from pathlib import Path

from soundstage.engines.images.furnishing import EPOCH
from soundstage.engines.images.store import ImageError

_WHEN = ["create", "copy"]
_TEMPLATES = {
    "hostname.tpl": ("/etc/hostname", "{{ container.name }}\n"),
    "hosts.tpl": (
        "/etc/hosts",
        "127.0.0.1 localhost {{ container.name }}\n::1 localhost\n",
    ),
}


def metadata(release: str, digest: str) -> bytes:
    """The same bytes for the same image."""
    about = {
        "architecture": platform.machine(),
        "creation_date": EPOCH,
        "properties": {
            "description": f"Soundstage workstation ({release})",
            "os": "debian",
            "release": release,
            "soundstage.digest": digest,
        },
        "templates": {
            target: {"when": _WHEN, "template": name} for name, (target, _) in _TEMPLATES.items()
        },
    }
    # Every JSON document is one of YAML.
    files = {"metadata.yaml": json.dumps(about, indent=1, sort_keys=True) + "\n"}
    files |= {f"templates/{name}": text for name, (_, text) in _TEMPLATES.items()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(text.encode()), EPOCH, 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return lzma.compress(packed.getvalue())


def expect(path: Path, digest: str) -> None:
    """Raise ImageError unless a metadata archive is that of the image with this digest."""
    try:
        with tarfile.open(path, mode="r:xz") as archive:
            member = archive.extractfile("metadata.yaml")
            about = json.load(member) if member is not None else {}
        described = about["properties"]["soundstage.digest"]
    except (tarfile.TarError, lzma.LZMAError, EOFError, KeyError, TypeError, ValueError):
        raise ImageError(f"{path.name} does not describe an image of Soundstage") from None
    if described != digest:
        raise ImageError(
            f"the image is damaged: {path.name} tells of {described[:12]}, and it is {digest[:12]}"
        )
