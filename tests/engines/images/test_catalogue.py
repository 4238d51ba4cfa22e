"""From an `ec2ImageId` to the name of an image."""

import pytest

from soundstage.engines.images.catalogue import catalogue


def test_the_machine_s_own_is_always_known() -> None:
    assert catalogue({}) == {"ami-host": "host"}
    assert catalogue({"ami-film": "film"}) == {"ami-host": "host", "ami-film": "film"}


def test_the_operator_may_have_it_mean_something_else() -> None:
    assert catalogue({"ami-host": "film"}) == {"ami-host": "film"}


@pytest.mark.parametrize("ami", ["film", "ami-", "ami-a b", "ami-film-2", "AMI-film"])
def test_what_no_streaming_image_can_have_is_refused(ami: str) -> None:
    with pytest.raises(ValueError, match="can't be an ec2ImageId"):
        catalogue({ami: "film"})


def test_a_name_is_needed() -> None:
    with pytest.raises(ValueError, match="ami-film names no image"):
        catalogue({"ami-film": " "})
