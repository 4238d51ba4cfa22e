"""Identifiers have the public API's forms and never repeat."""

import base64
import re
import uuid

import pytest

from soundstage.kit import ids


def test_an_id_is_a_random_uuid_in_22_characters() -> None:
    text = ids.new_id()
    raw = base64.urlsafe_b64decode(text + "==")
    assert len(text) == 22
    assert uuid.UUID(bytes=raw).version == 4
    assert ids.is_id(text)


def test_no_id_looks_like_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [uuid.UUID(bytes=bytes([first, *range(15)])) for first in (0xF8, 0xFB, 0xFC)]
    texts = [base64.urlsafe_b64encode(each.bytes).rstrip(b"=").decode() for each in made]
    assert [text[0] for text in texts] == ["-", "-", "_"]
    monkeypatch.setattr(uuid, "uuid4", iter(made).__next__)
    assert ids.new_id() == texts[2]


def test_what_is_no_id_is_told() -> None:
    assert not ids.is_id("short")
    assert not ids.is_id(ids.new_id() + "x")
    assert not ids.is_id(ids.new_id()[:-1] + "\n")
    assert not ids.is_id("../../../../etc/passwd")


def test_forms() -> None:
    assert re.fullmatch(r"us-west-2:stid-[a-z0-9]{16}", ids.new_studio_id("us-west-2"))
    assert re.fullmatch(
        r"[0-9a-f]{10}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        ids.new_user_id(),
    )
    assert re.fullmatch(r"[1-9]\d{11}", ids.new_account_id())
    assert re.fullmatch(r"AROA[A-Z2-7]{17}", ids.new_role_id())
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", ids.new_access_key_id())
    assert re.fullmatch(r"[A-Za-z0-9]{40}", ids.new_secret_access_key())
    assert uuid.UUID(ids.new_request_id()).version == 4


def test_an_identity_store_s_ids_are_told() -> None:
    made = ids.new_user_id()
    assert ids.is_user_id(made)
    # Newer identity stores leave the ten digits out.
    assert ids.is_user_id(made[11:])
    for wrong in ("", "anna", made[1:], f"{made}\n", f"{made}0", ids.new_id()):
        assert not ids.is_user_id(wrong)


def test_none_repeats() -> None:
    assert len({ids.new_id() for _ in range(1000)}) == 1000
