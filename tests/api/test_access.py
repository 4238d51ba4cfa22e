"""Who may run what: grants, kinds of callers, own and other people's things, as one table."""

import pytest

from soundstage.api.access import holds, may_run, require_access
from soundstage.resources.request import Caller
from soundstage.testing.small_studio import (
    ADMINISTRATOR,
    ANN,
    BOB,
    EVERYBODY,
    MEMBERS,
    OPERATOR,
    OPERATOR_ONLY,
    OWN_LISTS,
    OWNERS,
    STUDIO,
    SmallStudio,
)
from soundstage.wire.binding import Asked
from soundstage.wire.faults import AccessDeniedError
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import Empty

OTHER_STUDIO = "us-west-2:stid-other00000000000"


def row(permission: Permission) -> Operation:
    return Operation(
        name="Something",
        method="GET",
        path="/studios/{studioId}",
        input=Empty,
        output=Empty,
        permission=permission,
        handler=print,
    )


def asked(studio: str | None = STUDIO, **more: str) -> Asked:
    labels = {} if studio is None else {"studioId": studio}
    labels.update({key: value for key, value in more.items() if key.endswith("Id")})
    return Asked(
        labels=labels,
        owned_by=more.get("owned_by"),
        principal_id=more.get("principal_id"),
        launch_profile_id=more.get("launch_profile_id"),
    )


ADMINISTRATORS = Permission(administrator=Grant.ALWAYS, user=Grant.NEVER)

ANN_S = asked(sessionId="ann-session")
BOB_S = asked(sessionId="bob-session")
NOBODY_S = asked(sessionId="no-such-session")
ELSEWHERE = asked(OTHER_STUDIO, sessionId="ann-session")
BACKUP = asked(backupId="ann-backup")

CASES = [
    # permission, caller, what is asked, whether it is allowed
    (OPERATOR_ONLY, OPERATOR, asked(), True),
    (OPERATOR_ONLY, ADMINISTRATOR, asked(), False),
    (OPERATOR_ONLY, ANN, asked(), False),
    (EVERYBODY, ANN, asked(), True),
    (EVERYBODY, ANN, asked(None), True),
    (EVERYBODY, ADMINISTRATOR, asked(None), True),
    (ADMINISTRATORS, ADMINISTRATOR, asked(None), True),
    (ADMINISTRATORS, ADMINISTRATOR, asked(OTHER_STUDIO), False),
    (ADMINISTRATORS, ANN, asked(None), False),
    (OWNERS, OPERATOR, NOBODY_S, True),
    (OWNERS, ADMINISTRATOR, ANN_S, True),
    (OWNERS, ADMINISTRATOR, NOBODY_S, True),
    (OWNERS, ADMINISTRATOR, ELSEWHERE, False),
    (OWNERS, ANN, ANN_S, True),
    (OWNERS, ANN, BOB_S, False),
    (OWNERS, ANN, NOBODY_S, False),
    (OWNERS, ANN, ELSEWHERE, False),
    (OWNERS, ANN, asked(), False),
    (OWNERS, ANN, asked(None, sessionId="ann-session"), False),
    (OWNERS, ANN, asked(sessionId="ann-session", streamId="any"), True),
    (OWNERS, BOB, asked(sessionId="ann-session", streamId="any"), False),
    (OWNERS, ANN, BACKUP, True),
    (OWNERS, BOB, BACKUP, False),
    (OWN_LISTS, ADMINISTRATOR, asked(), True),
    (OWN_LISTS, ANN, asked(), False),
    (OWN_LISTS, ANN, asked(owned_by="ann"), True),
    (OWN_LISTS, ANN, asked(principal_id="ann"), True),
    (OWN_LISTS, ANN, asked(owned_by="bob"), False),
    (OWN_LISTS, ANN, asked(owned_by=""), False),
    (MEMBERS, ADMINISTRATOR, asked(launch_profile_id="profile"), True),
    (MEMBERS, ADMINISTRATOR, asked(launch_profile_id="profile", owned_by="ann"), True),
    (MEMBERS, ANN, asked(launch_profile_id="profile"), True),
    (MEMBERS, ANN, asked(launch_profile_id="profile", owned_by="ann"), True),
    (MEMBERS, ANN, asked(launch_profile_id="profile", owned_by="bob"), False),
    (MEMBERS, BOB, asked(launch_profile_id="profile"), False),
    (MEMBERS, ANN, asked(launch_profile_id="another"), False),
    (MEMBERS, ANN, asked(OTHER_STUDIO, launch_profile_id="profile"), False),
    (MEMBERS, ANN, asked(), False),
    (MEMBERS, ANN, asked(None, launch_profile_id="profile"), False),
]


@pytest.mark.parametrize(("permission", "caller", "what", "allowed"), CASES)
def test_the_table(
    studio: SmallStudio, permission: Permission, caller: Caller, what: Asked, allowed: bool
) -> None:
    assert may_run(row(permission), caller, what, studio) is allowed


def test_an_administrator_is_a_user_too(studio: SmallStudio) -> None:
    permission = Permission(administrator=Grant.NEVER, user=Grant.ALWAYS)
    assert may_run(row(permission), ADMINISTRATOR, asked(), studio)


@pytest.mark.parametrize("grant", list(Grant))
def test_no_grant_but_always_holds_for_nothing_named(studio: SmallStudio, grant: Grant) -> None:
    assert holds(grant, "ann", asked(None), studio) is (grant is Grant.ALWAYS)


def test_the_refusal_names_caller_and_operation_only(studio: SmallStudio) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        require_access(row(OWNERS), ANN, BOB_S, studio)
    assert "ann" in caught.value.message
    assert "nimble:Something" in caught.value.message
    assert "bob" not in caught.value.message
    require_access(row(OWNERS), ANN, ANN_S, studio)
