"""The operations on tags: shapes, and the rows that join them to the service.

The rows are made by a function, for `resources.operations` tells what can have tags.
"""

from functools import partial

from soundstage.resources.request import Request
from soundstage.resources.tags import service
from soundstage.resources.tags.service import Taggable
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import Empty, Shape, Tags


class TagResourceInput(Shape, frozen=True, kw_only=True):
    """Which tags to add to what."""

    resource_arn: str
    tags: Tags | None = None


class UntagResourceInput(Shape, frozen=True, kw_only=True):
    """Which tags to take from what."""

    resource_arn: str
    tag_keys: list[str]


class ListTagsForResourceInput(Shape, frozen=True, kw_only=True):
    """Whose tags."""

    resource_arn: str


class ListTagsForResourceOutput(Shape, frozen=True, kw_only=True):
    """All tags of a resource."""

    tags: Tags


def tag_resource(taggable: Taggable, request: Request, given: TagResourceInput) -> Empty:
    """Add tags or give them another value."""
    service.add(request, taggable, given.resource_arn, given.tags or {})
    return Empty()


def untag_resource(taggable: Taggable, request: Request, given: UntagResourceInput) -> Empty:
    """Take tags away."""
    service.remove(request, taggable, given.resource_arn, given.tag_keys)
    return Empty()


def list_tags_for_resource(
    taggable: Taggable, request: Request, given: ListTagsForResourceInput
) -> ListTagsForResourceOutput:
    """Read all tags."""
    return ListTagsForResourceOutput(tags=service.read(request, taggable, given.resource_arn))


_NOBODY = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
_PATH = "/tags/{resourceArn}"
_NO_CONTENT = 204


def operations(taggable: Taggable) -> list[Operation]:
    """Make the rows for these kinds of resources."""
    return [
        Operation(
            name="TagResource",
            method="POST",
            path=_PATH,
            input=TagResourceInput,
            output=Empty,
            permission=_NOBODY,
            handler=partial(tag_resource, taggable),
            status=_NO_CONTENT,
        ),
        Operation(
            name="UntagResource",
            method="DELETE",
            path=_PATH,
            input=UntagResourceInput,
            output=Empty,
            permission=_NOBODY,
            handler=partial(untag_resource, taggable),
            status=_NO_CONTENT,
        ),
        Operation(
            name="ListTagsForResource",
            method="GET",
            path=_PATH,
            input=ListTagsForResourceInput,
            output=ListTagsForResourceOutput,
            permission=_NOBODY,
            handler=partial(list_tags_for_resource, taggable),
        ),
    ]
