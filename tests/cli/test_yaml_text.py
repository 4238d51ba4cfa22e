"""YAML without surprises: words stay words, keys stand once, texts stay readable."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.cli.yaml_text import read, written
from soundstage.kit.config import ConfigError

TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=40
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_what_is_written_is_read_as_it_was(document: Any) -> None:
    assert read(written(document), "here") == document


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("a: on\nb: no\nc: Yes", {"a": "on", "b": "no", "c": "Yes"}),
        ("a: true\nb: 12\nc: 1.5\nd: ~", {"a": True, "b": 12, "c": 1.5, "d": None}),
        ("a: 2026-11-28\nb: 12:30:00", {"a": "2026-11-28", "b": "12:30:00"}),
        ("a: 0o17\nb: 017", {"a": "0o17", "b": "017"}),
        ('{"a": [1, "b"]}', {"a": [1, "b"]}),
        ("on: x", {"on": "x"}),
        ("", None),
    ],
)
def test_words_are_what_they_look_like(text: str, document: Any) -> None:
    assert read(text, "here") == document


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3", r"file, line 3, column 1: the key a stands there twice"),
        ("a:\n  1: x", r"file, line 2, column 3: the key 1 is no text"),
        ("a: [1", r"file, line 1, column 6"),
        ("a: !!python/object:os.system x", r"could not determine a constructor"),
        ("a: \x00", r"characters that YAML does not allow"),
        ("[" * 5000, r"nested too deeply"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read(text, "file")


def test_texts_of_several_lines_stand_as_they_are() -> None:
    script = "#!/bin/sh\necho 'hello'\n"
    assert written({"script": script, "same": [script, script]}).startswith(
        "script: |\n  #!/bin/sh\n  echo 'hello'\n"
    )
    assert "&" not in written({"same": [[1], [1]]})
