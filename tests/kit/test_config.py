"""Settings come from variables, then the file, then the defaults; a wrong one is named."""

import dataclasses
from pathlib import Path

import pytest

from soundstage.kit.config import FIELDS, ConfigError, Settings, load, reference


def settings(home: Path, **variables: str) -> Settings:
    return load({"SOUNDSTAGE_HOME": str(home), **variables})


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "soundstage.toml").write_text('port = 9000\nregion = "eu-west-1"\n')
    read = settings(tmp_path, SOUNDSTAGE_PORT="9001")
    assert (read.port, read.region, read.engine) == (9001, "eu-west-1", "sandbox")
    assert read.home == tmp_path


def test_another_file_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text('trusted_proxies = ["10.0.0.1"]\nhome = "/srv/studio"\n')
    read = load({"SOUNDSTAGE_CONFIG": str(file)})
    assert read.trusted_proxies == ["10.0.0.1"]
    assert read.home == Path("/srv/studio")


def test_a_tilde_is_the_user_s_folder_also_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "studio").mkdir()
    (tmp_path / "studio" / "soundstage.toml").write_text("port = 9000\n")
    read = load({"SOUNDSTAGE_HOME": "~/studio"})
    assert (read.home, read.port) == (tmp_path / "studio", 9000)


def test_lists_have_commas_between(tmp_path: Path) -> None:
    for name in ("trusted_proxies", "webhook_networks", "incus_closed_networks"):
        read = settings(tmp_path, **{f"SOUNDSTAGE_{name.upper()}": "10.0.0.1, ::1"})
        assert getattr(read, name) == ["10.0.0.1", "::1"]


def test_an_empty_variable_is_none_at_all(tmp_path: Path) -> None:
    read = settings(tmp_path, SOUNDSTAGE_PORT="", SOUNDSTAGE_CONFIG="")
    assert read.port == 8080


def test_variables_of_others_are_ignored(tmp_path: Path) -> None:
    assert settings(tmp_path, PORT="1", AWS_DEFAULT_REGION="x").port == 8080
    # What `soundstage env` exported, in the shell where the next command is run.
    assert settings(tmp_path, SOUNDSTAGE_PRINCIPAL_ID="x").port == 8080


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SOUNDSTAGE_PORT", "0"),
        ("SOUNDSTAGE_PORT", "http"),
        ("SOUNDSTAGE_PUBLIC_URL", "https://a.example/studio"),
        ("SOUNDSTAGE_REGION", "Mars"),
        ("SOUNDSTAGE_SANDBOX", "chroot"),
        ("SOUNDSTAGE_FRAMES_PER_SECOND", "1000"),
        ("SOUNDSTAGE_PROT", "8080"),
        ("SOUNDSTAGE_CONFIG", "/nonexistent/file.toml"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}"):
        settings(tmp_path, **{variable: value})


@pytest.mark.parametrize("text", ["prot = 1\n", "port = \n", "port = [1]\n", "\udcff"])
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "soundstage.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"soundstage\.toml"):
        settings(tmp_path)


def test_the_reference_has_a_row_with_a_text_for_every_setting() -> None:
    rows = reference().splitlines()[2:]
    named = [row.split("`")[1].removeprefix("SOUNDSTAGE_").lower() for row in rows]
    assert named == list(FIELDS)
    assert all(len(row.split("|")[3].strip()) > 20 for row in rows)


def test_a_table_of_images_comes_from_the_file_or_as_json(tmp_path: Path) -> None:
    file = tmp_path / "soundstage.toml"
    file.write_text('[images]\nami-film = "film"\n')
    environment = {"SOUNDSTAGE_HOME": str(tmp_path)}
    assert load(environment).images == {"ami-film": "film"}
    environment["SOUNDSTAGE_IMAGES"] = '{"ami-x": "0123abcd"}'
    assert load(environment).images == {"ami-x": "0123abcd"}
    environment["SOUNDSTAGE_IMAGES"] = "film"
    with pytest.raises(ConfigError, match="SOUNDSTAGE_IMAGES: this is no JSON"):
        load(environment)


def test_a_table_of_instance_types_comes_from_the_file_or_as_json(tmp_path: Path) -> None:
    file = tmp_path / "soundstage.toml"
    file.write_text('[instance_types."g5.xlarge"]\ncpus = 1.5\ngpus = 0\n')
    environment = {"SOUNDSTAGE_HOME": str(tmp_path)}
    assert load(environment).instance_types == {"g5.xlarge": {"cpus": 1.5, "gpus": 0}}
    environment["SOUNDSTAGE_INSTANCE_TYPES"] = '{"g3s.xlarge": {"memory_gib": 8}}'
    assert load(environment).instance_types == {"g3s.xlarge": {"memory_gib": 8}}
    environment["SOUNDSTAGE_INSTANCE_TYPES"] = "g3s.xlarge=8"
    with pytest.raises(ConfigError, match="SOUNDSTAGE_INSTANCE_TYPES: this is no JSON"):
        load(environment)


def test_every_room_has_settings_of_its_own() -> None:
    fields = [field.name for room in Settings.__bases__ for field in dataclasses.fields(room)]
    assert sorted(fields) == sorted(set(fields)) == sorted(FIELDS)
    assert sorted(field.name for field in dataclasses.fields(Settings)) == sorted(FIELDS)


def test_a_room_of_settings_is_no_setting(tmp_path: Path) -> None:
    (tmp_path / "soundstage.toml").write_text('[oidc]\nissuer = "https://id.example.org"\n')
    with pytest.raises(ConfigError, match=r"soundstage\.toml: oidc: there is no such setting"):
        settings(tmp_path)


def test_a_provider_is_set_by_variables(tmp_path: Path) -> None:
    read = settings(
        tmp_path,
        SOUNDSTAGE_OIDC_ISSUER="https://id.example.org/realms/films",
        SOUNDSTAGE_OIDC_SCOPES="openid, groups",
        SOUNDSTAGE_OIDC_ADMINISTRATORS='{"leads": ["films"]}',
    )
    assert read.oidc_issuer == "https://id.example.org/realms/films"
    assert read.oidc_scopes == ("openid", "groups")
    assert read.oidc_administrators == {"leads": ["films"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'webhook_networks = "10.0.0.7, 10.20.0.0/16"',
            'write webhook_networks = ["10.0.0.7", "10.20.0.0/16"]',
        ),
        ("warn_minutes_before_end = 15", "write warn_minutes_before_end = [15]"),
    ],
)
def test_a_list_that_is_none_is_shown_as_one(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "soundstage.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load({"SOUNDSTAGE_HOME": str(tmp_path)})
    assert str(caught.value).endswith(said)


def test_what_is_wrong_within_a_list_needs_no_example(tmp_path: Path) -> None:
    (tmp_path / "soundstage.toml").write_text("webhook_networks = [7]")
    with pytest.raises(ConfigError) as caught:
        load({"SOUNDSTAGE_HOME": str(tmp_path)})
    assert "It is a list" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("On", True), ("1", True), ("no", False), ("FALSE", False)]
)
def test_a_switch_is_turned_by_any_of_its_words(text: str, value: bool) -> None:
    assert load({"SOUNDSTAGE_TRACES": text}).traces is value


def test_what_is_neither_on_nor_off_is_refused() -> None:
    with pytest.raises(ConfigError, match="SOUNDSTAGE_TRACES: it is true or false, not maybe"):
        load({"SOUNDSTAGE_TRACES": "maybe"})
