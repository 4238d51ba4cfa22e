"""The small process that holds one workstation's sandbox; outlives the service that began it.

Started by `process.py` as a program of its own (`python3 -I -S supervisor.py`), with the plan on
standard input and the session's life lock as an inherited descriptor. Standard library only, and
few modules of it: one of these runs for every workstation, for days.

When it dies the sandbox dies (PDEATHSIG); when it lives, the lock is held. Its own file,
`status.json`, says how far it is.
"""

import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KILL_AFTER_SECONDS = 10.0
_LINE_LIMIT = 200
_ERROR_LIMIT = 400
_PIPE_READ = 4096
_PASSED_OVER = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
_STAGES = ("/mnt", "/media", "/srv")

_MS_BIND, _MS_REC, _MS_SLAVE, _MS_NOSUID, _MS_NODEV = 4096, 16384, 1 << 19, 2, 4
_CLONE_NEWNS = 0x20000
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 15, 36, 38


def main() -> None:
    plan = json.loads(sys.stdin.buffer.read())
    _detach(plan["keep_fds"])
    supervisor = Supervisor(plan)
    try:
        supervisor.start()
    except OSError as error:
        supervisor.end(None, f"the sandbox could not be made: {error}")
    else:
        supervisor.watch()


def start_time(pid: int) -> int | None:
    """Ticks since boot when the process began; None when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 -- pathlib costs memory.
            fields = file.read().rsplit(b")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:  # noqa: PTH123 -- as above.
        return file.read().strip()


class Supervisor:
    """One sandbox from its start to its last process."""

    def __init__(self, plan: dict) -> None:  # type: ignore[type-arg]
        self.plan = plan
        self.directory = plan["directory"]
        self.status = {
            "attempt": plan["attempt"],
            "phase": "starting",
            "pid": os.getpid(),
            "start_time": start_time(os.getpid()),
            "boot_id": boot_id(),
            "inner_pid": None,
            "inner_start_time": None,
            "ready": False,
            "stopped": False,
            "takes_messages": True,
            "detail": "making the sandbox",
            "began_at": time.time(),
            "since": time.time(),
        }
        self.child = 0
        self.deadline: float | None = None
        self.told: set[str] = set()
        self.errors = b""
        self.lines = b""
        self.bwrap_lines = b""

    def start(self) -> None:
        self.write_status()
        if not self.plan.get("walls", True):
            _adopt_orphans()
        wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_w)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        self.wake = wake_r
        self.steps, steps_w = os.pipe2(os.O_CLOEXEC)
        command_r, self.command = os.pipe2(os.O_CLOEXEC)
        self.bwrap_status, bwrap_status_w = os.pipe2(os.O_CLOEXEC)
        self.stderr, stderr_w = os.pipe2(os.O_CLOEXEC)
        parent = os.getpid()
        self.child = os.fork()
        if self.child == 0:
            try:
                _become_sandbox(self.plan, parent, (steps_w, command_r, bwrap_status_w, stderr_w))
            except BaseException as error:  # noqa: BLE001 -- nothing may return from a forked child.
                os.write(stderr_w, f"{type(error).__name__}: {error}\n".encode())
            os._exit(127)
        for end in (steps_w, command_r, bwrap_status_w, stderr_w):
            os.close(end)
        for end in (self.steps, self.bwrap_status, self.stderr, self.command):
            os.set_blocking(end, False)
        # What is no longer needed must not stay in memory for days.
        for name in ("data", "seccomp", "environment", "arguments"):
            self.plan.pop(name, None)

    def watch(self) -> None:
        poll = select.poll()
        for source in (self.wake, self.steps, self.bwrap_status, self.stderr):
            poll.register(source, select.POLLIN)
        while True:
            left = None
            if self.deadline is not None:
                left = max(0.0, (self.deadline - time.monotonic()) * 1000)
            for source, _ in poll.poll(left):
                if not self.take(source):
                    poll.unregister(source)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self.kill()
                self.deadline = None
            exited, status = os.waitpid(self.child, os.WNOHANG)
            if exited:
                for source in (self.steps, self.bwrap_status, self.stderr):
                    while self.take(source):
                        pass
                self.end(os.waitstatus_to_exitcode(status), "")
                return

    def take(self, source: int) -> bool:
        """Read one piece; reports whether more may come."""
        try:
            piece = os.read(source, _PIPE_READ)
        except BlockingIOError:
            return source == self.wake
        if not piece:
            return False
        if source == self.wake:
            if signal.SIGUSR1 in piece:
                self.pass_messages_on()
            if signal.SIGTERM in piece:
                self.ask_to_stop()
        elif source == self.steps:
            *whole, self.lines = (self.lines + piece).split(b"\n")
            self.lines = self.lines[-_LINE_LIMIT:]
            for line in whole:
                self.step(line)
        elif source == self.stderr:
            self.errors = (self.errors + piece)[:_ERROR_LIMIT]
        else:
            self.learn_inner(piece)
        return True

    def step(self, line: bytes) -> None:
        """The desktop's starter says how far it is. The artist owns it: bound and clean it."""
        word, _, rest = line.decode(errors="replace").partition(" ")
        text = "".join(c for c in rest if c.isprintable())[:_LINE_LIMIT]
        if word == "ready" and not self.status["ready"]:
            self.status.update(ready=True, since=time.time())
            if self.status["phase"] == "starting":
                self.status["phase"] = "running"
        if text:
            self.status["detail"] = text
        self.write_status()

    def learn_inner(self, piece: bytes) -> None:
        *whole, self.bwrap_lines = (self.bwrap_lines + piece).split(b"\n")
        for line in whole:
            pid = json.loads(line).get("child-pid")
            if pid:
                self.status.update(inner_pid=pid, inner_start_time=start_time(pid))
                self.write_status()

    def pass_messages_on(self) -> None:
        """Give the desktop what the service wrote down for it since the last time."""
        try:
            with open(self.directory + "/messages.json") as file:  # noqa: PTH123 -- as above.
                written = json.load(file)
        except (OSError, ValueError):
            return
        if written["attempt"] != self.status["attempt"]:
            return
        for message in written["messages"]:
            if message["key"] in self.told:
                continue
            try:
                os.write(self.command, b"show " + json.dumps(message).encode() + b"\n")
            except OSError:
                # A desktop that does not read is not waited for.
                return
            self.told.add(message["key"])

    def ask_to_stop(self) -> None:
        if self.status["stopped"]:
            return
        self.status.update(stopped=True, phase="stopping", since=time.time())
        self.status["detail"] = "closing the desktop"
        self.write_status()
        self.deadline = time.monotonic() + self.plan.get("kill_after", KILL_AFTER_SECONDS)
        try:
            os.write(self.command, b"stop\n")
        except OSError:
            self.kill()

    def kill(self) -> None:
        for pid in (self.status["inner_pid"], self.child):
            if pid:
                try:  # noqa: SIM105 -- contextlib costs memory.
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass

    def end(self, code: int | None, why: str) -> None:
        """All processes of the sandbox are waited for, then what it used is given back."""
        self.wait_for_inner()
        if not self.plan.get("walls", True):
            _end_descendants()
        for path in self.plan["cgroups_left"]:
            _remove_cgroup(path)
        _empty(self.plan["stream_directory"])
        self.status.update(phase="ended", exit_code=code, since=time.time())
        errors = self.errors.decode(errors="replace").strip().replace("\n", "; ")
        if why or (errors and not self.status["ready"] and not self.status["stopped"]):
            self.status["detail"] = why or errors
        self.write_status()

    def wait_for_inner(self) -> None:
        """The sandbox's first process outlives every other one in its process namespace."""
        pid, began = self.status["inner_pid"], self.status["inner_start_time"]
        if pid is None or start_time(pid) != began:
            return
        try:
            os.kill(pid, signal.SIGKILL)
            descriptor = os.pidfd_open(pid)
        except OSError:
            return
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(5000)
        os.close(descriptor)

    def write_status(self) -> None:
        path = self.directory + "/status.json"
        with open(path + ".new", "w") as file:  # noqa: PTH123 -- as above.
            json.dump(self.status, file)
        os.replace(path + ".new", path)  # noqa: PTH105 -- as above.


