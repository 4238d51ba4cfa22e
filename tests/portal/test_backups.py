"""Looking into a backup, and taking one file."""

import re
from collections.abc import Iterator

import pytest

from soundstage.portal.backups import trail
from soundstage.testing.visitor import Visitor
from soundstage.testing.walks import Studio
from soundstage.testing.world import World
from soundstage.testing.world import world as a_world


@pytest.fixture(name="kept", scope="module")
def a_backup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """Give a world with a backup of the operator's, and the backup's path."""
    home = tmp_path_factory.mktemp("kept") / "home"
    with a_world(home, throttle_sign_ins_per_minute=0) as world:
        studio = Studio(world)
        session = studio.launch()
        world.engine.write(session["sessionId"], "shots/010/comp <v1>.nk", b"a comp")
        world.engine.write(session["sessionId"], "notes.txt", b"notes" * 500)
        studio.stop(session)
        (backup,) = studio.backups()
        yield world, f"/backups/{studio.id.replace(':', '%3A')}/{backup['backupId']}"


@pytest.fixture
def operator(kept: tuple[World, str]) -> Visitor:
    return Visitor(kept[0]).sign_in("operator")


def test_folders_are_walked_through(kept: tuple[World, str], operator: Visitor) -> None:
    page = operator.get(kept[1])
    assert "notes.txt" in page.text
    assert "2.4 KiB" in page.text
    assert f'href="{kept[1]}?path=shots"' in page.text
    inside = operator.get(f"{kept[1]}?path=shots/010")
    assert "comp &lt;v1&gt;.nk" in inside.text
    assert f'href="{kept[1]}?path=shots"' in inside.text


def test_one_file_is_taken(kept: tuple[World, str], operator: Visitor) -> None:
    page = operator.get(f"{kept[1]}?path=shots/010")
    found = re.search(r'href="([^"]+/file\?path=[^"]+)"', page.text)
    assert found is not None
    address = operator.get(found[1].replace("&amp;", "&"))
    assert address.status_code == 303
    assert operator.get(address.headers["Location"]).content == b"a comp"


@pytest.mark.parametrize("path", ["nothing", "../..", "%00", "/etc/passwd", "a" * 5000])
def test_what_is_not_in_it_is_not_given(
    kept: tuple[World, str], operator: Visitor, path: str
) -> None:
    for place in (f"{kept[1]}?path={path}", f"{kept[1]}/file?path={path}"):
        assert operator.get(place).status_code in {400, 404}


def test_it_is_its_owner_s_alone(kept: tuple[World, str]) -> None:
    anna = Visitor(kept[0]).sign_in("anna")
    assert anna.get(kept[1]).status_code == 403
    assert anna.get(f"{kept[1]}/file?path=notes.txt").status_code == 403
    assert Visitor(kept[0]).get(kept[1]).status_code == 303


def test_a_trail_names_each_folder_on_the_way() -> None:
    assert trail("") == []
    assert trail("a/b c/d") == [("a", "a"), ("b c", "a/b c"), ("d", "a/b c/d")]
