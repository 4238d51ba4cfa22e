"""A certified OpenID Connect provider in a process of its own, and somebody who signs in at it.

Tests of signing in use it. Its signing key is the test's, so that a test can also sign what no good
provider would.
"""

import json
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from soundstage.testing.clients import ensure_openid_provider
from soundstage.testing.visitor import Form
from soundstage.testing.world import World, world

CLIENT_ID = "soundstage"
CLIENT_SECRET = "a-secret-of-the-client"  # noqa: S105 - of a client that tests make up


class OpenIDProvider:
    """One provider; `start` and `stop` it, and say who its people are."""

    def __init__(self, repository: Path, folder: Path, address: str = "") -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = int(free.getsockname()[1])
        self.issuer = f"http://localhost:{self.port}"
        self.key = new_key("first")
        self._environment = ensure_openid_provider(repository)
        self._script = repository / "tests" / "portal" / "provider" / "provider.mjs"
        self._file = folder / "provider.json"
        self._client: dict[str, Any] = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
        }
        self.expects(address)
        self._people: dict[str, dict[str, Any]] = {}
        self._process: subprocess.Popen[str] | None = None

    def expects(self, address: str) -> None:
        """Have it know the service at this address from its next start on."""
        self._client["redirect_uris"] = [f"{address}/sign-in/openid"]
        self._client["post_logout_redirect_uris"] = [f"{address}/"]

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._write()
        node = self._environment / "bin" / "node"
        variables = {"NODE_PATH": str(self._environment / "node_modules")}
        self._process = subprocess.Popen(
            [node, self._script, self._file],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        lines = iter(self._process.stdout or ())
        if not any(line.startswith("listens on") for line in lines):
            raise RuntimeError(f"The provider did not start ({self._process.wait()}).")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def knows(self, subject: str, **claims: Any) -> None:
        """Have something said of somebody from now on."""
        self._people[subject] = claims
        self._write()

    def sign_in(self, address: str, subject: str) -> dict[str, str]:
        """Sign somebody in where a browser was sent, and give what it comes back with."""
        with httpx.Client(trust_env=False) as browser:
            return self.answer_to(browser, address, subject)

    def answer_to(self, browser: httpx.Client, address: str, subject: str) -> dict[str, str]:
        """Do so in a browser that may be known there from before."""
        for _ in range(10):
            page = browser.get(address)
            if page.status_code == httpx.codes.OK:
                (target, fields), *_ = Form(page.text).found
                given = fields | {"login": subject, "password": "any"}
                page = browser.post(str(page.url.join(target)), data=given)
            address = str(page.url.join(page.headers["Location"]))
            if not address.startswith(self.issuer):
                return dict(parse_qsl(urlsplit(address).query))
        raise RuntimeError("The provider does not lead back.")

    def signed(self, claims: Mapping[str, Any], key: RSAKey | None = None, **header: str) -> str:
        """Sign an ID token as the provider does, or with another key."""
        key = key or self.key
        return jwt.encode({"alg": "RS256", "kid": str(key.kid), **header}, dict(claims), key)

    def settings(self) -> dict[str, Any]:
        """Give the settings by which a service knows it, all but the secret."""
        return {
            "oidc_issuer": self.issuer,
            "oidc_client_id": CLIENT_ID,
            "oidc_name": "Studio ID",
        }

    def _write(self) -> None:
        key = {**self.key.as_dict(private=True), "use": "sig", "alg": "RS256"}
        document = {
            "port": self.port,
            "keys": [key],
            "client": self._client,
            "people": self._people,
        }
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(document))
        new.replace(self._file)


class Between(httpx.BaseTransport):
    """Stands between the service and a provider, and changes what it says: no good one would."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._inner = httpx.HTTPTransport()
        self._changes: dict[str, Callable[[Any], Any]] = {}

    def change(self, path: str, change: Callable[[Any], Any]) -> None:
        """Have what is read at a path changed."""
        self._changes[path] = change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the provider, and change its answer."""
        path = request.url.path
        self.asked.append(path)
        answer = self._inner.handle_request(request)
        body = answer.read()
        answer.close()
        if path in self._changes:
            changed = self._changes[path](json.loads(body))
            body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        headers = [(name, value) for name, value in answer.headers.items() if "length" not in name]
        return httpx.Response(answer.status_code, headers=headers, stream=httpx.ByteStream(body))

    def close(self) -> None:
        """End what was one connection; there will be others."""
        self._inner.close()
        self._inner = httpx.HTTPTransport()


def new_key(name: str) -> RSAKey:
    """Make a key to sign with."""
    return RSAKey.generate_key(2048, {"kid": name})


@contextmanager
def running_provider(repository: Path, address: str) -> Iterator[OpenIDProvider]:
    """Run a provider that knows the service at this address, and end it."""
    with tempfile.TemporaryDirectory(prefix="soundstage-provider-") as folder:
        provider = OpenIDProvider(repository, Path(folder), address)
        provider.start()
        try:
            yield provider
        finally:
            provider.stop()


@contextmanager
def world_with(provider: OpenIDProvider, folder: Path, **settings: Any) -> Iterator[World]:
    """Make a world that knows the provider, and has its time."""
    secret = folder / "client-secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    secret.chmod(0o600)
    given = {
        **provider.settings(),
        "oidc_client_secret_file": secret,
        "throttle_sign_ins_per_minute": 0,
        **settings,
    }
    with world(folder / "home", **given) as made:
        # Standing still it would be left behind by the provider's, a minute in a slow module.
        made.clock.set(datetime.now(UTC))
        made.clock.run()
        yield made


def led_to(page: httpx.Response) -> str:
    """Say where a page of the portal leads to sign in."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    if found is None:
        raise LookupError(f"It leads nowhere ({page.status_code}): {page.text}")
    return unescape(found[1])
