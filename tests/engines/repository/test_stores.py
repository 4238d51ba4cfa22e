"""Where backups may be kept, and what is said of a store that can't be used."""

import socket
from pathlib import Path

import pytest

from soundstage.engines.repository.stores import Store, StoreError, folder_store, store_of
from soundstage.kit.config import ConfigError


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "credentials"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_without_a_setting_it_is_a_folder_of_the_home(tmp_path: Path) -> None:
    assert store_of("", None, default=tmp_path / "b") == folder_store(tmp_path / "b")
    assert store_of("/mnt/b", None, default=tmp_path).folder == Path("/mnt/b")


def test_a_bucket_is_opened_by_a_file_and_never_by_its_address(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "# ours\n\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY = 'b=c'\n")
    store = store_of("s3:https://s3.example.org/bucket/studio/", path, default=tmp_path)
    assert store.address == "s3:https://s3.example.org/bucket/studio"
    assert store.environment() == {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b=c"}
    assert "b=c" not in repr(store)
    assert store.name != folder_store(tmp_path).name


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("relative/folder", "absolute path"),
        ("s3:https://s3.example.org", "s3:https://host/bucket"),
        ("s3:https://name:secret@s3.example.org/bucket", "without a name or a password"),
        ("s3:ftp://s3.example.org/bucket", "s3:https://host/bucket"),
        ("s3:https://s3.example.org/bucket", "SOUNDSTAGE_BACKUP_CREDENTIALS"),
    ],
)
def test_what_is_no_store_is_refused_without_repeating_a_secret(
    setting: str, word: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=word) as raised:
        store_of(setting, None, default=tmp_path)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "mode", "word"),
    [
        ("AWS_ACCESS_KEY_ID=a", 0o640, "chmod 600"),
        ("PATH=/tmp/hostile", 0o600, "line 1: not one of"),
        ("just-a-secret", 0o600, "line 1: not one of"),
    ],
)
def test_credentials_are_private_and_only_credentials(
    text: str, mode: int, word: str, tmp_path: Path
) -> None:
    store = Store(address="s3:http://h/b", credentials=secret_file(tmp_path, text, mode))
    with pytest.raises(StoreError, match=word) as raised:
        store.environment()
    assert "hostile" not in str(raised.value)
    assert "just-a-secret" not in str(raised.value)


def test_missing_credentials_are_said(tmp_path: Path) -> None:
    store = Store(address="s3:http://h/b", credentials=tmp_path / "none")
    with pytest.raises(StoreError, match="No such file"):
        store.environment()


def test_a_store_that_does_not_answer_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        Store(address=f"s3:http://127.0.0.1:{port}/bucket").expect_answer()
    with pytest.raises(StoreError, match=f"http://127.0.0.1:{port} does not answer: .*refused"):
        Store(address=f"s3:http://127.0.0.1:{port}/bucket").expect_answer()
    folder_store(Path("/nowhere")).expect_answer()
