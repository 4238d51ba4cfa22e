"""Who may run what is what the public service's two portal policies and its memberships allowed.

The account's operator may do everything. `StudioAdmin` and `StudioUser` are managed policies of the
public service; membership of a launch profile gives the rest. The table here is written from their
texts, apart from the rows, so that a slip in either is seen.
"""

import pytest

from soundstage.resources.operations import OPERATIONS
from soundstage.wire.operation import Grant, Operation

ADMINISTRATOR = {
    "AcceptEulas",
    "CreateStreamingSession",
    "CreateStreamingSessionStream",
    "DeleteLaunchProfileMember",
    "DeleteStreamingSession",
    "GetEula",
    "GetLaunchProfile",
    "GetLaunchProfileDetails",
    "GetLaunchProfileInitialization",
    "GetLaunchProfileMember",
    "GetStreamingImage",
    "GetStreamingSession",
    "GetStreamingSessionBackup",
    "GetStreamingSessionStream",
    "GetStudioMember",
    "ListEulaAcceptances",
    "ListEulas",
    "ListLaunchProfileMembers",
    "ListLaunchProfiles",
    "ListStreamingImages",
    "ListStreamingSessionBackups",
    "ListStreamingSessions",
    "ListStudioMembers",
    "PutLaunchProfileMembers",
    "StartStreamingSession",
    "StopStreamingSession",
    "UpdateLaunchProfileMember",
    # Beyond the policies.
    "CreateStreamingSessionBackup",
    "ExtendStreamingSession",
    "ListStreamingSessionScriptOutputs",
    "GetStreamingSessionBackupFile",
    "ListStreamingSessionBackupFiles",
    "GetCaller",
    "ListEvents",
    "CreateWebhook",
    "DeleteWebhook",
    "GetWebhook",
    "ListWebhookDeliveries",
    "ListWebhooks",
    "RedeliverWebhook",
    "UpdateWebhook",
    "GetLaunchProfileAvailability",
    "ListLaunchProfileAvailabilities",
    "GetStudioCapacity",
    "GetStudioQuotas",
    "UpdateStudioQuotas",
    "ListPeople",
}
"""Always, within the studio; nothing else, not even reading the studio."""

USER = {
    "CreateStreamingSession": Grant.MEMBER,
    "CreateStreamingSessionStream": Grant.OWNER,
    "DeleteStreamingSession": Grant.OWNER,
    "GetLaunchProfile": Grant.MEMBER,
    "GetLaunchProfileDetails": Grant.MEMBER,
    "GetLaunchProfileInitialization": Grant.MEMBER,
    "GetLaunchProfileMember": Grant.MEMBER,
    "GetStreamingSession": Grant.OWNER,
    "GetStreamingSessionBackup": Grant.OWNER,
    "GetStreamingSessionStream": Grant.OWNER,
    "GetStudioMember": Grant.ALWAYS,
    "ListEulaAcceptances": Grant.ALWAYS,
    "ListEulas": Grant.ALWAYS,
    "ListLaunchProfileMembers": Grant.MEMBER,
    "ListLaunchProfiles": Grant.OWN_LIST,
    "ListStreamingSessionBackups": Grant.OWN_LIST,
    "ListStreamingSessions": Grant.OWN_LIST,
    "ListStudioMembers": Grant.ALWAYS,
    "StartStreamingSession": Grant.OWNER,
    "StopStreamingSession": Grant.OWNER,
    # Beyond the policies: whoever may stop a session may put its end off.
    "ExtendStreamingSession": Grant.OWNER,
    # Beyond the policies: whose work it is may keep it and look into what is kept.
    "CreateStreamingSessionBackup": Grant.OWNER,
    "GetStreamingSessionBackupFile": Grant.OWNER,
    "ListStreamingSessionBackupFiles": Grant.OWNER,
    # Beyond the policies: everybody may know who they are, and what they would be given.
    "GetCaller": Grant.ALWAYS,
    "ListEvents": Grant.OWN_LIST,
    "GetLaunchProfileAvailability": Grant.MEMBER,
    "ListLaunchProfileAvailabilities": Grant.OWN_LIST,
}


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_a_row_grants_what_the_policies_did(row: Operation) -> None:
    administrator = Grant.ALWAYS if row.name in ADMINISTRATOR else Grant.NEVER
    assert row.permission.administrator is administrator
    assert row.permission.user is USER.get(row.name, Grant.NEVER)


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_a_grant_finds_what_it_asks_about(row: Operation) -> None:
    """An owner needs something owned in the path, a member a profile, a list its filter."""
    members = set(row.input.__struct_encode_fields__)
    needed = {
        Grant.OWNER: {"sessionId", "backupId"} & set(row.labels),
        Grant.MEMBER: {"launchProfileId"} & members,
        Grant.OWN_LIST: {"ownedBy", "principalId"} & members,
    }
    for grant in (row.permission.user, row.permission.administrator):
        assert grant not in needed or needed[grant]
        assert grant in {Grant.NEVER, Grant.ALWAYS} or "studioId" in row.labels
