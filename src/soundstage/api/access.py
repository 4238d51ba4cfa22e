"""Answers whether a caller may run a row: a pure decision over the row's grants and a few facts.

`app` asks it after the signature and before existence and input are checked, so that who has no
rights learns nothing about what there is. The operator may do everything. An administrator of the
studio in the path (of any, where there is none in it) may do what either grant allows, everybody
else what the user's grant allows.
"""

from soundstage.api.door import Facts
from soundstage.resources.request import Caller, CallerKind
from soundstage.wire.binding import Asked
from soundstage.wire.codes import Code
from soundstage.wire.faults import AccessDeniedError
from soundstage.wire.operation import Grant, Operation


def require_access(operation: Operation, caller: Caller, asked: Asked, facts: Facts) -> None:
    """Raise AccessDeniedError unless the caller may run this operation on what it names."""
    if not may_run(operation, caller, asked, facts):
        raise AccessDeniedError(
            f"User {caller.principal_id} is not allowed to perform nimble:{operation.name} here.",
            code=Code.NOT_ALLOWED,
            context={"operation": operation.name},
        )


def may_run(operation: Operation, caller: Caller, asked: Asked, facts: Facts) -> bool:
    """Reports whether one of the caller's grants holds."""
    if caller.kind is CallerKind.OPERATOR:
        return True
    principal_id = caller.principal_id
    if holds(operation.permission.user, principal_id, asked, facts):
        return True
    return (
        operation.permission.administrator is not Grant.NEVER
        and _is_administrator(principal_id, asked, facts)
        and holds(operation.permission.administrator, principal_id, asked, facts)
    )


def _is_administrator(principal_id: str, asked: Asked, facts: Facts) -> bool:
    """Reports administration of the studio in the path; of any, where the path has none."""
    if asked.studio_id is None:
        return facts.administers_any(principal_id)
    return facts.is_administrator(asked.studio_id, principal_id)


def holds(grant: Grant, principal_id: str, asked: Asked, facts: Facts) -> bool:
    """Reports whether the grant's condition is met."""
    match grant:
        case Grant.NEVER:
            return False
        case Grant.ALWAYS:
            return True
        case Grant.OWNER:
            return _owner(asked, facts) == principal_id
        case Grant.OWN_LIST:
            return principal_id in {asked.owned_by, asked.principal_id}
        case Grant.MEMBER:
            return _is_member(principal_id, asked, facts)


def _owner(asked: Asked, facts: Facts) -> str | None:
    """Name the owner of what the path names; a stream is its session's owner's."""
    if asked.studio_id is None:
        return None
    if "sessionId" in asked.labels:
        return facts.owner_of_session(asked.studio_id, asked.labels["sessionId"])
    if "backupId" in asked.labels:
        return facts.owner_of_backup(asked.studio_id, asked.labels["backupId"])
    return None


def _is_member(principal_id: str, asked: Asked, facts: Facts) -> bool:
    """Reports membership; a member launches for nobody but himself."""
    return (
        asked.studio_id is not None
        and asked.launch_profile_id is not None
        and asked.owned_by in {None, principal_id}
        and facts.is_member(asked.studio_id, asked.launch_profile_id, principal_id)
    )
