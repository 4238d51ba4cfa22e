"""What browsers say of themselves."""

import pytest

from soundstage.portal.browsers import told_by

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ("Firefox", "Linux"),
        ),
        (f"{MAC} Version/18.1 Safari/605.1.15", ("Safari", "macOS")),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            ("Edge", "Windows"),
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) Version/18.1 Safari/604.1",
            ("Safari", "iPad"),
        ),
        ("curl/8.5.0", ("curl", "")),
        ("", ("", "")),
        ("<script>", ("", "")),
    ],
)
def test_it_is_named(agent: str, told: tuple[str, str]) -> None:
    assert told_by(agent) == told
