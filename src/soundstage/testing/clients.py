"""Stock SDKs in environments of their own, driven by tests and stories.

The environment is made once from hashed requirements and kept in the repository's cache folder. The
SDK runs in a process of its own that is told what to call; nothing in it is patched.
"""

import fcntl
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

BOTO3 = "boto3-1.35.47"
CURRENT = "boto3-current"


class StockError(Exception):
    """The SDK raised a ClientError; `response` is what it made of the answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.class_name: str = error.pop("class")
        self.response = error
        self.code: str = error["Error"]["Code"]
        self.message: str = error["Error"]["Message"]
        self.status: int = error["ResponseMetadata"]["HTTPStatusCode"]
        super().__init__(f"{self.class_name} ({self.code}, {self.status}): {self.message}")


class StockFailure(Exception):  # noqa: N818 - the SDK's own failure, no error of the service
    """The SDK did not get as far as an answer, or a waiter gave up."""

    def __init__(self, message: str, last_response: Any) -> None:
        super().__init__(message)
        self.last_response = last_response


def ensure_boto3(repository: Path) -> Path:
    """Return the Python of an environment with the last SDK that knows the service."""
    return _ensure(repository, BOTO3, "clients-boto3.txt")


def ensure_current(repository: Path) -> Path:
    """Return the Python of an environment with today's SDK, and the command `aws` beside it."""
    return _ensure(repository, CURRENT, "clients-boto3-current.txt")


def _ensure(repository: Path, name: str, asked: str) -> Path:
    """Make the environment when it is missing or out of date."""
    requirements = repository / "requirements" / asked
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    folder = repository / ".cache" / "clients" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    python, stamp = folder / "bin" / "python", folder / "made-from"
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            install = ["-m", "pip", "install", "--quiet", "--require-hashes"]
            subprocess.run([python, *install, "-r", requirements], check=True)
            stamp.write_text(wanted, encoding="ascii")
    return python


def model_of_boto3(python: Path, part: str = "service-2") -> dict[str, Any]:
    """Read the service's model from the SDK's package; parts: paginators-1, waiters-2."""
    program = (
        "import json, sys, botocore.loaders as l; "
        "print(json.dumps(l.Loader().load_service_model('nimble', sys.argv[1])))"
    )
    done = subprocess.run([python, "-c", program, part], check=True, capture_output=True)
    model: dict[str, Any] = json.loads(done.stdout)
    return model


class StockClient:
    """A stock boto3 client in its own process; a context manager."""

    def __init__(self, repository: Path, python: Path, environment: Mapping[str, str]) -> None:
        driver = repository / "tests" / "clients" / "boto3_driver.py"
        # Nothing of the machine's own settings for the SDK may reach it.
        clean = {
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._process = subprocess.Popen(
            [python, "-E", driver],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**clean, **environment},
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
        """Wait with the SDK's waiter, asking every 0.05 s."""
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


def _moment(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value["moment"]) if value.keys() == {"moment"} else value
