"""Takes files from the stream's page and gives some out, inside a workstation and as its artist.

Started by `starter.py` where the launch profile allows uploads or downloads; the gateway connects
to its socket. What may be transferred at all is the gateway's to decide, for the artist owns this
process. What stands here is how: since it is the artist who writes, in the artist's own walls, no
name and no link can lead anywhere that the artist can't go.

One request a connection: a line of JSON, answered by a line of JSON. `put` waits for that answer,
sends its bytes, and has another line at the end; after the line of a `get` come the bytes.
An upload that is not whole yet is a hidden file beside where it will be, named by what the browser
knows of the file, so that the same file, dropped again, goes on. Standard library only.
"""

import errno
import fcntl
import hashlib
import json
import os
import socket
import stat
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LONGEST_NAME = 255
DEEPEST = 16
MOST_LISTED = 2000
KEEP_FREE = 256 * 1024 * 1024
"""A home that is quite full keeps programs from saving."""
_PIECE = 256 * 1024
_FLUSH_EVERY = 8 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_SILENCE_SECONDS = 90.0
_PART = ".soundstage-upload-"
_MOST_DROPPED = 1000
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class RefusedError(Exception):
    """It is not done; the answer says so with a word that the gateway has a sentence for."""

    def __init__(self, word: str, **facts: int) -> None:
        super().__init__(word)
        self.answer = {"refused": word, **facts}


def expand(folder: str) -> str:
    """The folder as it is called here."""
    home = os.path.expanduser("~")  # noqa: PTH111 -- pathlib costs memory, here and below.
    return home + folder.removeprefix("$HOME") if folder.startswith("$HOME") else folder


def checked(path: object) -> list[str]:
    """The names of a path below the folder, as they will be written. Raises RefusedError."""
    if not isinstance(path, list) or not 0 < len(path) <= DEEPEST:
        raise RefusedError("NAME")
    return [_checked_name(name) for name in path]


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise RefusedError("NAME")
    # Some systems write é as two characters; two names that look the same should be the same.
    name = unicodedata.normalize("NFC", name)
    # Control characters, those that turn the order of others around, halves of characters.
    is_odd = any(unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for each in name)
    if is_odd or "/" in name or name.startswith(".") or not name.strip():
        raise RefusedError("NAME")
    if len(name.encode()) > LONGEST_NAME:
        raise RefusedError("LONG_NAME")
    return name


def numbered(name: str, number: int) -> str:
    """The name of another file of the same name: `shot (2).exr`, cut where it would be too long."""
    if number == 1:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending.encode()) > 16:
        stem, ending = name, ""
    tail = f" ({number}){dot if ending else ''}{ending}"
    room = LONGEST_NAME - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore") + tail


def _part_name(path: list[str], size: int, modified: int) -> str:
    known = json.dumps([path, size, modified]).encode()
    return _PART + hashlib.sha256(known).hexdigest()[:32]


@contextmanager
def _folder(root: str, names: list[str], *, make: bool = False) -> Iterator[int]:
    """Open the folder below the root, following no link on the way. Raises OSError."""
    if make:
        os.makedirs(root, mode=0o755, exist_ok=True)  # noqa: PTH103 -- as above.
    place = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=place)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(name, flags, dir_fd=place)
            os.close(place)
            place = below
        yield place
    finally:
        os.close(place)


class _Dropped:
    """Which uploads were cancelled, by folder and part.

    A piece that a page sent just before it cancelled may arrive after the word that it did, and
    would begin the file again; so a cancelled one takes no piece until somebody begins it anew.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        """Held while one is added, and from the look whether one is there to the part's opening."""
        self._parts: dict[tuple[str, str], None] = {}

    def add(self, root: str, part: str) -> None:
        self._parts[root, part] = None
        while len(self._parts) > _MOST_DROPPED:
            del self._parts[next(iter(self._parts))]

    def forget(self, root: str, part: str) -> None:
        self._parts.pop((root, part), None)

    def holds(self, root: str, part: str) -> bool:
        return (root, part) in self._parts


_dropped = _Dropped()


