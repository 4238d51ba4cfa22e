"""The rules for tags."""

import pytest

from soundstage.resources.tags.model import check
from soundstage.wire.faults import ValidationError


def test_what_is_within_the_limits_comes_back() -> None:
    full = {f"{number:0128}": "v" * 256 for number in range(50)}
    assert check(full) == full
    assert check({}) == {}
    assert check({"k": ""}) == {"k": ""}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({str(number): "" for number in range(51)}, "51 tags are more than the 50 allowed"),
        ({"": "v"}, "a key must have 1 to 128 characters"),
        ({"k" * 129: "v"}, "a key must have 1 to 128 characters"),
        ({"k": "v" * 257}, "the value of 'k' is longer than 256 characters"),
        ({"aws:cloud": "v"}, "'aws:cloud' begins with 'aws:', which is reserved"),
        ({"AWS:cloud": "v"}, "'AWS:cloud' begins with 'aws:', which is reserved"),
    ],
)
def test_what_is_beyond_is_refused_with_the_limit(tags: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check(tags)
    assert caught.value.message.startswith("tags: ")
    assert message in caught.value.message
    assert "vvv" not in caught.value.message
