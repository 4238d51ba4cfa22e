"""Streaming images: what workstations are made of."""

from typing import ClassVar

from soundstage.portal.admin.asking import Ask, Section
from soundstage.portal.admin.editing import Noun
from soundstage.portal.views import Document


class Images(Noun):
    """Their pages."""

    name = "images"
    key = "streamingImage"
    operation = "StreamingImage"
    resource = "streaming-image"
    fixed: ClassVar[frozenset[str]] = frozenset({"ec2ImageId"})

    def sections(self, document: Document) -> list[Section]:
        """Ask for what there is to an image."""
        del document
        asks = (Ask(path="name"), Ask(path="description", look="area"), Ask(path="ec2ImageId"))
        return [Section(name="about", asks=asks)]

    def facts(self, document: Document) -> list[str]:
        """Name the image that the engine knows."""
        return [document["ec2ImageId"]]
