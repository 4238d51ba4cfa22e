"""The settings: read once, by `wiring` and `cli`, from variables and a file.

A setting `port` is the variable `SOUNDSTAGE_PORT` or the key `port` of the TOML file; a variable
wins over the file, the file over the default. The file is `soundstage.toml` in the home folder
unless `SOUNDSTAGE_CONFIG` names another. This is the only module that reads the environment.
The text under each field is what `docs/reference/settings.md` says.
"""

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

PREFIX = "SOUNDSTAGE_"
PRINCIPAL_ID = f"{PREFIX}PRINCIPAL_ID"
"""What `soundstage env` tells scripts of their caller; no setting."""
PROFILE = f"{PREFIX}PROFILE"
STUDIO = f"{PREFIX}STUDIO"
"""Which profile and which studio the command line speaks to; no settings of the service."""
_PROFILES = f"{PREFIX}PROFILES"
_NO_SETTINGS = {f"{PREFIX}CONFIG", PRINCIPAL_ID, PROFILE, STUDIO, _PROFILES}

_LISTS = {
    "incus_closed_networks",
    "oidc_scopes",
    "shared_folders",
    "trusted_proxies",
    "warn_minutes_before_end",
    "webhook_networks",
}
_TABLES = {"instance_types", "images", "oidc_administrators"}
"""Settings whose variables hold parts with commas between, and those whose hold JSON."""

_Amount = Annotated[int, Meta(ge=0, le=1_000_000)]
_Positive = Annotated[int, Meta(ge=1, le=1_000_000)]


class ConfigError(Exception):
    """A setting can't be used; the message names it and says what it may be."""


def _default_home() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/soundstage")
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "soundstage"


