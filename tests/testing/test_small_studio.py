"""The small studio's signer makes what an SDK makes, and its rows are those of the public model."""

from pathlib import Path

from soundstage.kit.database import Database, sqlite_url
from soundstage.testing.small_studio import (
    NOW,
    SEAL,
    STUDIO,
    SmallStudio,
    document,
    segment,
    signed,
)


def test_rows_have_names_and_paths_once(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "tokens.sqlite"), SEAL)
    rows = SmallStudio(database).operations()
    database.dispose()
    assert len({row.name for row in rows}) == len({(row.method, row.path) for row in rows})
    assert len(rows) == 15


def test_a_signed_request_is_whole() -> None:
    received = signed("POST", "/studios", query="a=b", body=b"{}", headers={"X-Amz-Meta": "m"})
    assert (received.method, received.raw_path, received.query, received.body) == (
        "POST",
        "/2020-08-01/studios",
        "a=b",
        b"{}",
    )
    (authorization,) = received.header_values("authorization")
    assert "Credential=AKIAOPERATOR/20261121/us-west-2/nimble/aws4_request" in authorization
    assert "SignedHeaders=host;x-amz-date;x-amz-meta" in authorization
    assert received.header_values("x-amz-date") == [f"{NOW:%Y%m%dT%H%M%SZ}"]


def test_small_tools() -> None:
    assert segment(STUDIO) == "us-west-2%3Astid-nyoqq12fteqy1x48"
    assert document(b'{"a": [1]}') == {"a": [1]}