class Upload:
    """One file on its way in."""

    def __init__(self, root: str, asked: dict[str, object]) -> None:
        self.root = root
        self.path = checked(asked.get("path"))
        self.size = _number(asked, "size")
        # Before 1970 it is below zero.
        self.modified = _number(asked, "modified", least=-(2**53))
        self.part = _part_name(self.path, self.size, self.modified)

    def begin(self) -> dict[str, object]:
        """How much of it is here already."""
        with _dropped.lock:
            _dropped.forget(self.root, self.part)
        with _folder(self.root, self.path[:-1], make=True) as folder:
            have = self._have(folder)
            room = os.fstatvfs(folder)
            if self.size - have > max(0, room.f_bavail * room.f_frsize - KEEP_FREE):
                raise RefusedError("FULL")
            return {"offset": have}

    def put(self, asked: dict[str, object], connection: "Connection") -> dict[str, object]:
        """Take one piece. What arrives of a piece that breaks off is kept."""
        offset, length = _number(asked, "offset"), _number(asked, "length")
        if offset + length > self.size:
            raise RefusedError("NAME")
        with _folder(self.root, self.path[:-1], make=True) as folder:
            part = self._open(folder, offset)
            try:
                self._hold(part)
                have = os.fstat(part).st_size
                if have != offset:
                    raise RefusedError("OFFSET", offset=min(have, self.size))
                connection.say({"offset": offset})
                self._take(part, offset, length, connection)
                have = offset + length
                if have < self.size:
                    return {"offset": have}
                os.fsync(part)
                return {"offset": have, "copy": self._land(folder, part)}
            finally:
                os.close(part)

    def drop(self) -> dict[str, object]:
        """Forget what is here of it."""
        with _dropped.lock:
            _dropped.add(self.root, self.part)
        with _folder(self.root, self.path[:-1]) as folder:
            with suppress(FileNotFoundError):
                os.unlink(self.part, dir_fd=folder)
            return {"offset": 0}

    def _open(self, folder: int, offset: int) -> int:
        """Open what is here of it; only its first piece makes it."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        if offset == 0:
            flags |= os.O_CREAT
        with _dropped.lock:
            if _dropped.holds(self.root, self.part):
                raise RefusedError("OFFSET", offset=0)
            try:
                return os.open(self.part, flags, 0o644, dir_fd=folder)
            except FileNotFoundError:
                raise RefusedError("OFFSET", offset=0) from None

    def _have(self, folder: int) -> int:
        try:
            about = os.stat(self.part, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return 0
        return min(about.st_size, self.size) if stat.S_ISREG(about.st_mode) else 0

    def _hold(self, part: int) -> None:
        """Two pages may drop the same file: one of them writes."""
        if not stat.S_ISREG(os.fstat(part).st_mode):
            raise RefusedError("FOLDER")
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RefusedError("BUSY") from None

    def _take(self, part: int, offset: int, length: int, connection: "Connection") -> None:
        os.lseek(part, offset, os.SEEK_SET)
        left, flushed = length, 0
        failed: OSError | None = None
        while left:
            piece = connection.read(min(left, _PIECE))
            left -= len(piece)
            if failed is not None:
                continue
            try:
                view = memoryview(piece)
                while view:
                    view = view[os.write(part, view) :]
                flushed += len(piece)
                if flushed >= _FLUSH_EVERY:
                    # Never much more than this waits to be written: a disk with gigabytes on
                    # the way would keep everybody's programs waiting.
                    os.fdatasync(part)
                    flushed = 0
            except OSError as error:
                # The rest is read all the same, so that the answer is heard.
                failed = error
        if failed is not None:
            raise failed

    def _land(self, folder: int, part: int) -> int:
        """Give it its name, or the first with a number that is free; nothing is overwritten."""
        already = self._landed(folder, part)
        number = already or 1
        while not already:
            try:
                self._name(folder, numbered(self.path[-1], number))
                break
            except FileExistsError:
                number += 1
                if number > 10_000:
                    raise RefusedError("NAME") from None
        if self.modified > 0:
            with suppress(OSError):
                os.utime(part, ns=(self.modified * 1_000_000, self.modified * 1_000_000))
        with suppress(FileNotFoundError):
            os.unlink(self.part, dir_fd=folder)
        return number

    def _landed(self, folder: int, part: int) -> int | None:
        """Which name it got from one who died before the hidden one was gone."""
        mine = os.fstat(part)
        for number in range(1, 100) if mine.st_nlink > 1 else ():
            with suppress(FileNotFoundError):
                name = numbered(self.path[-1], number)
                other = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if (other.st_dev, other.st_ino) == (mine.st_dev, mine.st_ino):
                    return number
        return None

    def _name(self, folder: int, name: str) -> None:
        try:
            os.link(self.part, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # Some shares know no links: keep the name first, then take its place.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o644, dir_fd=folder))
            os.rename(self.part, name, src_dir_fd=folder, dst_dir_fd=folder)


def listed(root: str) -> dict[str, object]:
    """The files of the folder and of those in it, by names; what is hidden or a link is not."""
    files: list[dict[str, object]] = []
    pending: list[list[str]] = [[]]
    room = 1024 * 1024
    while pending:
        names = pending.pop(0)
        try:
            with _folder(root, names) as folder, os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
                for entry in found:
                    if not _is_shown(entry.name):
                        continue
                    path = [*names, entry.name]
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(about.st_mode) and len(path) < DEEPEST:
                        pending.append(path)
                    elif stat.S_ISREG(about.st_mode):
                        modified = about.st_mtime_ns // 1_000_000
                        row = {"path": path, "size": about.st_size, "modified": modified}
                        files.append(row)
                    room -= sum(len(part.encode()) for part in path) + 64
                    if len(files) >= MOST_LISTED or room < 0:
                        return {"files": files, "more": True}
        except OSError:
            # Removed meanwhile, or locked away by the artist.
            continue
    return {"files": files, "more": False}


def _is_shown(name: str) -> bool:
    try:
        return name == _checked_name(name)
    except (RefusedError, UnicodeEncodeError):
        return False


def give(root: str, asked: dict[str, object], connection: "Connection") -> None:
    """Send a part of a file: its size and what follows, then the bytes themselves."""
    path = checked(asked.get("path"))
    offset, length = _number(asked, "offset"), _number(asked, "length")
    try:
        with _folder(root, path[:-1]) as folder:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(path[-1], flags, dir_fd=folder)
    except OSError:
        raise RefusedError("GONE") from None
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise RefusedError("GONE")
        length = max(0, min(length, about.st_size - offset))
        modified = about.st_mtime_ns // 1_000_000
        connection.say({"size": about.st_size, "modified": modified, "length": length})
        connection.send(file, offset, length)
    finally:
        os.close(file)


class Connection:
    """One request."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.lines = connection.makefile("rb")

    def say(self, answer: dict[str, object]) -> None:
        """Send one line."""
        self.socket.sendall(json.dumps(answer).encode() + b"\n")

    def read(self, most: int) -> bytes:
        """Read on; raises ConnectionError when it broke off."""
        piece = self.lines.read1(most)
        if not piece:
            raise ConnectionError
        return piece

    def send(self, file: int, offset: int, length: int) -> None:
        """Send so many bytes of a file; fewer when it is cut short meanwhile, which is seen."""
        while length > 0:
            try:
                piece = os.pread(file, min(length, _PIECE), offset)
            except OSError:
                raise ConnectionError from None
            if not piece:
                return
            self.socket.sendall(piece)
            offset, length = offset + len(piece), length - len(piece)


