"""Lines go to one place in one form, and show no values of variables."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from datetime import datetime

import pytest
import structlog

from soundstage.kit.log import configure, ensure_configured


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Give logging back as it was: it is the whole process's."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def fail_with_a_secret() -> None:
    secret = "hunter2-" + "in-a-variable"
    raise RuntimeError(f"it has {len(secret)} letters")


def test_a_line_for_programs_is_json() -> None:
    file = io.StringIO()
    configure("json", file)
    structlog.get_logger("soundstage.test").info("a thing happened", session="s1")
    line = json.loads(file.getvalue())
    assert (line["event"], line["session"], line["level"]) == ("a thing happened", "s1", "info")
    assert line["timestamp"].endswith("Z")


def test_a_line_for_people_is_text_without_colours_in_a_file() -> None:
    file = io.StringIO()
    configure("text", file)
    structlog.get_logger("soundstage.test").warning("a thing happened", session="s1")
    assert "a thing happened" in file.getvalue()
    assert "session=s1" in file.getvalue()
    assert "\x1b" not in file.getvalue()


def test_a_line_of_text_shows_where_each_field_ends() -> None:
    file = io.StringIO()
    configure("text", file)
    fields = {"path": "/a b", "name": "x status=200", "many": [1], "none": None, "few": "a\nb"}
    structlog.get_logger("soundstage.test").info("request", **fields)
    moment, _, rest = file.getvalue().partition(" ")
    assert datetime.fromisoformat(moment).tzinfo is not None
    assert rest == (
        "[info] request  few='a\\nb' many=[1] name='x status=200' none=None path='/a b'\n"
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours() -> None:
    file = Terminal()
    configure("text", file)
    structlog.get_logger("soundstage.test").info("a thing happened")
    assert "\x1b" in file.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_libraries_speak_in_the_same_form(form: str) -> None:
    file = io.StringIO()
    configure("json" if form == "json" else "text", file)
    logging.getLogger("a.library").warning("careful with %s", "this")
    logging.getLogger("a.library").info("chatter")
    assert "careful with this" in file.getvalue()
    assert "chatter" not in file.getvalue()
    if form == "json":
        assert json.loads(file.getvalue())["level"] == "warning"


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_shows_its_lines_and_no_variable(form: str) -> None:
    file = io.StringIO()
    configure("json" if form == "json" else "text", file)
    try:
        fail_with_a_secret()
    except RuntimeError:
        structlog.get_logger("soundstage.test").exception("it failed")
    assert "it has 21 letters" in file.getvalue()
    assert "fail_with_a_secret" in file.getvalue()
    assert "hunter2-in-a-variable" not in file.getvalue()


def test_debugging_chatter_is_left_out() -> None:
    file = io.StringIO()
    configure("text", file)
    structlog.get_logger("soundstage.test").debug("chatter")
    assert file.getvalue() == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_library_s_exception_needs_no_warning(form: str) -> None:
    file = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        configure("json" if form == "json" else "text", file)
        try:
            fail_with_a_secret()
        except RuntimeError:
            logging.getLogger("a.library").exception("it failed there")
    assert "it has 21 letters" in file.getvalue()
    assert "hunter2-in-a-variable" not in file.getvalue()


def test_where_nobody_said_so_only_what_is_wrong_is_told_and_no_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = structlog.get_logger("soundstage.test")
    for _ in range(2):
        ensure_configured()
        log.info("all is as ever")
        try:
            fail_with_a_secret()
        except RuntimeError:
            log.exception("it failed")
        said = capsys.readouterr()
        assert said.out == ""
        assert "it failed" in said.err
        assert "it has 21 letters" in said.err
        assert "all is as ever" not in said.err
        assert "hunter2-in-a-variable" not in said.err


def test_what_somebody_said_stays_and_can_be_said_later(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = structlog.get_logger("soundstage.test")
    ensure_configured()
    log.warning("before")
    file = io.StringIO()
    configure("json", file)
    ensure_configured()
    log.info("after")
    assert "before" in capsys.readouterr().err
    assert json.loads(file.getvalue())["event"] == "after"
