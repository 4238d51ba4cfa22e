"""Project ids are set as the kernel wants them; what can't be limited is said."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.engines.sandbox.host import quota


def test_without_a_quota_nothing_is_limited_and_the_reason_is_said(tmp_path: Path) -> None:
    limits = quota.SizeLimits(Path("/proc"))
    assert not limits.capability().available
    assert "not limited here: " in limits.capability().detail
    limits.set(tmp_path, 1)


def test_the_kernel_structures_have_the_kernel_sizes() -> None:
    assert (quota._FSXATTR.size, quota._DQBLK.size) == (28, 72)


@pytest.fixture
def ext4(home: Path) -> Iterator[Path]:
    """An ext4 with project quotas, where this kernel was built with them."""
    image, mounted = home / "disk", home / "mounted"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(2 << 30)
    features = ["-O", "project,quota", "-E", "quotatype=prjquota"]
    subprocess.run(["mkfs.ext4", "-q", *features, image], check=True)
    mount: list[str | Path] = ["mount", "-o", "loop,prjquota", image, mounted]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this kernel can't mount an ext4 with project quotas (CONFIG_QFMT_V2)")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts and sets quotas")
def test_a_volume_holds_what_it_may_and_no_more(ext4: Path) -> None:
    volume = ext4 / "volume"
    volume.mkdir()
    limits = quota.SizeLimits(ext4)
    assert limits.capability().available
    limits.set(volume, 1)
    with (volume / "big").open("wb") as file:
        # Root writes beyond every quota, an artist does not.
        os.seteuid(12_345)
        try:
            os.posix_fallocate(file.fileno(), 0, (1 << 30) - (1 << 22))
            with pytest.raises(OSError, match=os.strerror(errno.EDQUOT)):
                os.posix_fallocate(file.fileno(), 0, (1 << 30) + (1 << 22))
        finally:
            os.seteuid(0)
