"""A studio of a few operations behind the real API door, for tests of the door alone.

Its rows have names, paths and shapes of the public model, so that stock SDKs can call them; its
handlers answer at once and count their calls. Signatures, transactions and client tokens are real.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from msgspec import Meta
from sqlalchemy import Connection

from soundstage.api.door import Begin
from soundstage.api.exchange import Received
from soundstage.api.idempotency import client_tokens
from soundstage.kit.crypto import Seal
from soundstage.kit.database import Database
from soundstage.kit.journal import journal
from soundstage.kit.pages import Pages
from soundstage.resources.request import Caller, CallerKind, Installation, Request
from soundstage.wire.faults import (
    AccessDeniedError,
    ConflictError,
    Fault,
    InternalError,
    NotFoundError,
    QuotaExceededError,
    ThrottledError,
    ValidationError,
)
from soundstage.wire.operation import BASE_PATH, Grant, Operation, Permission
from soundstage.wire.shapes import (
    SENSITIVE,
    ClientToken,
    Description,
    Empty,
    MaxResults,
    Name64,
    OneOf,
    RoleArn,
    Shape,
    Tags,
)
from soundstage.wire.ticket import Tickets

STUDIO = "us-west-2:stid-nyoqq12fteqy1x48"
SEAL = Seal(bytes(32))
"""For the database of one; a secret that everybody knows."""
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
OPERATOR = Caller(principal_id="AROAEXAMPLE:operator", kind=CallerKind.OPERATOR)
ADMINISTRATOR = Caller(principal_id="the-administrator", kind=CallerKind.USER)
ANN = Caller(principal_id="ann", kind=CallerKind.USER)
BOB = Caller(principal_id="bob", kind=CallerKind.USER)
SECRETS = {
    "AKIAOPERATOR": ("operator's secret", OPERATOR),
    "AKIAADMINISTRATOR": ("administrator's secret", ADMINISTRATOR),
    "AKIAANN": ("ann's secret", ANN),
    "AKIABOB": ("bob's secret", BOB),
}
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        AccessDeniedError("You may not."),
        ConflictError("Another change is running.", code="STUDIO_BUSY"),
        InternalError("We failed."),
        NotFoundError("session", "no-such-session"),
        QuotaExceededError("The quota is used up.", context={"quota": "sessions", "limit": "10"}),
        ThrottledError("Too fast.", headers={"Retry-After": "1"}),
        ValidationError("That can't be.", code="BAD"),
    )
}

OPERATOR_ONLY = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
EVERYBODY = Permission(administrator=Grant.ALWAYS, user=Grant.ALWAYS)
OWNERS = Permission(administrator=Grant.ALWAYS, user=Grant.OWNER)
OWN_LISTS = Permission(administrator=Grant.ALWAYS, user=Grant.OWN_LIST)
MEMBERS = Permission(administrator=Grant.ALWAYS, user=Grant.MEMBER)


class ComponentType(StrEnum):
    CUSTOM = "CUSTOM"
    LICENSE_SERVICE = "LICENSE_SERVICE"
    SHARED_FILE_SYSTEM = "SHARED_FILE_SYSTEM"


class RetentionMode(StrEnum):
    RETAIN = "RETAIN"
    DELETE = "DELETE"


class LicenseService(Shape, frozen=True, kw_only=True):
    endpoint: Annotated[str, Meta(extra=SENSITIVE)] | None = None


class FileSystem(Shape, frozen=True, kw_only=True):
    endpoint: Annotated[str, Meta(extra=SENSITIVE)] | None = None
    windows_mount_drive: Annotated[str, Meta(pattern=r"^[A-Z]\Z")] | None = None


class Configuration(OneOf, frozen=True, kw_only=True):
    license_service_configuration: LicenseService | None = None
    shared_file_system_configuration: FileSystem | None = None


class Parameter(Shape, frozen=True, kw_only=True):
    key: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    value: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class CreateStudioIn(Shape, frozen=True, kw_only=True):
    client_token: ClientToken | None = None
    admin_role_arn: RoleArn
    display_name: Name64
    studio_name: Annotated[str, Meta(min_length=3, max_length=64, pattern=r"^[a-z0-9]*\Z")]
    user_role_arn: RoleArn
    tags: Tags | None = None


class StudioIn(Shape, frozen=True, kw_only=True):
    studio_id: str


class RepairIn(Shape, frozen=True, kw_only=True):
    client_token: ClientToken | None = None
    studio_id: str


class ListStudiosIn(Shape, frozen=True, kw_only=True):
    next_token: str | None = None


class CreateComponentIn(Shape, frozen=True, kw_only=True):
    client_token: ClientToken | None = None
    studio_id: str
    name: Name64
    description: Description | None = None
    type: ComponentType
    configuration: Configuration | None = None
    script_parameters: Annotated[list[Parameter], Meta(max_length=30)] | None = None
    tags: Tags | None = None


class ListProfilesIn(Shape, frozen=True, kw_only=True):
    studio_id: str
    max_results: MaxResults | None = None
    next_token: str | None = None
    principal_id: str | None = None
    states: list[str] | None = None


class CreateSessionIn(Shape, frozen=True, kw_only=True):
    client_token: ClientToken | None = None
    studio_id: str
    launch_profile_id: str
    owned_by: str | None = None
    tags: Tags | None = None


class ListSessionsIn(Shape, frozen=True, kw_only=True):
    studio_id: str
    created_by: str | None = None
    next_token: str | None = None
    owned_by: str | None = None
    session_ids: str | None = None


class SessionIn(Shape, frozen=True, kw_only=True):
    studio_id: str
    session_id: str


class StopIn(Shape, frozen=True, kw_only=True):
    client_token: ClientToken | None = None
    studio_id: str
    session_id: str
    volume_retention_mode: RetentionMode | None = None


class DeleteSessionIn(Shape, frozen=True, kw_only=True):
    client_token: ClientToken | None = None
    studio_id: str
    session_id: str


class BackupIn(Shape, frozen=True, kw_only=True):
    studio_id: str
    backup_id: str


class TagIn(Shape, frozen=True, kw_only=True):
    resource_arn: str
    tags: Tags | None = None


class UntagIn(Shape, frozen=True, kw_only=True):
    resource_arn: str
    tag_keys: list[str]


class ListTagsIn(Shape, frozen=True, kw_only=True):
    resource_arn: str


class Studio(Shape, frozen=True, kw_only=True):
    studio_id: str | None = None
    studio_name: str | None = None
    state: str | None = None
    created_at: datetime | None = None
    tags: Tags | None = None


class Component(Shape, frozen=True, kw_only=True):
    studio_component_id: str | None = None
    name: str | None = None
    type: ComponentType | None = None
    subtype: str | None = None
    configuration: Configuration | None = None


class Session(Shape, frozen=True, kw_only=True):
    session_id: str | None = None
    owned_by: str | None = None
    state: str | None = None
    created_at: datetime | None = None


class StudioOut(Shape, frozen=True, kw_only=True):
    studio: Studio


class StudiosOut(Shape, frozen=True, kw_only=True):
    studios: list[Studio]
    next_token: str | None = None


class ComponentOut(Shape, frozen=True, kw_only=True):
    studio_component: Component


class Profile(Shape, frozen=True, kw_only=True):
    launch_profile_id: str | None = None
    state: str | None = None


class ProfilesOut(Shape, frozen=True, kw_only=True):
    launch_profiles: list[Profile]
    next_token: str | None = None


class SessionOut(Shape, frozen=True, kw_only=True):
    session: Session


class SessionsOut(Shape, frozen=True, kw_only=True):
    sessions: list[Session]
    next_token: str | None = None


class BackupOut(Shape, frozen=True, kw_only=True):
    streaming_session_backup: Session


class TagsOut(Shape, frozen=True, kw_only=True):
    tags: Tags


class SmallStudio:
    """Implements both of the door's interfaces over one database that holds client tokens only."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.at = NOW
        self.calls: Counter[str] = Counter()
        self.inputs: list[Any] = []
        self.fault: Exception | None = None
        """What handlers raise, when set."""
        self.sessions: dict[str, str] = {"ann-session": "ann", "bob-session": "bob"}
        self.deleted: set[str] = set()
        self.backups: dict[str, str] = {"ann-backup": "ann"}
        self.members: set[tuple[str, str]] = {("profile", "ann")}
        self.tags: dict[str, Tags] = {}
        with database.engine.begin() as connection:
            client_tokens.create(connection, checkfirst=True)
            journal.create(connection, checkfirst=True)

    # The door.

    @property
    def reads_at_once(self) -> bool:
        """As the service does."""
        return self.database.reads_at_once

    def now(self) -> datetime:
        return self.at

    def secret_of(self, access_key_id: str) -> tuple[str, Caller] | None:
        return SECRETS.get(access_key_id)

    def transaction(self, *, write: bool) -> AbstractContextManager[Connection]:
        return self.database.transaction(write=write)

    def together(self) -> AbstractContextManager[Begin]:
        return self.database.together()

    def request(
        self, transaction: Connection, caller: Caller, now: datetime, *, asks_engine: bool
    ) -> Request:
        del asks_engine
        return Request(
            transaction=transaction,
            caller=caller,
            now=now,
            installation=Installation(
                account_id="123456789012",
                region="us-west-2",
                address="http://localhost",
                supports_persistence=True,
                supports_backups=True,
                stream_expiration_seconds=120,
                quotas={},
            ),
            pages=Pages(b"p" * 32),
            tickets=Tickets(b"t" * 32),
        )

    def know_hosts(self) -> bool:
        return False

    def facts(self, transaction: Connection) -> "SmallStudio":
        del transaction
        return self

    # The facts.

    def is_administrator(self, studio_id: str, principal_id: str) -> bool:
        return (studio_id, principal_id) == (STUDIO, ADMINISTRATOR.principal_id)

    def administers_any(self, principal_id: str) -> bool:
        return self.is_administrator(STUDIO, principal_id)

    def owner_of_session(self, studio_id: str, session_id: str) -> str | None:
        return self.sessions.get(session_id) if studio_id == STUDIO else None

    def owner_of_backup(self, studio_id: str, backup_id: str) -> str | None:
        return self.backups.get(backup_id) if studio_id == STUDIO else None

    def is_member(self, studio_id: str, launch_profile_id: str, principal_id: str) -> bool:
        return studio_id == STUDIO and (launch_profile_id, principal_id) in self.members

    def require_existing(self, labels: Mapping[str, str]) -> None:
        studio_id = labels.get("studioId", STUDIO)
        if studio_id != STUDIO:
            raise NotFoundError("studio", studio_id)

    # The operations.

    def operations(self) -> list[Operation]:
        """Make the rows."""
        studio = "/studios/{studioId}"
        sessions = f"{studio}/streaming-sessions"
        session = f"{sessions}/{{sessionId}}"
        row = self._row
        return [
            row("CreateStudio", "POST /studios", CreateStudioIn, StudioOut),
            row("GetStudio", f"GET {studio}", StudioIn, StudioOut, EVERYBODY),
            row("ListStudios", "GET /studios", ListStudiosIn, StudiosOut, EVERYBODY),
            row(
                "StartStudioSSOConfigurationRepair",
                f"PUT {studio}/sso-configuration",
                RepairIn,
                StudioOut,
            ),
            row(
                "CreateStudioComponent",
                f"POST {studio}/studio-components",
                CreateComponentIn,
                ComponentOut,
            ),
            row(
                "ListLaunchProfiles",
                f"GET {studio}/launch-profiles",
                ListProfilesIn,
                ProfilesOut,
                OWN_LISTS,
            ),
            row("CreateStreamingSession", f"POST {sessions}", CreateSessionIn, SessionOut, MEMBERS),
            row("ListStreamingSessions", f"GET {sessions}", ListSessionsIn, SessionsOut, OWN_LISTS),
            row("GetStreamingSession", f"GET {session}", SessionIn, SessionOut, OWNERS),
            row("DeleteStreamingSession", f"DELETE {session}", DeleteSessionIn, SessionOut, OWNERS),
            row("StopStreamingSession", f"POST {session}/stop", StopIn, SessionOut, OWNERS),
            row(
                "GetStreamingSessionBackup",
                f"GET {studio}/streaming-session-backups/{{backupId}}",
                BackupIn,
                BackupOut,
                OWNERS,
            ),
            row("TagResource", "POST /tags/{resourceArn}", TagIn, Empty),
            row("UntagResource", "DELETE /tags/{resourceArn}", UntagIn, Empty),
            row("ListTagsForResource", "GET /tags/{resourceArn}", ListTagsIn, TagsOut),
        ]

    def _row(
        self,
        name: str,
        route: str,
        given: type[Shape],
        answers: type[Shape],
        permission: Permission = OPERATOR_ONLY,
    ) -> Operation:
        method, _, path = route.partition(" ")

        def handler(request: Request, given: Any) -> Shape:
            self.calls[name] += 1
            self.inputs.append(given)
            if self.fault is not None:
                raise self.fault
            answer: Shape = getattr(self, f"_{name}")(request, given)
            return answer

        return Operation(
            name=name,
            method=method,
            path=path,
            input=given,
            output=answers,
            permission=permission,
            handler=handler,
            status=204 if answers is Empty else 200,
        )

    def _CreateStudio(self, request: Request, given: CreateStudioIn) -> Shape:  # noqa: N802
        return StudioOut(
            studio=Studio(
                studio_id=STUDIO,
                studio_name=given.studio_name,
                state=f"call {self.calls['CreateStudio']}",
                created_at=request.now + timedelta(microseconds=123456),
                tags=given.tags or {},
            )
        )

    def _GetStudio(self, request: Request, given: StudioIn) -> Shape:  # noqa: N802
        return StudioOut(studio=Studio(studio_id=given.studio_id, created_at=request.now))

    def _ListStudios(self, request: Request, given: ListStudiosIn) -> Shape:  # noqa: N802
        del request
        pages: dict[str | None, StudiosOut] = {
            None: StudiosOut(studios=[Studio(studio_id="a")], next_token="2"),  # noqa: S106 - a page
            "2": StudiosOut(studios=[Studio(studio_id="b")]),
        }
        return pages[given.next_token]

    def _StartStudioSSOConfigurationRepair(  # noqa: N802
        self, request: Request, given: RepairIn
    ) -> Shape:
        return StudioOut(studio=Studio(studio_id=given.studio_id, created_at=request.now))

    def _CreateStudioComponent(self, request: Request, given: CreateComponentIn) -> Shape:  # noqa: N802
        del request
        chosen = given.configuration
        return ComponentOut(
            studio_component=Component(
                name=given.name,
                type=given.type,
                subtype="CUSTOM",
                configuration=None if chosen is None or chosen.is_empty else chosen,
            )
        )

    def _ListLaunchProfiles(self, request: Request, given: ListProfilesIn) -> Shape:  # noqa: N802
        del request
        return ProfilesOut(
            launch_profiles=[
                Profile(launch_profile_id=state, state=state) for state in given.states or []
            ]
        )

    def _CreateStreamingSession(self, request: Request, given: CreateSessionIn) -> Shape:  # noqa: N802
        return SessionOut(
            session=Session(
                session_id=f"session-{self.calls['CreateStreamingSession']}",
                owned_by=given.owned_by or request.caller.principal_id,
                state="CREATE_IN_PROGRESS",
            )
        )

    def _ListStreamingSessions(self, request: Request, given: ListSessionsIn) -> Shape:  # noqa: N802
        del request
        wanted = (given.session_ids or "").split(",")
        return SessionsOut(sessions=[Session(session_id=item) for item in wanted if item])

    def _GetStreamingSession(self, request: Request, given: SessionIn) -> Shape:  # noqa: N802
        del request
        owner = self.sessions.get(given.session_id)
        if owner is None:
            raise NotFoundError("session", given.session_id)
        state = "DELETED" if given.session_id in self.deleted else "READY"
        return SessionOut(session=Session(session_id=given.session_id, owned_by=owner, state=state))

    def _DeleteStreamingSession(self, request: Request, given: DeleteSessionIn) -> Shape:  # noqa: N802
        del request
        self.deleted.add(given.session_id)
        return SessionOut(session=Session(session_id=given.session_id, state="DELETE_IN_PROGRESS"))

    def _StopStreamingSession(self, request: Request, given: StopIn) -> Shape:  # noqa: N802
        del request
        return SessionOut(session=Session(session_id=given.session_id, state="STOP_IN_PROGRESS"))

    def _GetStreamingSessionBackup(self, request: Request, given: BackupIn) -> Shape:  # noqa: N802
        del request
        return BackupOut(streaming_session_backup=Session(owned_by=self.backups[given.backup_id]))

    def _TagResource(self, request: Request, given: TagIn) -> Shape:  # noqa: N802
        del request
        self.tags.setdefault(given.resource_arn, {}).update(given.tags or {})
        return Empty()

    def _UntagResource(self, request: Request, given: UntagIn) -> Shape:  # noqa: N802
        del request
        for key in given.tag_keys:
            self.tags.get(given.resource_arn, {}).pop(key, None)
        return Empty()

    def _ListTagsForResource(self, request: Request, given: ListTagsIn) -> Shape:  # noqa: N802
        del request
        return TagsOut(tags=self.tags.get(given.resource_arn, {}))


