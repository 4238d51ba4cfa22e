"""Resource names are written in the public form and read back exactly."""

import pytest

from soundstage.wire import arn
from soundstage.wire.arn import Arn, ArnKind, BadArnError


@pytest.mark.parametrize("kind", list(ArnKind))
def test_build_and_parse_are_each_other_s_reverse(kind: ArnKind) -> None:
    resource_id = "us-west-2:stid-nyoqq12fteqy1x48" if kind is ArnKind.STUDIO else "A" * 21 + "_"
    text = arn.build("us-west-2", "123456789012", kind, resource_id)
    parsed = arn.parse(text)
    assert parsed == Arn(
        region="us-west-2", account_id="123456789012", kind=kind, resource_id=resource_id
    )
    assert str(parsed) == text


def test_a_studio_s_name_leaves_its_region_out() -> None:
    text = arn.build("us-west-2", "123456789012", "studio", "us-west-2:stid-nyoqq12fteqy1x48")
    assert text == "arn:aws:nimble:us-west-2:123456789012:studio/stid-nyoqq12fteqy1x48"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn:aws:s3:us-west-2:123456789012:studio/stid-a",
        "arn:aws:nimble:us-west-2:12345:studio/stid-a",
        "arn:aws:nimble:us-west-2:123456789012:farm/a",
        "arn:aws:nimble:us-west-2:123456789012:studio/",
        "arn:aws:nimble:us-west-2:123456789012:studio/a/b",
        "arn:aws:nimble:us-west-2:123456789012:studio/a\n",
        "arn:aws:nimble:us-west-2:" + "\N{FULLWIDTH DIGIT ONE}" * 12 + ":studio/a",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadArnError):
        arn.parse(text)


def test_an_unknown_kind_can_t_be_named() -> None:
    with pytest.raises(ValueError, match="farm"):
        arn.build("us-west-2", "123456789012", "farm", "x")