def _default_stream_environment() -> Path:
    # `make setup` puts it beside the service's own environment.
    return Path(sys.prefix).parent / ".venv-stream"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, with their defaults."""

    home: Annotated[
        Path,
        Meta(
            description="Folder of all data: database, keys, volumes, backups. As root the "
            "default is /var/lib/soundstage, else ~/.local/share/soundstage."
        ),
    ] = msgspec.field(default_factory=_default_home)
    host: Annotated[
        str,
        Meta(
            description="Address to listen on. Beyond loopback, switch TLS on or put it in front: "
            "browsers decode video on secure addresses alone."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port to listen on.")] = 8080
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/?#\s]+)?\Z",
            description="How browsers reach the service, such as https://studio.example.org. "
            "Empty: localhost and the port.",
        ),
    ] = ""
    tls: Annotated[
        bool,
        Meta(
            description="Whether the service speaks https itself, with the given certificate or "
            "one that it makes for itself."
        ),
    ] = False
    tls_certificate: Annotated[
        Path | None,
        Meta(
            description="Certificate and what is above it, one PEM file, looked at again every "
            "minute. Switches TLS on."
        ),
    ] = None
    tls_key: Annotated[
        Path | None,
        Meta(description="The certificate's key, if it is not in the same file."),
    ] = None
    http_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="With TLS, a port that leads visitors of http to https and explains a "
            "certificate that the service made for itself. 0: none.",
        ),
    ] = 0
    engine: Annotated[
        str,
        Meta(
            description="What runs workstations: sandbox (a desktop in namespaces on this "
            "machine), incus (containers of Incus, see the settings that begin with incus) or "
            "simulated (nothing runs; for trying out the API)."
        ),
    ] = "sandbox"
    database_url: Annotated[
        str,
        Meta(
            description="SQLAlchemy address of the database. Empty: a SQLite file in the home "
            "folder."
        ),
    ] = ""
    secret_command: Annotated[
        str,
        Meta(
            description="Command line that prints the installation's secret, such as a vault's "
            "client. It is run at the start, without a shell. Empty: the file keys/installation in "
            "the home folder, which the first start makes."
        ),
    ] = ""
    region: Annotated[
        str,
        Meta(
            pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]\Z",
            description="Region that identifiers carry. Fixed once the first studio exists.",
        ),
    ] = "us-west-2"
    sandbox: Annotated[
        Literal["bubblewrap", "none"],
        Meta(
            description="How the sandbox engine separates workstations. none separates nothing; "
            "it is refused unless the service listens on loopback."
        ),
    ] = "bubblewrap"
    incus_address: Annotated[
        str,
        Meta(
            pattern=r"^(/|https://[^/?#\s]+\Z)",
            description="Where Incus listens: the path of its unix socket, or https://host:port.",
        ),
    ] = "/var/lib/incus/unix.socket"
    incus_certificate: Annotated[
        Path | None,
        Meta(description="For HTTPS, the certificate that Incus trusts us by, as PEM."),
    ] = None
    incus_key: Annotated[
        Path | None, Meta(description="For HTTPS, the key of that certificate, as PEM.")
    ] = None
    incus_server_certificate: Annotated[
        Path | None,
        Meta(
            description="For HTTPS, Incus's own certificate, as PEM; no other is taken. A cluster "
            "has one for all its members."
        ),
    ] = None
    incus_project: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]{0,40}\Z",
            description="Project of Incus that is this installation's alone; made if need be.",
        ),
    ] = "soundstage"
    incus_pool: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,60}\Z",
            description="Storage pool of workstations. btrfs or zfs copies a running one at once.",
        ),
    ] = "default"
    incus_network: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]{0,14}\Z",
            description="Bridge of workstations, with nobody else on it; made if need be.",
        ),
    ] = "soundstage"
    incus_subnet: Annotated[
        str,
        Meta(
            pattern=r"^(auto|[0-9.]{7,15}/[0-9]{1,2})\Z",
            description="Address of that bridge and its network where it is made, such as "
            "10.78.0.1/24. auto: Incus looks for a free one.",
        ),
    ] = "auto"
    incus_closed_networks: Annotated[
        list[str],
        Meta(
            description="Addresses and networks such as 10.0.0.0/8 that no workstation on Incus "
            "may connect to. The hosts' own addresses are closed in any case."
        ),
    ] = []
    stream_environment: Annotated[
        Path,
        Meta(
            description="Python environment that holds the stream server and its web client. "
            "Default: .venv-stream beside the service's own."
        ),
    ] = msgspec.field(default_factory=_default_stream_environment)
    frames_per_second: Annotated[
        int, Meta(ge=5, le=60, description="Most frames a second that a desktop is streamed with.")
    ] = 30
    stream_expiration_seconds: Annotated[
        int,
        Meta(ge=60, le=3600, description="How long a stream's address may be opened, by default."),
    ] = 120
    upload_most_bytes: Annotated[
        int,
        Meta(
            ge=1,
            le=2**50,
            description="The largest file, in bytes, that may be sent into a workstation whose "
            "launch profile allows uploads.",
        ),
    ] = 10 * 1024**3
    backup_repository: Annotated[
        str,
        Meta(
            description="Where backups are kept: a folder, or a bucket of any S3-compatible store "
            "as s3:https://host/bucket/prefix. One installation each. Empty: backups in the home "
            "folder."
        ),
    ] = ""
    backup_credentials: Annotated[
        Path | None,
        Meta(
            description="File that opens the bucket, readable by the service alone, with the "
            "lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…"
        ),
    ] = None
    backup_check_days: Annotated[
        int,
        Meta(
            ge=0,
            le=365,
            description="How often all backups are looked through, with a twelfth of what they "
            "hold. 0: never by itself.",
        ),
    ] = 7
    studio_backup_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=720,
            description="How often the service's own SQLite database is kept beside the backups. "
            "0: never by itself.",
        ),
    ] = 6
    deleted_sessions_keep_backups_days: Annotated[
        int, Meta(ge=0, le=3650, description="How long a deleted session's backups are kept.")
    ] = 7
    event_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36500,
            description="How many days events are kept: who did what, and what changed. 0: for "
            "ever.",
        ),
    ] = 400
    quota_sessions_per_user: Annotated[
        _Amount, Meta(description="Most sessions of one person in a studio.")
    ] = 10
    quota_sessions: Annotated[_Amount, Meta(description="Most sessions of a studio.")] = 500
    quota_launch_profiles: Annotated[
        _Amount, Meta(description="Most launch profiles of a studio.")
    ] = 50
    quota_custom_images: Annotated[
        _Amount, Meta(description="Most streaming images of a studio.")
    ] = 10
    quota_shared_file_systems: Annotated[
        _Amount, Meta(description="Most shared file system components of a studio.")
    ] = 10
    quota_active_directories: Annotated[
        _Amount, Meta(description="Most Active Directory components of a studio.")
    ] = 1
    quota_components: Annotated[
        _Amount, Meta(description="Most components of a studio, whatever their type.")
    ] = 100
    quota_webhooks: Annotated[_Amount, Meta(description="Most webhooks of a studio.")] = 10
    webhook_networks: Annotated[
        list[str],
        Meta(
            description="Networks such as 10.0.0.0/8 that webhooks may send to though they are not "
            "public. Without, nothing that only this machine can reach is reached through them."
        ),
    ] = []
    throttle_reads_per_second: Annotated[
        _Amount, Meta(description="Reads a second that one principal may make. 0: no limit.")
    ] = 50
    throttle_reads_burst: Annotated[
        _Positive, Meta(description="Reads that one principal may make at once.")
    ] = 100
    throttle_writes_per_second: Annotated[
        _Amount, Meta(description="Writes a second that one principal may make. 0: no limit.")
    ] = 10
    throttle_writes_burst: Annotated[
        _Positive, Meta(description="Writes that one principal may make at once.")
    ] = 20
    throttle_failures_per_second: Annotated[
        _Amount, Meta(description="Wrong signatures a second from one address. 0: no limit.")
    ] = 20
    throttle_failures_burst: Annotated[
        _Positive, Meta(description="Wrong signatures from one address at once.")
    ] = 100
    throttle_sign_ins_per_minute: Annotated[
        _Amount,
        Meta(
            description="How often a minute the sign-in pages may be asked for from one address, "
            "and at once. 0: no limit."
        ),
    ] = 30
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
    ] = {}
    warn_minutes_before_end: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=1440)], ...],
        Meta(
            description="How many minutes before a workstation stops by itself the people in it "
            "are told, in its desktop and on the stream's page. One that is longer than half of "
            "what a rule allows is left out."
        ),
    ] = (15, 5, 1)
    idle_cpu_percent: Annotated[
        int,
        Meta(
            ge=1,
            le=10000,
            description="A workstation whose programs use less than this, of one core and on "
            "average over a minute, counts as idle while nobody uses pointer or keys.",
        ),
    ] = 25
    script_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=7200,
            description="How long one initialization script may take before it is killed and the "
            "start of its workstation fails.",
        ),
    ] = 600
    shared_folders: Annotated[
        list[str],
        Meta(
            description="Folders of this host that studio components may mount in workstations, "
            "with all below them: /srv/films, or films=/srv/disk1/films to name it, each with :ro "
            "behind it if it is only to be read."
        ),
    ] = []
    images: Annotated[
        dict[str, str],
        Meta(
            description="What the `ec2ImageId` of streaming images means here, beside `ami-host`, "
            "which is `host`: what this machine has installed. A table in the file, such as "
            '`[images]` with `ami-film = "film"`, or the same as JSON in the variable. The sandbox '
            "engine knows `host` and the images that `soundstage image build` made; Incus knows "
            "its own aliases and fingerprints."
        ),
    ] = {}
    instance_types: Annotated[
        dict[str, dict[str, int | float]],
        Meta(
            description="What instance types are on this host, where not as published: a table in "
            'the file, such as `[instance_types."g5.xlarge"]` with `cpus`, `memory_gib` and '
            "`gpus`, or the same as JSON in the variable."
        ),
    ] = {}
    cpu_overcommit: Annotated[
        float,
        Meta(
            ge=0.1,
            le=1000,
            description="How many times the host's cores may be promised to workstations.",
        ),
    ] = 8.0
    memory_overcommit: Annotated[
        float,
        Meta(
            ge=0.1,
            le=1000,
            description="How many times the host's memory may be promised to workstations. No more "
            "is used than is there: where it runs out, the program that took most is ended.",
        ),
    ] = 4.0
    least_free_memory_mib: Annotated[
        _Amount, Meta(description="Memory that must be free for a workstation to start.")
    ] = 1024
    least_free_disk_gib: Annotated[
        _Amount, Meta(description="Disk that must be free for a workstation to start.")
    ] = 2
    share_gpus: Annotated[
        bool,
        Meta(description="Whether several workstations may have the same graphics card at once."),
    ] = False
    trusted_proxies: Annotated[
        list[str],
        Meta(description="Addresses of proxies whose X-Forwarded headers are believed."),
    ] = []
    metrics_token_file: Annotated[
        Path | None,
        Meta(
            description="File with the token that opens /metrics, as `Authorization: Bearer …`. "
            "Without one, whoever is on this machine may read it, and nobody through a proxy."
        ),
    ] = None
    log_format: Annotated[
        Literal["text", "json"], Meta(description="How log lines look: for people or for programs.")
    ] = "text"

    @property
    def address(self) -> str:
        """How browsers and SDKs reach the service, without a slash at the end."""
        scheme = "https" if self.speaks_tls else "http"
        return self.public_url or f"{scheme}://localhost:{self.port}"

    @property
    def speaks_tls(self) -> bool:
        """Reports whether the service itself speaks https."""
        return self.tls or self.tls_certificate is not None

    @property
    def is_loopback(self) -> bool:
        """Reports whether only this machine can connect."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises ConfigError naming the setting and where it was read."""
    environment = os.environ if environment is None else environment
    given = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(PREFIX) and key not in _NO_SETTINGS and value != ""
    }
    home = Path(given["home"]).expanduser() if "home" in given else _default_home()
    named = environment.get(f"{PREFIX}CONFIG")
    file = Path(named).expanduser() if named else home / "soundstage.toml"
    merged: dict[str, Any] = _read(file, needed=bool(named))
    for name, value in given.items():
        if name not in Settings.__struct_fields__:
            raise ConfigError(f"{PREFIX}{name.upper()}: there is no such setting.")
        is_list = name in _LISTS
        merged[name] = [part.strip() for part in value.split(",")] if is_list else value
        if name in _TABLES:
            merged[name] = _read_table(name, value)
    try:
        settings = msgspec.convert(merged, Settings, strict=False, dec_hook=_read_path)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), set(given), file)) from None
    return msgspec.structs.replace(
        settings,
        home=settings.home.expanduser().absolute(),
        stream_environment=settings.stream_environment.expanduser().absolute(),
    )


