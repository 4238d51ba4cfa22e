"""The system calls a workstation may not make, as a filter for bubblewrap; built once a service.

A list of what is denied, not of what is allowed: artists' programs are many and unknown, and the
namespaces already take most of what a call could reach. What is left to deny is what widens the
kernel's attackable surface and is no business of a desktop.

Nested user namespaces stay allowed. Denying them would be safer for the kernel but less safe for
the artist: browsers build the sandbox around each web page from them, and without them they are
run with that sandbox switched off. What makes them dangerous is what a process may then reach as
root of its own namespace, and that is denied here: every mount call, the packet filter's and
other rare socket families, bpf, perf, keys.
"""

import errno
import os
import tempfile
from functools import cache

import pyseccomp

DENIED = (
    # Mounts, in every spelling: nothing of a desktop mounts.
    "mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen",
    "fsconfig", "fsmount", "fspick", "pivot_root",
    # Other namespaces and other people's open files.
    "setns", "open_by_handle_at", "name_to_handle_at", "kcmp", "lookup_dcookie",
    # Kernel machinery with a long record of holes.
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "add_key", "request_key", "keyctl",
    # The machine itself.
    "acct", "clock_adjtime", "clock_settime", "delete_module", "finit_module", "init_module",
    "ioperm", "iopl", "kexec_file_load", "kexec_load", "nfsservctl", "quotactl", "quotactl_fd",
    "reboot", "settimeofday", "stime", "swapoff", "swapon", "syslog", "uselib", "ustat",
    "vhangup", "vm86", "vm86old", "migrate_pages", "move_pages",
)  # fmt: skip

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE, _NETLINK_KOBJECT_UEVENT = 0, 15
# ioctls that put characters into a terminal's input: a way out of a shell that was entered.
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_INT = 0xFFFFFFFF


@cache
def program() -> bytes:
    """The filter as the kernel reads it, for this machine's architecture."""
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    refused = pyseccomp.ERRNO(errno.EPERM)
    for name in DENIED:
        # Some exist on some architectures only.
        if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) != -1:
            rules.add_rule(refused, name)
    for request in (_TIOCSTI, _TIOCLINUX):
        rules.add_rule(refused, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _INT, request))
    _deny_socket_families(rules)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return os.read(file.fileno(), 1 << 20)


def _deny_socket_families(rules: "pyseccomp.SyscallFilter") -> None:
    """Leave local, internet and plain netlink sockets; say of the rest that they do not exist."""
    absent = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(_AF_NETLINK):
        if family not in {_AF_UNIX, _AF_INET, _AF_INET6}:
            rules.add_rule(absent, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    rules.add_rule(absent, "socket", pyseccomp.Arg(0, pyseccomp.GT, _AF_NETLINK))
    netlink = pyseccomp.Arg(0, pyseccomp.EQ, _AF_NETLINK)
    for protocol in range(_NETLINK_KOBJECT_UEVENT):
        if protocol != _NETLINK_ROUTE:
            rules.add_rule(absent, "socket", netlink, pyseccomp.Arg(2, pyseccomp.EQ, protocol))
    rules.add_rule(
        absent, "socket", netlink, pyseccomp.Arg(2, pyseccomp.GT, _NETLINK_KOBJECT_UEVENT)
    )
