"""Which studio a command speaks to, and as whom: `--profile`, the environment, or this machine.

Every command that calls the API takes `with_connection`. In that order, the first that is given:
the profile that is named, the variables that SDKs read, the file's default profile, and else the
service of the home folder, as its operator.
"""

import ssl
from collections.abc import Callable, Iterable
from functools import cached_property, wraps
from typing import Any, TypeVar

import click

from soundstage.cli.launch import OwnClient, client_of
from soundstage.client import profiles
from soundstage.client.calls import CallError
from soundstage.client.people import names_of
from soundstage.client.profiles import HOME, Profile
from soundstage.client.secrets import resolve
from soundstage.kit import environment
from soundstage.kit.config import ConfigError, Settings
from soundstage.wiring.home import is_founded

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Connection:
    """One studio's service and one person's key; the key is looked for with the first call."""

    def __init__(self, settings: Settings, profile: str | None, studio: str | None) -> None:
        self._settings = settings
        self._studio = studio
        self._caller = environment.caller()
        self._file = environment.profiles_file()
        is_named = profile is not None
        if not is_named and not self._caller.endpoint:
            profile = profiles.read(self._file).default or None
        self.profile = profile if profile != HOME else None
        self._from_environment = not is_named and bool(self._caller.endpoint)

    @property
    def name(self) -> str:
        """Where all of it is from, in words."""
        if self._from_environment:
            return "the environment (AWS_ENDPOINT_URL_NIMBLE)"
        return f"profile {self.profile}" if self.profile else f"home {self._settings.home}"

    @cached_property
    def client(self) -> OwnClient:
        """What makes the calls. Raises ConfigError where something of it is missing."""
        if self._from_environment:
            return self._of_environment()
        if self.profile is not None:
            return self._of_profile(profiles.find(self._file, self.profile))
        # Whoever asks makes no studio: `serve` and `run` do.
        if not is_founded(self._settings):
            raise CallError("Unreachable", 0, f"there is no studio in {self._settings.home}.")
        return client_of(self._settings)

    @property
    def is_studio_named(self) -> bool:
        """Reports whether a person said which studio is meant."""
        return bool(self._studio)

    @cached_property
    def studio_id(self) -> str:
        """The studio that is meant: the one named, or the only one. Raises ConfigError."""
        if self._studio:
            return self._studio
        if self.profile is not None:
            named = profiles.find(self._file, self.profile).studio
            if named:
                return named
        found = [studio["studioId"] for studio in self.client.caller["studios"]]
        if len(found) == 1:
            return str(found[0])
        if not found:
            raise ConfigError(
                "There is no studio yet. `soundstage studios create` makes one; so does "
                "`soundstage run`."
                if self.client.caller["isOperator"]
                else "No studio is yours yet. An administrator makes you a member of a launch "
                "profile."
            )
        raise ConfigError(
            f"There are {len(found)} studios. Name one with --studio or SOUNDSTAGE_STUDIO: "
            f"{', '.join(found)}"
        )

    @property
    def administers(self) -> bool:
        """Reports whether the caller is an administrator of the studio that is meant."""
        return any(
            studio["isAdministrator"]
            for studio in self.client.caller["studios"]
            if studio["studioId"] == self.studio_id
        )

    def names_of(self, principal_ids: Iterable[str]) -> dict[str, str]:
        """Find out how people are called; an artist may know that of themselves alone."""
        caller = self.client.caller
        wanted = {*principal_ids} - {self.client.principal_id}
        others = (
            names_of(self.client, wanted) if self.administers else {each: each for each in wanted}
        )
        return {self.client.principal_id: str(caller["name"]), **others}

    def close(self) -> None:
        """Let go of the connections, if there are any."""
        if "client" in self.__dict__:
            self.client.close()

    def _of_environment(self) -> OwnClient:
        caller = self._caller
        if not caller.access_key_id or not caller.secret_access_key:
            raise ConfigError(
                "AWS_ENDPOINT_URL_NIMBLE names a service; AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY must be set as well. `soundstage env` prints all three."
            )
        return OwnClient(
            caller.endpoint,
            access_key_id=caller.access_key_id,
            secret_access_key=caller.secret_access_key,
            region=caller.region or self._settings.region,
            trust=_trusting(caller.certificate, "AWS_CA_BUNDLE"),
        )

    def _of_profile(self, profile: Profile) -> OwnClient:
        where = f"{self._file}: profiles.{self.profile}.secret"
        return client_of_profile(
            profile, resolve(profile.secret, self._file.parent, where=where, is_private=True)
        )


def client_of_profile(profile: Profile, secret: str) -> OwnClient:
    """Make the client of a profile. Raises ConfigError for a certificate that can't be read."""
    return OwnClient(
        profile.address,
        access_key_id=profile.access_key_id,
        secret_access_key=secret,
        region=profile.region,
        trust=_trusting(profile.certificate, "certificate"),
    )


def _trusting(certificate: str, where: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificate or None)
    except OSError as error:
        raise ConfigError(f"{where}: {certificate}: {error}") from None


def with_connection(function: Decorated) -> Any:
    """Give a command `--profile` and `--studio`, and its function a `Connection` first."""

    @click.option(
        "--studio",
        "--studio-id",
        "studio",
        envvar=environment.STUDIO,
        metavar="ID",
        help="The studio, where there are several.  [env: SOUNDSTAGE_STUDIO]",
    )
    @click.option(
        "--profile",
        envvar=environment.PROFILE,
        metavar="NAME",
        help=f"A studio elsewhere; `{HOME}` is this machine's.  [env: SOUNDSTAGE_PROFILE]",
    )
    @click.pass_context
    @wraps(function)
    def connected(
        context: click.Context, /, *, profile: str | None, studio: str | None, **more: Any
    ) -> Any:
        connection = Connection(context.obj, profile, studio)
        try:
            return function(connection, **more)
        finally:
            connection.close()

    return connected