def sdk_data_path(environment: Mapping[str, str] | None = None) -> list[str]:
    """Give the folders that the caller's SDKs look for services in, in their order."""
    environment = os.environ if environment is None else environment
    return [part for part in environment.get("AWS_DATA_PATH", "").split(os.pathsep) if part]


class CallerVariables(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says of the studio to call, as SDKs read it too."""

    endpoint: str
    access_key_id: str
    secret_access_key: str
    region: str
    certificate: str
    """File of the authorities that it must be known by; empty for those that the system knows."""


def caller(environment: Mapping[str, str] | None = None) -> CallerVariables:
    """Read which studio the environment names; what it does not say is empty."""
    found = os.environ if environment is None else environment
    return CallerVariables(
        endpoint=found.get("AWS_ENDPOINT_URL_NIMBLE", "").rstrip("/"),
        access_key_id=found.get("AWS_ACCESS_KEY_ID", ""),
        secret_access_key=found.get("AWS_SECRET_ACCESS_KEY", ""),
        region=found.get("AWS_REGION", "") or found.get("AWS_DEFAULT_REGION", ""),
        certificate=found.get("AWS_CA_BUNDLE", ""),
    )


def variable(name: str) -> str | None:
    """Read a variable that a person named in a file, such as where a secret is."""
    return os.environ.get(name)


def profiles_file(environment: Mapping[str, str] | None = None) -> Path:
    """Say where the command line's profiles are: studios elsewhere, and how to get into them."""
    found = os.environ if environment is None else environment
    if found.get(_PROFILES):
        return Path(found[_PROFILES]).expanduser().absolute()
    configuration = found.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(configuration) / "soundstage" / "config.toml"


def reference() -> str:
    """Write the table of settings for the documentation."""
    lines = ["| Variable | Default | What it is |", "|---|---|---|"]
    for field in msgspec.inspect.type_info(Settings).fields:  # type: ignore[attr-defined]
        described = field.type
        text = described.extra_json_schema["description"]
        default = "see text" if field.default is msgspec.NODEFAULT else field.default
        if isinstance(default, tuple):
            default = ",".join(map(str, default))
        shown = "empty" if default in ("", [], {}) else default
        lines.append(f"| `{PREFIX}{field.name.upper()}` | {shown} | {text} |")
    return "\n".join(lines) + "\n"


def _read_table(name: str, value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{PREFIX}{name.upper()}: this is no JSON: {error}") from None


def _explain(complaint: str, variables: set[str], file: Path) -> str:
    """Name the setting, and where it was read, in place of the decoder's path to it."""
    what, _, path = complaint.partition(" - at ")
    name = path.strip("`").removeprefix("$.").partition("[")[0]
    if name in variables:
        return f"{PREFIX}{name.upper()}: {what}"
    return f"{file}: {name}: {what}" if name else f"{file}: {what}"


def _read_path(kind: type, text: Any) -> Any:
    if kind is Path and isinstance(text, str):
        return Path(text)
    raise NotImplementedError(kind)


def _read(file: Path, *, needed: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if needed:
            raise ConfigError(f"{PREFIX}CONFIG names {file}, which does not exist.") from None
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be read: {error}") from None
