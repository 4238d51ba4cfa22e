"""What Incus is told of an image."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from soundstage.engines.images.incus import expect, metadata
from soundstage.engines.images.store import ImageError

DIGEST = "d" * 64


def test_it_names_the_system_and_the_templates() -> None:
    with tarfile.open(fileobj=io.BytesIO(metadata("bookworm", DIGEST)), mode="r:xz") as archive:
        names = set(archive.getnames())
        file = archive.extractfile("metadata.yaml")
        assert file is not None
        about = json.load(file)
    assert about["properties"]["release"] == "bookworm"
    assert about["templates"]["/etc/hostname"]["template"] == "hostname.tpl"
    written = {f"templates/{each['template']}" for each in about["templates"].values()}
    assert names == {"metadata.yaml", *written}


def test_the_same_image_has_the_same_metadata() -> None:
    assert metadata("bookworm", DIGEST) == metadata("bookworm", DIGEST)


def test_a_damaged_image_is_found_out(tmp_path: Path) -> None:
    place = tmp_path / "metadata.tar.xz"
    place.write_bytes(metadata("bookworm", DIGEST))
    expect(place, DIGEST)
    with pytest.raises(ImageError, match="the image is damaged"):
        expect(place, "e" * 64)


def test_somebody_else_s_metadata_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "metadata.tar.xz"
    for content in (b"", b"nothing packed", metadata("bookworm", DIGEST)[:200]):
        place.write_bytes(content)
        with pytest.raises(ImageError, match="does not describe an image"):
            expect(place, DIGEST)
