"""Who is who, and which studios follow from groups."""

import pytest

from soundstage.resources.identities.model import Rules, check, id_of, studios_for
from soundstage.wire.faults import ValidationError


def test_an_id_is_of_one_subject_at_one_issuer() -> None:
    found = {id_of("https://a", "1"), id_of("https://a", "11"), id_of("https://a1", "1")}
    assert len(found) == 3
    assert id_of("https://a", "1") in found


@pytest.mark.parametrize("subject", ["", "a" * 256, "ä", "a\nb"])
def test_what_no_provider_says_is_refused(subject: str) -> None:
    with pytest.raises(ValidationError, match="subject: it has 1 to 255"):
        check("https://a", subject)
    with pytest.raises(ValidationError, match="issuer: it has 1 to 512"):
        check("https://a" * 100, "s")


@pytest.mark.parametrize(
    ("groups", "studios"),
    [((), set()), (("x",), set()), (("a",), {"films"}), (("a", "b"), {"films", "ads", "*"})],
)
def test_groups_name_studios(groups: tuple[str, ...], studios: set[str]) -> None:
    rules = Rules(administrators={"a": ("films",), "b": ("ads", "*")})
    assert studios_for(rules, groups) == studios
