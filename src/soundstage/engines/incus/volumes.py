"""The homes of workstations: a custom volume for each generation.

`starting.py` has them made, the engine has them removed. Which one is in place is written in the
instance, in one word that is changed when a new one is whole: a restore that fails loses nothing.
A volume says itself whose it is and whether it is whole, for the day when its instance is lost.
"""

from collections.abc import Mapping

import msgspec

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.copies import Copies
from soundstage.engines.incus.names import home_of
from soundstage.engines.incus.place import target
from soundstage.engines.incus.records import PREFIX
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import PermanentError, Reason, RetryableError, Volume
from soundstage.engines.repository import programs
from soundstage.engines.repository.backups import Repository
from soundstage.kit.jobs import Cancellation

ARTIST = 1000
_WHOLE = f"{PREFIX}whole"
_REF = f"{PREFIX}ref"
_GENERATION = f"{PREFIX}generation"
_COPY = f"{PREFIX}copy"


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """One volume, or a copy that is being read."""

    name: str
    ref: str
    generation: int | None
    """None for a copy."""
    is_whole: bool


class Volumes:
    """All homes of one installation."""

    def __init__(
        self, client: Client, settings: IncusSettings, repository: Repository, copies: Copies
    ) -> None:
        self._client = client
        self._settings = settings
        self._repository = repository
        self._copies = copies

    def all(self) -> list[Home]:
        """Everything that is ours, copies included."""
        found = self._client.get(self._settings.volumes, {"recursion": "1"})
        homes = []
        for each in found:
            config = each["config"]
            ref = config.get(_REF) or config.get(_COPY)
            if ref:
                number = None if _COPY in config else int(config.get(_GENERATION, 0))
                is_whole = _WHOLE in config
                homes.append(Home(name=each["name"], ref=ref, generation=number, is_whole=is_whole))
        return homes

    def newest(self, ref: str) -> int | None:
        """The generation that must have been in place, where no instance says so."""
        mine = [home for home in self.all() if home.ref == ref and home.is_whole]
        return max((home.generation for home in mine if home.generation is not None), default=None)

    def make(
        self,
        cancellation: Cancellation,
        ref: str,
        volume: Volume,
        present: int | None,
        member: str = "",
    ) -> None:
        """Make the generation that is asked for; waits. Raises PermanentError where it can't be
        made of what is there, or its backup can't be restored.
        """
        name = home_of(ref, volume.generation)
        found = self._client.find(f"{self._settings.volumes}/{name}")
        if found is not None and _WHOLE in found["config"]:
            return
        if present is not None and (present > volume.generation or volume.backup_id is None):
            raise PermanentError(
                f"The volume is of generation {present}, and {volume.generation} "
                "can't be made of it.",
                reason=Reason.BACKUP,
            )
        if found is not None:
            self._remove(name)
        if volume.backup_id is None:
            self._client.ensure(
                self._settings.volumes,
                {
                    "name": name,
                    "content_type": "filesystem",
                    "config": {**self._config(ref, volume), **_first_look()},
                },
                target(member),
            )
            return
        self._restore(cancellation, ref, volume, name, member)

    def remove_older(self, present: Mapping[str, int]) -> None:
        """Remove what is older than the generation in place of each of these workstations: nobody
        goes back to it.
        """
        for home in self.all():
            if home.generation is not None and home.generation < present.get(home.ref, 0):
                self._remove(home.name)

    def remove_homes(self, ref: str) -> None:
        """Remove all generations of a workstation, but not copies that are being read."""
        for home in self.all():
            if home.ref == ref and home.generation is not None:
                self._remove(home.name)

    def remove_all(self, ref: str) -> None:
        for home in self.all():
            if home.ref == ref:
                self._remove(home.name)

    def _remove(self, name: str) -> None:
        self._copies.remove(name)

    def _config(self, ref: str, volume: Volume) -> dict[str, str]:
        return {
            "size": f"{volume.size_gib}GiB",
            "security.shifted": "true",
            _REF: ref,
            _GENERATION: str(volume.generation),
            _WHOLE: "true",
        }

    def _restore(
        self, cancellation: Cancellation, ref: str, volume: Volume, name: str, member: str
    ) -> None:
        try:
            with self._copies.room() as folder:
                self._repository.restore(
                    volume.backup_id or "", folder, cancellation=cancellation, stays=False
                )
                if (folder / "home").stat().st_uid != ARTIST:
                    programs.own_tree(cancellation, folder / "home", ARTIST)
                self._copies.put(cancellation, folder, name, member)
        except (PermanentError, RetryableError, OSError, programs.ProgramError) as error:
            detail = f"The backup could not be restored: {error}"
            raise PermanentError(detail, reason=Reason.BACKUP) from error
        config = self._config(ref, volume)
        self._client.change(
            f"{self._settings.volumes}/{name}", lambda found: found["config"].update(config)
        )


def _first_look() -> dict[str, str]:
    """An empty home is the artist's own."""
    return {"initial.uid": str(ARTIST), "initial.gid": str(ARTIST), "initial.mode": "0700"}