def answer(asked: dict[str, object], plan: dict[str, str | None], connection: Connection) -> None:
    """Do what is asked. Raises RefusedError."""
    what = asked.get("do")
    to, source = plan.get("upload_to"), plan.get("download_from")
    if what in {"begin", "put", "drop"} and to is not None:
        upload = Upload(expand(to), asked)
        if what == "put":
            connection.say(upload.put(asked, connection))
        else:
            connection.say(upload.begin() if what == "begin" else upload.drop())
    elif what == "list" and source is not None:
        connection.say(listed(expand(source)))
    elif what == "get" and source is not None:
        give(expand(source), asked, connection)
    else:
        raise RefusedError("NOT_ALLOWED")


def serve_one(connection: socket.socket, plan: dict[str, str | None]) -> None:
    """Answer one request, whatever it is."""
    connection.settimeout(_SILENCE_SECONDS)
    made = Connection(connection)
    with suppress(OSError), connection, made.lines:
        try:
            line = made.lines.readline(_LONGEST_LINE)
            asked = json.loads(line) if line.endswith(b"\n") else None
            if not isinstance(asked, dict):
                raise RefusedError("BROKEN")  # noqa: TRY301 -- answered like every other.
            answer(asked, plan, made)
        except RefusedError as error:
            made.say(error.answer)
        except (ConnectionError, TimeoutError):
            return
        except FileNotFoundError:
            made.say({"refused": "GONE"})
        except OSError as error:
            made.say({"refused": "FULL" if error.errno in _FULL else "FOLDER"})
        except (ValueError, RecursionError):
            made.say({"refused": "BROKEN"})


def _number(asked: dict[str, object], name: str, least: int = 0) -> int:
    found = asked.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= 2**53:
        raise RefusedError("BROKEN")
    return found


def main() -> None:
    """Serve for as long as the desktop lives."""
    place, plan = sys.argv[1], json.loads(sys.argv[2])
    # Whoever paints comes first.
    os.nice(10)
    with suppress(FileNotFoundError):
        os.unlink(place)  # noqa: PTH108 -- as above.
    os.umask(0o077)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen(16)
    os.umask(0o022)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=(connection, plan), daemon=True).start()


if __name__ == "__main__":
    main()
