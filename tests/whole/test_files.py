"""Files from a link to the artist's folder, nothing made up: SDK, service, gateway, desktop."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from soundstage.testing.clients import StockClient
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import Studio, Workstation, until


class Visitor:
    """Whoever opened a stream's link, with a bare HTTP client."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        _, headers, _ = self._ask("GET", f"{self._address.path}?{self._address.query}", {})
        self._cookie = headers["set-cookie"].partition(";")[0]

    def send(self, method: str, name: str, content: bytes) -> tuple[int, dict[str, Any]]:
        file = {"path": [name], "size": len(content), "modified": 1, "offset": 0}
        host = self._address.netloc
        headers = {"Origin": f"http://{host}", "Soundstage-File": quote(json.dumps(file))}
        body = content if method == "PUT" else None
        status, _, answer = self.ask(method, "uploads", headers, body)
        return status, json.loads(answer)

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        cookie = {"Cookie": self._cookie}
        return self._ask(method, f"{self._address.path}api/{path}", {**headers, **cookie}, body)

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._address.netloc, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()


def folder_of(home: Path, workstation: Workstation) -> Path:
    return home / "volumes" / workstation.id / "0/home/in/plates"


@pytest.mark.timeout(180)
def test_a_session_takes_files_by_the_rules_that_it_was_made_with(
    service: ServiceProcess, sdk: StockClient, home: Path
) -> None:
    del service
    storage = {"mode": ["UPLOAD"], "root": {"linux": "$HOME/in/plates"}}
    studio = Studio(sdk, sessionStorage=storage)
    allowed = studio.launch()
    where = {**studio.where, "launchProfileId": studio.profile_id}
    rules = sdk.call("get_launch_profile", **where)["launchProfile"]["streamConfiguration"]
    assert rules.pop("sessionStorage") == storage
    sdk.call("update_launch_profile", **where, streamConfiguration=rules)
    sdk.wait("launch_profile_ready", **where)
    refused = studio.launch()

    visitor = Visitor(allowed.new_url())
    # What moves the files starts a moment after the desktop answers.
    until("the workstation takes files", lambda: visitor.send("POST", "a.exr", b"x")[0] == 200)
    assert visitor.send("PUT", "a.exr", b"pixels") == (200, {"offset": 6, "copy": 1})
    assert (folder_of(home, allowed) / "a.exr").read_bytes() == b"pixels"
    assert visitor.ask("GET", "downloads", {})[0] == 403

    stranger = Visitor(refused.new_url())
    assert stranger.send("PUT", "a.exr", b"pixels")[0] == 403
    assert stranger.ask("GET", "transfers", {})[0] == 403
    assert not folder_of(home, refused).exists()

    allowed.delete()
    assert visitor.send("PUT", "b.exr", b"pixels")[0] == 410
