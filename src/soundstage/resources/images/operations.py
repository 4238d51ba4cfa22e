"""The operations on streaming images: shapes, and the rows that join them to the service."""

from typing import Annotated

from msgspec import Meta

from soundstage.resources.images import service
from soundstage.resources.images.model import (
    StreamingImage,
    StreamingImageEncryptionConfiguration,
    StreamingImageState,
    StreamingImageStatusCode,
)
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Description, Name64, ResourceId, Shape, Tags

# The range A-z, with the six signs between Z and a, is the public model's own.
EC2ImageId = Annotated[str, Meta(pattern=r"^ami-[0-9A-z]+\Z")]


class StreamingImageShape(Shape, frozen=True, kw_only=True):
    """An image on the wire."""

    arn: str
    ec2_image_id: str
    eula_ids: list[str]
    name: str
    owner: str
    platform: str
    state: StreamingImageState
    status_code: StreamingImageStatusCode
    status_message: str
    streaming_image_id: ResourceId
    tags: Tags
    description: str | None = None
    encryption_configuration: StreamingImageEncryptionConfiguration | None = None


class CreateStreamingImageInput(Shape, frozen=True, kw_only=True):
    """What an image is made of."""

    ec2_image_id: EC2ImageId
    name: Name64
    studio_id: str
    client_token: ClientToken | None = None
    description: Description | None = None
    tags: Tags | None = None


class GetStreamingImageInput(Shape, frozen=True, kw_only=True):
    """Which image."""

    streaming_image_id: str
    studio_id: str


class UpdateStreamingImageInput(Shape, frozen=True, kw_only=True):
    """What to change of which image."""

    streaming_image_id: str
    studio_id: str
    client_token: ClientToken | None = None
    description: Description | None = None
    name: Name64 | None = None


class DeleteStreamingImageInput(Shape, frozen=True, kw_only=True):
    """Which image."""

    streaming_image_id: str
    studio_id: str
    client_token: ClientToken | None = None


class ListStreamingImagesInput(Shape, frozen=True, kw_only=True):
    """Whose images, and where to go on."""

    studio_id: str
    next_token: str | None = None
    owner: str | None = None


class StreamingImageOutput(Shape, frozen=True, kw_only=True):
    """One image."""

    streaming_image: StreamingImageShape


class ListStreamingImagesOutput(Shape, frozen=True, kw_only=True):
    """A page of images."""

    streaming_images: list[StreamingImageShape]
    next_token: str | None = None


def create_streaming_image(
    request: Request, given: CreateStreamingImageInput
) -> StreamingImageOutput:
    """Begin to register an image."""
    image = service.create(
        request,
        studio_id=given.studio_id,
        name=given.name,
        description=given.description,
        ec2_image_id=given.ec2_image_id,
        tags=given.tags or {},
    )
    return StreamingImageOutput(streaming_image=show(request, image))


def get_streaming_image(request: Request, given: GetStreamingImageInput) -> StreamingImageOutput:
    """Read an image."""
    image = service.get(request, given.studio_id, given.streaming_image_id)
    return StreamingImageOutput(streaming_image=show(request, image))


def list_streaming_images(
    request: Request, given: ListStreamingImagesInput
) -> ListStreamingImagesOutput:
    """List the images of a studio."""
    images, next_token = service.list_page(
        request, given.studio_id, owner=given.owner, next_token=given.next_token
    )
    return ListStreamingImagesOutput(
        streaming_images=[show(request, image) for image in images], next_token=next_token
    )


def update_streaming_image(
    request: Request, given: UpdateStreamingImageInput
) -> StreamingImageOutput:
    """Rename or describe an image."""
    image = service.update(
        request,
        given.studio_id,
        given.streaming_image_id,
        name=given.name,
        description=given.description,
    )
    return StreamingImageOutput(streaming_image=show(request, image))


def delete_streaming_image(
    request: Request, given: DeleteStreamingImageInput
) -> StreamingImageOutput:
    """Begin to delete an image."""
    image = service.delete(request, given.studio_id, given.streaming_image_id)
    return StreamingImageOutput(streaming_image=show(request, image))


def show(request: Request, image: StreamingImage) -> StreamingImageShape:
    """Make the wire's shape of an image; launch profiles' details show images too."""
    return shaped(
        StreamingImageShape,
        image,
        streaming_image_id=image.id,
        arn=request.installation.arn(ArnKind.STREAMING_IMAGE, image.id),
    )


_NOBODY = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
_READERS = Permission(administrator=Grant.ALWAYS, user=Grant.NEVER)

OPERATIONS = [
    Operation(
        name="CreateStreamingImage",
        method="POST",
        path="/studios/{studioId}/streaming-images",
        input=CreateStreamingImageInput,
        output=StreamingImageOutput,
        permission=_NOBODY,
        handler=create_streaming_image,
    ),
    Operation(
        name="GetStreamingImage",
        method="GET",
        path="/studios/{studioId}/streaming-images/{streamingImageId}",
        input=GetStreamingImageInput,
        output=StreamingImageOutput,
        permission=_READERS,
        handler=get_streaming_image,
    ),
    Operation(
        name="ListStreamingImages",
        method="GET",
        path="/studios/{studioId}/streaming-images",
        input=ListStreamingImagesInput,
        output=ListStreamingImagesOutput,
        permission=_READERS,
        handler=list_streaming_images,
        paginates="streamingImages",
    ),
    Operation(
        name="UpdateStreamingImage",
        method="PATCH",
        path="/studios/{studioId}/streaming-images/{streamingImageId}",
        input=UpdateStreamingImageInput,
        output=StreamingImageOutput,
        permission=_NOBODY,
        handler=update_streaming_image,
    ),
    Operation(
        name="DeleteStreamingImage",
        method="DELETE",
        path="/studios/{studioId}/streaming-images/{streamingImageId}",
        input=DeleteStreamingImageInput,
        output=StreamingImageOutput,
        permission=_NOBODY,
        handler=delete_streaming_image,
    ),
]