def signed(
    method: str,
    path: str,
    *,
    query: str = "",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    key: str = "AKIAOPERATOR",
    secret: str | None = None,
    at: datetime = NOW,
    region: str = "us-west-2",
    service: str = "nimble",
) -> Received:
    """Make a request below the base path, signed as an SDK does; `path` is already encoded."""
    secret = secret or SECRETS[key][0]
    raw_path = BASE_PATH + path
    given = {"host": "localhost", "x-amz-date": f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"}
    given.update({name.lower(): value for name, value in (headers or {}).items()})
    request = AWSRequest(
        method=method, url=f"http://localhost{raw_path}?{query}", data=body, headers=given
    )
    request.context["timestamp"] = given["x-amz-date"]
    signer = SigV4Auth(Credentials(key, secret), service, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    given["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, "
        f"SignedHeaders={signer.signed_headers(signer.headers_to_sign(request))}, "
        f"Signature={signer.signature(text, request)}"
    )
    return Received(
        request_id="the-request",
        method=method,
        raw_path=raw_path,
        query=query,
        headers=tuple(given.items()),
        body=body,
    )


def document(body: bytes) -> Any:
    """Read an answer's JSON."""
    return msgspec.json.decode(body)


def segment(text: str) -> str:
    """Encode one segment of a path, as SDKs do."""
    return quote(text, safe="-_.~")
