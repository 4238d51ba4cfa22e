"""The size limit of a volume where the file system can keep one: a project quota of ext4 or xfs.

`volumes` asks it once what the file system can, and sets a limit on each new volume's directory.
The ioctl and the quotactl calls are the kernel's own (linux/fs.h, linux/quota.h): no tool needed.
"""

import ctypes
import fcntl
import os
import struct
from pathlib import Path

from soundstage.engines.interface import Capability

_NAME = "volume-size-limit"
_FS_IOC_FSGETXATTR = 0x801C581F
_FS_IOC_FSSETXATTR = 0x401C5820
# struct fsxattr: xflags, extsize, nextents, projid, cowextsize and eight bytes of padding.
_FSXATTR = struct.Struct("=IIIII8x")
_PROJECT_INHERIT = 0x00000200
_PROJECT_QUOTA = 2
# Of both file systems; the one without an X knows ext4's quotas alone.
_Q_XGETQSTAT = 0x5805
# struct fs_quota_stat: its flags behind a version, then two files, counts and times.
_STAT = struct.Struct("=xxH76x")
_IS_ENFORCED = 0x20
_Q_SETQUOTA = 0x800008
# struct if_dqblk: hard and soft blocks of 1 KiB, space, hard and soft inodes, inodes, two times,
# and which of them are valid.
_DQBLK = struct.Struct("=QQQQQQQQI4x")
_BLOCK_LIMITS_VALID = 1
# Project ids of ours have the highest bit set; the rest is the directory's inode number, which is
# its own while the directory is there.
_OURS = 0x8000_0000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.quotactl.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p]


class SizeLimits:
    """What the file system under `directory` can do about sizes."""

    def __init__(self, directory: Path) -> None:
        self._device = _device_of(directory)
        self._reason = self._why_not()

    def capability(self) -> Capability:
        if self._reason:
            detail = f"A volume's size is not limited here: {self._reason}."
            return Capability(name=_NAME, available=False, detail=detail)
        detail = f"A volume's size is limited by a project quota on {self._device}."
        return Capability(name=_NAME, available=True, detail=detail)

    def set(self, directory: Path, size_gib: int) -> None:
        """Limit a new, empty directory; does nothing where `capability` says it can't be."""
        if self._reason:
            return
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            project = set_project(fd)
        finally:
            os.close(fd)
        kibibytes = size_gib << 20
        limits = _DQBLK.pack(kibibytes, kibibytes, 0, 0, 0, 0, 0, 0, _BLOCK_LIMITS_VALID)
        self._quotactl(_Q_SETQUOTA, project, limits)

    def _why_not(self) -> str:
        if os.geteuid() != 0:
            return "only root may set quotas"
        if self._device is None:
            return "its file system has no device of its own"
        try:
            (flags,) = _STAT.unpack(self._quotactl(_Q_XGETQSTAT, 0, bytes(_STAT.size)))
        except OSError:
            # One that knows them says so when they are off, and another that it knows no such call.
            flags = 0
        if flags & _IS_ENFORCED:
            return ""
        return f"{self._device} keeps no project quotas (ext4 and xfs do, mounted with prjquota)"

    def _quotactl(self, action: int, project: int, argument: bytes) -> bytes:
        """Answers what the kernel wrote over the argument. Raises OSError."""
        device = os.fsencode(self._device or "")
        buffer = ctypes.create_string_buffer(argument, len(argument))
        signed = ctypes.c_int((action << 8) | _PROJECT_QUOTA).value
        if _libc.quotactl(signed, device, ctypes.c_int(project).value, buffer) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return buffer.raw


def set_project(directory: int) -> int:
    """Make a directory, and whatever comes into it, a project of its own; answers its id."""
    project = _OURS | (os.fstat(directory).st_ino & (_OURS - 1))
    fields = bytearray(_FSXATTR.size)
    fcntl.ioctl(directory, _FS_IOC_FSGETXATTR, fields)
    flags, extent, extents, _, copied = _FSXATTR.unpack(fields)
    wanted = _FSXATTR.pack(flags | _PROJECT_INHERIT, extent, extents, project, copied)
    fcntl.ioctl(directory, _FS_IOC_FSSETXATTR, wanted)
    return project


def _device_of(directory: Path) -> str | None:
    about = directory.stat().st_dev
    wanted = f"{os.major(about)}:{os.minor(about)}"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            source = after.split()[1]
            if source.startswith("/dev/"):
                return source
    return None
