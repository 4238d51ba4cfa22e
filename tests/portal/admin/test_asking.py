"""Fields of a form, and which of them a complaint is about."""

import pytest

from soundstage.portal.admin.asking import Ask, Form, about
from soundstage.portal.views import Choice
from soundstage.resources.operations import OPERATIONS
from soundstage.wire.faults import Complaint
from soundstage.words.texts import Words, speaking

RULES = "streamConfiguration"
SHAPE = next(row.input for row in OPERATIONS if row.name == "CreateLaunchProfile")
FORM = Form(Words(), "profiles", SHAPE)
TYPES = Ask(path=f"{RULES}.ec2InstanceTypes", look="first")


@pytest.mark.parametrize(
    ("problem", "path"),
    [
        ("name must be text.", "name"),
        (f"{RULES}.ec2InstanceTypes[3] must be one of a, b.", f"{RULES}.ec2InstanceTypes"),
        (f"{RULES}.idleStopInMinutes: 3 is too short.", f"{RULES}.idleStopInMinutes"),
        ("The quota is used up.", None),
        ("", None),
    ],
)
def test_a_complaint_names_its_field(problem: str, path: str | None) -> None:
    asks = [Ask(path="name"), TYPES, Ask(path=f"{RULES}.idleStopInMinutes")]
    found = about(Complaint(problem), asks)
    assert (found and found.path) == path


@pytest.mark.parametrize(
    ("language", "code", "told"),
    [
        ("en", "TOO_LONG", "Name: At most 64 characters."),
        ("de", "TOO_LONG", "Name: Höchstens 64 Zeichen."),
        ("de", None, "Name: must be text of length <= 64."),
    ],
)
def test_a_complaint_is_told_in_the_reader_s_language(
    language: str, code: str | None, told: str
) -> None:
    problem = Complaint("name must be text of length <= 64.", code, {"limit": "64"})
    used_up = {"quotaName": "webhooks", "value": "1", "used": "1"}
    other = Complaint("There is no room.", "QUOTA", used_up)
    ask = Ask(path="name")
    of = {"en": "of", "de": "von"}[language]
    with speaking(language):
        assert FORM.told([problem], [ask]) == [(told, "f-name")]
        assert FORM.field(ask, {}, {}, own="", problems=[problem, other]).problem == told
        assert FORM.told([other], [ask])[0][0].endswith(f"Webhooks: 1 {of} 1.")


def test_the_first_choice_comes_first_and_the_order_of_the_others_stays() -> None:
    document = {RULES: {"ec2InstanceTypes": ["g5.xlarge", "g4dn.xlarge"]}}
    ticked = {f"{TYPES.path}={each}": "on" for each in ("g3.4xlarge", "g4dn.xlarge", "g5.xlarge")}
    FORM.fill(document, [TYPES], {TYPES.path: "g4dn.xlarge", **ticked}, {})
    assert document[RULES]["ec2InstanceTypes"] == ["g4dn.xlarge", "g5.xlarge", "g3.4xlarge"]
    FORM.fill(document, [TYPES], {}, {})
    assert document == {}


def test_a_field_says_what_it_holds() -> None:
    document = {RULES: {"ec2InstanceTypes": ["g5.xlarge"]}}
    choices = {TYPES.path: [Choice("g5.xlarge", "g5.xlarge (4 cores)")]}
    field = FORM.field(TYPES, document, choices, own="")
    assert (field.label, field.said, field.problem) == ("Sizes", "g5.xlarge (4 cores)", "")
    assert field.id == "f-streamConfiguration-ec-InstanceTypes"
