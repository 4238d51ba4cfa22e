"""Reading and changing the tags of whatever has some; called by the tags' operations.

Tags stand with their resources. Each taggable noun's service makes a `Tagged` of its rows, and
`resources.operations` hands all of them in, because this noun is below them.
"""

from collections.abc import Mapping
from typing import Any

from soundstage.kit.records import Records
from soundstage.resources.request import Request
from soundstage.resources.tags import model
from soundstage.wire.arn import Arn, ArnKind, BadArnError, parse
from soundstage.wire.faults import NotFoundError, ValidationError


class Tagged:
    """The rows of one noun, whose column `tags` is read and written here."""

    def __init__(self, records: Records[Any]) -> None:
        self._records = records

    def read(self, request: Request, resource_id: str) -> dict[str, str] | None:
        """Read a resource's tags; None when there is no such resource."""
        record = self._records.get(request.transaction, resource_id)
        return None if record is None else dict(record.tags)

    def write(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace a resource's tags."""
        self._records.update(request.transaction, resource_id, {"tags": tags})


Taggable = Mapping[ArnKind, Tagged]


def read(request: Request, taggable: Taggable, resource_arn: str) -> dict[str, str]:
    """Read the tags of what an ARN names. Raises ValidationError or NotFoundError."""
    tagged, arn = _find(request, taggable, resource_arn)
    tags = tagged.read(request, arn.resource_id)
    if tags is None:
        raise NotFoundError(arn.kind.replace("-", " "), resource_arn)
    return tags


def add(request: Request, taggable: Taggable, resource_arn: str, tags: Mapping[str, str]) -> None:
    """Add tags, or give those that are there another value."""
    kept = read(request, taggable, resource_arn)
    model.check(dict(tags))
    tagged, arn = _find(request, taggable, resource_arn)
    tagged.write(request, arn.resource_id, model.check({**kept, **tags}))


def remove(request: Request, taggable: Taggable, resource_arn: str, keys: list[str]) -> None:
    """Take tags away; silent about those that are not there."""
    kept = read(request, taggable, resource_arn)
    tagged, arn = _find(request, taggable, resource_arn)
    gone = set(keys)
    left = {key: value for key, value in kept.items() if key not in gone}
    tagged.write(request, arn.resource_id, left)


def _find(request: Request, taggable: Taggable, resource_arn: str) -> tuple[Tagged, Arn]:
    try:
        arn = parse(resource_arn)
    except BadArnError as error:
        raise ValidationError(f"resourceArn: {error}") from None
    if arn.kind not in taggable:
        kinds = ", ".join(taggable)
        raise ValidationError(f"resourceArn: only these can have tags: {kinds}; got {arn.kind}.")
    if request.installation.arn(arn.kind, arn.resource_id) != resource_arn:
        # Another account's, or another region's.
        raise NotFoundError(arn.kind.replace("-", " "), resource_arn)
    return taggable[arn.kind], arn
