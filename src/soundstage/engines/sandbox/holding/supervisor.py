"""The small process that holds one workstation's sandbox; outlives the service that began it.

Started by `process.py` as a program of its own (`python3 -I -S supervisor.py`), with the plan on
standard input and the session's life lock as an inherited descriptor. Standard library only, and
few modules of it: one of these runs for every workstation, for days. What it forks becomes the
sandbox by `building.py`.

When it dies the sandbox dies (PDEATHSIG); when it lives, the lock is held. Its own file,
`status.json`, says how far it is.
"""

import json
import os
import select
import signal
import socket
import sys
import time

# What is said inside is read as in an instance; pathlib costs memory.
_ENGINES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 -- as above.
sys.path.insert(0, _ENGINES + "/desktop")

from said import Said  # type: ignore[import-not-found]  # noqa: E402 -- found by the line above.

KILL_AFTER_SECONDS = 10.0
_ERROR_LIMIT = 400
_PIPE_READ = 4096
_PASSED_OVER = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
_PR_SET_CHILD_SUBREAPER = 36
# As in building.py, which is not loaded here.
_MOUNT_FAILED = 126
# Programs that write to a file server go on for so long when the sandbox has ended.
_CLIENTS_END_WITHIN = 60.0
_STARTS_KEPT = 5


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
            "reason": "INTERNAL",
            "detail": "making the sandbox",
            "began_at": time.time(),
            "since": time.time(),
        }
        # Without a process namespace nothing else keeps the desktop's programs together; what
        # connects it with file servers stands beside that namespace.
        clients = [share for share in plan.get("shares", ()) if share["client"] == "program"]
        self.keeps_orphans = not plan.get("walls", True) or bool(clients)
        self.child = 0
        self.deadline: float | None = None
        self.told: set[str] = set()
        self.errors = b""
        self.bwrap_lines = b""
        self.said = Said(plan["scripts"]["list"], plan["script_seconds"])
        self.said.marks.append({"stage": "machine", "at": self.status["began_at"]})
        self.status["marks"] = self.said.marks

    def start(self) -> None:
        self.write_status()
        self.hold_image()
        if self.keeps_orphans:
            _adopt_orphans()
        wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_w)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.signal(signal.SIGUSR2, lambda *_: None)
        self.wake = wake_r
        self.steps, steps_w = os.pipe2(os.O_CLOEXEC)
        command_r, self.command = os.pipe2(os.O_CLOEXEC)
        self.results, results_w = os.pipe2(os.O_CLOEXEC)
        self.bwrap_status, bwrap_status_w = os.pipe2(os.O_CLOEXEC)
        self.stderr, stderr_w = os.pipe2(os.O_CLOEXEC)
        self.users, users_w = socket.socketpair()
        ends = {
            "steps": steps_w,
            "command": command_r,
            "results": results_w,
            "status": bwrap_status_w,
            "stderr": stderr_w,
        }
        parent = os.getpid()
        self.child = os.fork()
        if self.child == 0:
            # It waits at the other end, and must see when nobody is at this one any more.
            self.users.close()
            try:
                _become_sandbox(self.plan, parent, ends, users_w)
            except BaseException as error:  # noqa: BLE001 -- nothing may return from a forked child.
                os.write(stderr_w, f"{type(error).__name__}: {error}\n".encode())
            os._exit(127)
        for end in ends.values():
            os.close(end)
        users_w.close()
        for end in (*self.sources(), self.command):
            os.set_blocking(end, False)
        # What is no longer needed must not stay in memory for days.
        for name in ("data", "seccomp", "environment", "arguments", "shares"):
            self.plan.pop(name, None)
        self.plan.pop("scripts")
        self.forget_old_outputs()

    def hold_image(self) -> None:
        """An image that was made here stays for as long as this lives: its lock is shared."""
        if self.plan.get("image_in_use") is None:
            return
        import fcntl  # noqa: PLC0415 -- few workstations need it.

        self.held = os.open(self.plan["image_in_use"], os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(self.held, fcntl.LOCK_SH)

    def sources(self) -> tuple[int, ...]:
        # Results before steps, so that none is still to be read when a step has caught up.
        ends = (self.results, self.steps, self.bwrap_status, self.stderr)
        return (*ends, self.users.fileno())

    def watch(self) -> None:
        poll = select.poll()
        for source in (self.wake, *self.sources()):
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
                for source in self.sources():
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
            self.obey(piece)
        elif source == self.steps:
            for early in self.said.results_at_hand(self.results):
                self.learn_results(early)
            for word, text in self.said.steps(piece):
                self.step(word, text)
        elif source == self.results:
            self.learn_results(piece)
            return not self.said.is_too_much()
        elif source == self.stderr:
            self.errors = (self.errors + piece)[:_ERROR_LIMIT]
        elif source == self.users.fileno():
            self.make_users()
        else:
            self.learn_inner(piece)
        return True

    def obey(self, signals: bytes) -> None:
        if signal.SIGUSR1 in signals:
            self.pass_messages_on()
        if signal.SIGUSR2 in signals:
            self.let_go_on()
        if signal.SIGTERM in signals:
            self.ask_to_stop()

    def make_users(self) -> None:
        """The child has left the host's users behind and waits for its own."""
        try:
            _map_ids(self.child, self.plan["ids"])
            self.users.send(b"mapped")
        except OSError as error:
            self.errors = f"{error}; ".encode()
            self.users.shutdown(socket.SHUT_RDWR)

    def step(self, word: str, text: str) -> None:
        """The desktop's starter says how far it is."""
        if word == "prepared" and self.status["phase"] == "starting":
            self.status.update(phase="prepared", since=time.time())
        if word == "ready" and not self.status["ready"]:
            self.status.update(ready=True, since=time.time())
            if self.status["phase"] in {"starting", "prepared"}:
                self.status["phase"] = "running"
        if text and self.status["reason"] == "INTERNAL":
            self.status["detail"] = text
        self.write_status()

    def learn_results(self, piece: bytes) -> None:
        """Scripts have ended; the first one that failed is what the start failed of."""
        number = len(self.said.outputs)
        failed = self.said.results(piece)
        if len(self.said.outputs) > number:
            self.write("scripts/" + str(self.status["attempt"]) + ".json", self.said.outputs)
        if failed and self.status["reason"] == "INTERNAL":
            reason, sentence = failed[0]
            self.status.update(reason=reason, detail=sentence)
            self.write_status()

    def forget_old_outputs(self) -> None:
        """Keep those of the last starts, this one included."""
        folder = self.directory + "/scripts"
        os.makedirs(folder, 0o700, exist_ok=True)  # noqa: PTH103 -- as above.
        numbers = sorted(int(name[:-5]) for name in os.listdir(folder) if name[:-5].isdigit())  # noqa: PTH208 -- as above.
        for number in [n for n in numbers if n != self.status["attempt"]][: 1 - _STARTS_KEPT]:
            os.unlink(f"{folder}/{number}.json")  # noqa: PTH108 -- as above.

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

    def let_go_on(self) -> None:
        """Somebody comes to what was prepared; who is told twice does nothing the second time."""
        try:
            os.write(self.command, b"go\n")
        except OSError:
            # It has ended, or it is told again.
            return

    def ask_to_stop(self) -> None:
        if self.status["stopped"]:
            return
        self.status.update(stopped=True, phase="stopping", since=time.time())
        self.status["detail"] = "closing the desktop"
        self.write_status()
        self.deadline = time.monotonic() + self.plan.get("kill_after", KILL_AFTER_SECONDS)
        if any(script["as_root"] for script in self.said.waiting()):
            # Nobody has logged in: there is nothing to close kindly.
            self.kill()
            return
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
        if self.keeps_orphans:
            _let_descendants_end(0.0 if not self.plan.get("walls", True) else _CLIENTS_END_WITHIN)
            _end_descendants()
        for path in self.plan["cgroups_left"]:
            _remove_cgroup(path)
        _empty(self.plan["stream_directory"])
        self.status.update(phase="ended", exit_code=code, since=time.time())
        errors = self.errors.decode(errors="replace").strip().replace("\n", "; ")
        is_early = not self.status["ready"] and not self.status["stopped"]
        if code == _MOUNT_FAILED and self.status["inner_pid"] is None:
            self.status["reason"] = "MOUNT"
            self.status["detail"] = errors
        elif self.status["reason"] == "INTERNAL" and (why or (errors and is_early)):
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
        self.write("status.json", self.status)

    def write(self, name: str, content: object) -> None:
        path = f"{self.directory}/{name}"
        with open(path + ".new", "w") as file:  # noqa: PTH123 -- as above.
            json.dump(content, file)
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


def _become_sandbox(plan: dict, parent: int, ends: dict, users: socket.socket) -> None:  # type: ignore[type-arg]
    """In the forked child, which is replaced: what it loads costs the supervisor no memory."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 -- as above.
    import building  # type: ignore[import-not-found]  # noqa: PLC0415 -- see the docstring.

    def map_ids() -> None:
        users.send(b"map")
        if users.recv(16) != b"mapped":
            raise OSError("the workstation's users could not be made")

    building.become_sandbox(plan, parent, building.Ends(**ends), map_ids)


def _map_ids(pid: int, ids: dict) -> None:  # type: ignore[type-arg]
    """Say to the kernel who is who in the child's new user namespace; as its own user by newuidmap,
    which looks whether the host gave this user those ids.
    """
    for kind, name in (("uid", "users"), ("gid", "groups")):
        rows = [[str(number) for number in row] for row in ids[name]]
        if os.geteuid() == 0:
            text = "".join(" ".join(row) + "\n" for row in rows)
            with open(f"/proc/{pid}/{kind}_map", "w") as file:  # noqa: PTH123 -- as above.
                file.write(text)
        else:
            words = [f"new{kind}map", str(pid), *(word for row in rows for word in row)]
            done = os.waitpid(os.posix_spawnp(words[0], words, {"PATH": os.defpath}), 0)[1]
            if done:
                raise OSError(f"{words[0]} refused: see /etc/sub{kind}")


def _adopt_orphans() -> None:
    """Become the parent of what outlives its own, so that it can be waited for."""
    import ctypes  # noqa: PLC0415 -- only without walls, where memory is nobody's concern.

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _let_descendants_end(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            time.sleep(0.02)


def _end_descendants() -> None:
    """Kill whatever is left, until nothing is."""
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
