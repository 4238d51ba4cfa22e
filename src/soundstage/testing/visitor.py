"""Somebody at a browser without script: opens pages, keeps cookies, fills forms in, sends them.

Tests of the portal's pages use it, within a `World`.
"""

from html.parser import HTMLParser

import httpx

from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.testing.world import ENDPOINT, Inside, World

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Form(HTMLParser):
    """The fields of a page's forms, by where they are sent."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._select: str | None = None
        self._area: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a browser would send."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and self.found and "name" in given:
            if given.get("type") != "checkbox" or "checked" in given:
                self.found[-1][1][given["name"]] = given.get("value", "on")
        elif tag == "textarea":
            self._area = given["name"]
            self.found[-1][1][self._area] = ""
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select is not None:
            fields = self.found[-1][1]
            if "selected" in given or self._select not in fields:
                fields[self._select] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        """Know where a select or a text ends."""
        if tag == "select":
            self._select = None
        elif tag == "textarea" and self._area is not None:
            fields = self.found[-1][1]
            # The line break behind the tag is none of the text's.
            fields[self._area] = fields[self._area].removeprefix("\n")
            self._area = None

    def handle_data(self, data: str) -> None:
        """Collect a text of several lines."""
        if self._area is not None:
            self.found[-1][1][self._area] += data


class Visitor:
    """One browser."""

    def __init__(self, world: World, *, agent: str = AGENT) -> None:
        self.world = world
        self.http = httpx.Client(
            transport=Inside(world),
            base_url=ENDPOINT,
            headers={"User-Agent": agent},
            trust_env=False,
        )

    def link(self, name: str) -> str:
        """Have a link made for somebody, who is made known if need be; give what stands in it."""
        with self.world.service.database.transaction() as transaction:
            now = self.world.clock()
            person = members.ensure_person(transaction, name, now)
            return logins.make_link(transaction, person, now, actor="test")

    def sign_in(self, name: str) -> "Visitor":
        """Open a link and press the button."""
        page = self.get(f"/sign-in?link={self.link(name)}")
        _require(self.submit(page, "/sign-in"))
        return self

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self.http.get(path, headers=headers)

    def follow(self, answer: httpx.Response) -> httpx.Response:
        """Go where an answer leads."""
        return self.get(_require(answer).headers["Location"])

    def post(
        self, path: str, fields: dict[str, str], *, origin: str | None = ENDPOINT
    ) -> httpx.Response:
        """Send a form, as a page of that origin does."""
        headers = {} if origin is None else {"Origin": origin}
        return self.http.post(path, data=fields, headers=headers)

    def submit(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Send the page's first form that goes there, some fields filled in or ticked otherwise."""
        forms = Form(page.text).found
        for where, given in forms:
            if where == action:
                return self.post(action, given | fields)
        raise LookupError(f"{action} is not among {[where for where, _ in forms]}.")


def _require(answer: httpx.Response) -> httpx.Response:
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise LookupError(f"It leads nowhere ({answer.status_code}): {answer.text}")
    return answer
