"""How people sign in to the portal, and for how long."""

import dataclasses
from pathlib import Path
from typing import Annotated

from msgspec import Meta


@dataclasses.dataclass(frozen=True, kw_only=True)
class SigningInSettings:
    """How people sign in to the portal, and for how long."""

    sign_in_days: Annotated[
        int,
        Meta(
            ge=1,
            le=366,
            description="How many days a browser stays signed in at the most, however much it is "
            "used.",
        ),
    ] = 30
    sign_in_idle_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=8784,
            description="After how many hours without use a browser is signed out.",
        ),
    ] = 168
    sign_in_links: Annotated[
        bool,
        Meta(
            description="Whether people may sign in by a link that is made for them. It can be "
            "switched off where they sign in by OpenID Connect."
        ),
    ] = True
    oidc_issuer: Annotated[
        str,
        Meta(
            pattern=r"^(https://[^?#\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/[^?#\s]*)?)?\Z",
            max_length=512,
            description="Issuer of the OpenID Connect provider that people sign in by, exactly as "
            "it calls itself, such as https://id.example.org/realms/films. Empty: none.",
        ),
    ] = ""
    oidc_name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="What people call that provider; the button says so.",
        ),
    ] = "single sign-on"
    oidc_client_id: Annotated[
        str, Meta(max_length=256, description="What this service is called at the provider.")
    ] = ""
    oidc_client_secret_file: Annotated[
        Path | None,
        Meta(
            description="File with the secret that the provider gave this client, readable by the "
            "service alone. It is read at each sign-in."
        ),
    ] = None
    oidc_client_secret_command: Annotated[
        str,
        Meta(
            description="Command line that prints that secret instead, such as a vault's client. "
            "It is run at each sign-in, without a shell. Neither: a public client, by PKCE alone."
        ),
    ] = ""
    oidc_scopes: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[!#-\[\]-~]+\Z")], ...],
        Meta(description="What the provider is asked for; openid is always asked for."),
    ] = ("openid", "profile", "email")
    oidc_new_people: Annotated[
        bool,
        Meta(
            description="Whether somebody whom the provider lets in is made known here. Otherwise "
            "`soundstage user identity link` says who is who."
        ),
    ] = False
    oidc_groups_claim: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=256,
            description="The claim that lists the groups of somebody who signs in.",
        ),
    ] = "groups"
    oidc_administrators: Annotated[
        dict[str, list[str]],
        Meta(
            description="Which groups' people administer which studios, by the studios' names or "
            "for all as `*`: a table in the file, such as `[oidc_administrators]` with `leads = "
            '["films"]`, or the same as JSON in the variable. It is looked at whenever somebody '
            "signs in; whoever has left the group administers it no longer."
        ),
    ] = dataclasses.field(default_factory=dict)