def _detach(keep: list[int]) -> None:
    """Leave the service's process group and session, so that nothing sent to those arrives."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for descriptor in keep:
        os.set_inheritable(descriptor, False)
    for number in _PASSED_OVER:
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    os.umask(0o077)


def _become_sandbox(plan: dict, parent: int, ends: tuple[int, int, int, int]) -> None:  # type: ignore[type-arg]
    """In the forked child: limits, mounts, user, then bubblewrap. Returns only by failing."""
    import ctypes  # noqa: PLC0415 -- in the child only, which is replaced: saves the parent memory.

    libc = ctypes.CDLL(None, use_errno=True)
    for path in plan["cgroups"]:
        with open(path + "/cgroup.procs", "w") as file:  # noqa: PTH123 -- as above.
            file.write(str(os.getpid()))
    groups = _open_parts(plan["parts"])
    for number in (*_PASSED_OVER, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    places = {f"\0bind:{i}": source for i, source in enumerate(plan["binds"])}
    places |= {f"\0device:{i}": node for i, node in enumerate(plan["devices"])}
    if plan["uid"] is not None:
        places = _stage(libc, plan["binds"])
        if plan["devices"]:
            places |= _own_devices(plan)
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    # After the change of user, which would clear it; the parent may have died just before.
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) or os.getppid() != parent:
        os._exit(127)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    steps, command, status, stderr = ends
    os.dup2(stderr, 2)
    if not plan.get("walls", True):
        for end in (steps, command):
            os.set_inheritable(end, True)
        own = {"SOUNDSTAGE_STEPS_FD": str(steps), "SOUNDSTAGE_COMMAND_FD": str(command)}
        own["SOUNDSTAGE_GROUPS"] = groups
        words = plan["command"]
        os.execve(words[0], words, {**plan["environment"], **own})  # noqa: S606 -- no shell is wanted.
    places.update({"\0steps": str(steps), "\0command": str(command), "\0status": str(status)})
    places["\0groups"] = groups
    places["\0seccomp"] = str(_memory("seccomp", bytes.fromhex(plan["seccomp"])))
    for name, text in plan["data"].items():
        places[f"\0data:{name}"] = str(_memory(name, text.encode()))
    arguments = [places.get(word, word) for word in plan["arguments"]]
    packed = _memory("arguments", b"\0".join(word.encode() for word in arguments) + b"\0")
    for end in (steps, command, status):
        os.set_inheritable(end, True)
    # Neither arguments nor environment may show the outside anything secret: both come by
    # descriptor.
    line = [plan["program"], "--args", str(packed), "--", *plan["command"]]
    os.execve(plan["program"], line, {"PATH": "/usr/bin:/bin"})  # noqa: S606 -- no shell is wanted.


def _open_parts(parts: dict) -> str:  # type: ignore[type-arg]
    """Open, with the rights of now, what the starter parts programs with: the list of the desktop's
    processes, and the doors to the groups of programs.
    """
    if not parts["programs"]:
        return ""
    opened = [os.open(parts["desktop"] + "/cgroup.procs", os.O_RDONLY)]
    opened += [os.open(path + "/cgroup.procs", os.O_WRONLY) for path in parts["programs"]]
    for descriptor in opened:
        os.set_inheritable(descriptor, True)
    return " ".join(str(descriptor) for descriptor in opened)


def _own_devices(plan: dict) -> dict[str, str]:  # type: ignore[type-arg]
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 -- as above.
    import devices  # type: ignore[import-not-found]  # noqa: PLC0415 -- only where there are some.

    stage = next(folder for folder in _STAGES if os.path.isdir(folder))  # noqa: PTH112 -- as above.
    return devices.lay_out(plan["devices"], stage + "/devices", plan["uid"])  # type: ignore[no-any-return]


def _memory(name: str, content: bytes) -> int:
    descriptor = os.memfd_create(name, 0)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _stage(libc: "Any", binds: list[str]) -> dict[str, str]:
    """Bind every source below one folder that any user may enter, in a mount namespace of our own.

    The workstation's user can't walk to a source below, say, /root (mode 0700), and bubblewrap
    resolves sources as that user. Opened by root before privileges are dropped, they can be bound
    whatever the modes of the folders above are. The namespace goes with its last process, so no
    mount can be left over.
    """
    import ctypes  # noqa: PLC0415 -- in the child only.

    def mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
        args = (source.encode(), target.encode(), kind.encode() if kind else None, flags)
        if libc.mount(*args, options.encode() if options else None):
            number = ctypes.get_errno()
            raise OSError(number, f"mount {source} on {target}: {os.strerror(number)}")

    if libc.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "a mount namespace was refused")
    mount("none", "/", None, _MS_REC | _MS_SLAVE, None)
    opened = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source in binds]
    stage = next(folder for folder in _STAGES if os.path.isdir(folder))  # noqa: PTH112 -- as above.
    mount("soundstage", stage, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
    places = {}
    for i, descriptor in enumerate(opened):
        target = f"{stage}/{i}"
        os.mkdir(target, 0o755)  # noqa: PTH102 -- as above.
        mount(f"/proc/self/fd/{descriptor}", target, None, _MS_BIND, None)
        os.close(descriptor)
        places[f"\0bind:{i}"] = target
    return places


def _adopt_orphans() -> None:
    """Without a process namespace nothing else keeps the desktop's programs together."""
    import ctypes  # noqa: PLC0415 -- only without walls, where memory is nobody's concern.

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_descendants() -> None:
    """Without a process namespace: kill whatever the desktop left, until nothing is left."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123 -- as above.
            children = [int(pid) for pid in file.read().split()]
        if not children:
            return
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _remove_cgroup(path: str) -> None:
    for _ in range(100):
        try:
            os.rmdir(path)  # noqa: PTH106 -- as above.
        except FileNotFoundError:
            return
        except OSError:
            # The kernel takes its last process off a moment after that was waited for.
            time.sleep(0.01)
        else:
            return


def _empty(directory: str) -> None:
    """Remove what the desktop left in the folder of its sockets; its own links aren't followed."""
    import shutil  # noqa: PLC0415 -- needed once, at the end.

    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)  # noqa: PTH108 -- as above.


if __name__ == "__main__":
    main()
