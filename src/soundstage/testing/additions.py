"""What Soundstage has beyond the public API, by name; the tests that compare the two read it.

Additions are operations of their own and optional members; what a stock client sends and is sure to
be answered stays as it was.
"""

ADDED_OPERATIONS: dict[str, str] = {
    "CreateStreamingSessionBackup": "a backup that somebody asks for",
    "GetCaller": "says who is calling, and which studios are theirs",
    "GetStreamingSessionPicture": "shows how a desktop looks, to the one whose it is",
    "CreateStreamingSessionShare": "makes a link by which others look on at a session",
    "DeleteStreamingSessionShare": "ends one",
    "ListStreamingSessionShares": "as above",
    "GetLaunchProfileAvailability": "says what a workstation would get now, and how soon",
    "GetStudioCapacity": "says what there is for workstations, and how much of its quotas is used",
    "GetStudioQuotas": "says how much of each thing a studio may have",
    "UpdateStudioQuotas": "gives a studio more of them, or less, than the settings",
    "GetCatalogue": "says what instance types and images are here",
    "ListHosts": "says which hosts there are, what is promised of each, and who is on it",
    "EvacuateHost": "takes one out for maintenance",
    "ReopenHost": "takes that back",
    "ListPeople": "says who is known, so that administrators can choose among them",
    "ExtendStreamingSession": "puts a session's end off",
    "GetStreamingSessionBackupFile": "takes one file out of a backup",
    "ListLaunchProfileAvailabilities": "says it of all launch profiles that one may use",
    "ListEvents": "says what happened, who caused it and from where",
    "CreateWebhook": "sends events to an address elsewhere",
    "DeleteWebhook": "as above",
    "GetWebhook": "as above",
    "ListWebhookDeliveries": "shows what is on its way to a webhook, and what was given up",
    "ListWebhooks": "as CreateWebhook",
    "RedeliverWebhook": "sends again what was tried in vain or given up",
    "UpdateWebhook": "as CreateWebhook",
    "ListStreamingSessionBackupFiles": "shows what is in a backup",
    "ListStreamingSessionScriptOutputs": "shows what initialization scripts said",
}
"""Each with what it is for."""

ADDED_MEMBERS: dict[str, str] = {
    "CreateStreamingSession backupId": "a new session begins with a backup of an earlier one",
    "streamingSessionBackup sizeInBytes": "how large a backup is",
    "session nextAction": "what will happen to a session, when, and by which rule",
    "session startSteps": "what a session's last start came to, and how long each step took",
    "session startStepsAhead": "what a start is still to come to, as the last ones had it",
    "session startRemainingSeconds": "how long a start still takes, as the last ones did",
    "session unreachableSince": "since when a session's host does not answer",
    "session stoppedByRule": "by which rule a session stopped by itself",
    "session healedAt": "when a session was last found gone and started again by itself",
    "streamConfiguration idleStopInMinutes": "a session is stopped after so long without work",
    "streamConfiguration warmWorkstations": "how many workstations are kept prepared",
    "streamConfiguration lostHostMoveInMinutes": "a session may leave a host that is lost",
    "streamConfiguration evacuatedHostMode": "a session may leave a host that is taken out",
    "streamConfiguration sessionShare": "whether others may look on, how long and how many",
    "streamConfiguration sessionDownload": "whether files may be fetched through the stream",
}
"""By structure, or operation, and member."""


def is_added(where: str) -> bool:
    """Reports whether what the comparisons call so is an addition."""
    skipped = {"member", "input", "output", "answer"}
    words = [word.removesuffix("[]") for word in where.split() if word not in skipped]
    holder, member = words[-2], words[-1]
    # Lists are named in the plural.
    return any(f"{name} {member}" in ADDED_MEMBERS for name in (holder, holder.removesuffix("s")))
