"""Removes instances and volumes; what Incus can't remove any more is put aside.

`instances.py` and `copies.py` call it. A disk may be spoilt by an accident, or by somebody at the
command line: Incus then refuses to remove it, for ever, and has no other way to be rid of it. It
can still be renamed. So it gets a name that is nobody's, whoever it belonged to is free of it, and
the operator is told; each start of the service tries again to remove it.
"""

import secrets
from typing import Any

import structlog

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.records import PREFIX
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import EngineError

_NAME = "lost-"
_WHY = f"{PREFIX}lost"
# What Incus says when a disk is not what it should be; it has no code for that. One that is busy is
# said to be in other words, and gets another try.
_SPOILT = "not a btrfs subvolume"

_log = structlog.get_logger(__name__)


class Lost:
    """Of one installation."""

    def __init__(self, client: Client, settings: IncusSettings) -> None:
        self._client = client
        self._rooms = ("/instances", settings.volumes)

    def remove(self, path: str) -> None:
        """Have nothing of that name at Incus; silent when there is none."""
        try:
            self._client.ensure_absent(path)
        except EngineError as error:
            if _SPOILT not in str(error).lower():
                raise
            self._put_aside(path, str(error))

    def _put_aside(self, path: str, why: str) -> None:
        room = path.rpartition("/")[0]
        name = f"{_NAME}{secrets.token_hex(6)}"
        self._client.do("POST", path, {"name": name})
        _log.error("incus.disk_lost", path=path, renamed=name, error=why)

        def edit(found: dict[str, Any]) -> None:
            kept = {k: v for k, v in found["config"].items() if not k.startswith(PREFIX)}
            found["config"] = {**kept, _WHY: why[:500]}

        self._client.change(f"{room}/{name}", edit)

    def all(self) -> list[str]:
        """What was put aside and is still there, as paths of the API."""
        return [
            f"{room}/{each['name']}"
            for room in self._rooms
            for each in self._client.get(room, {"recursion": "1"})
            if each["name"].startswith(_NAME) and _WHY in (each["config"] or {})
        ]

    def try_again(self) -> None:
        """Remove what can be removed by now."""
        for path in self.all():
            try:
                self._client.ensure_absent(path)
            except EngineError as error:
                _log.warning("incus.disk_still_lost", path=path, error=str(error))
