"""What a form asks for: fields made of an operation's input shape and a noun's words, what is read
back from them, and which of them a complaint is about. `editing` and `founding` work with it.
"""

import re
from collections.abc import Iterable, Mapping

import msgspec

from soundstage.portal.fields import Limits, limits_of, put, read, take
from soundstage.portal.views import Choice, Document
from soundstage.wire.faults import Complaint
from soundstage.words import refusals
from soundstage.words.texts import Words

Choices = Mapping[str, list[Choice]]
"""What can be chosen, by the member that it is chosen for."""
TYPED_WRONG = frozenset({400, 402, 409})
"""The statuses of an answer that is shown beside what was typed."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One member that a form asks for."""

    path: str
    part: str = ""
    """Tells two fields of one member apart."""
    look: str = ""
    """area for long texts, first for choices of which the first is the default, switch for a group
    that is there or not, own for what the noun reads and writes itself; else it follows from the
    member.
    """

    @property
    def name(self) -> str:
        """The field's name in the form."""
        return f"{self.path}:{self.part}" if self.part else self.path


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that belong together."""

    name: str
    asks: tuple[Ask, ...]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field as it is shown."""

    name: str
    id: str
    look: str
    label: str
    hint: str
    limits: Limits
    value: str
    chosen: list[str]
    choices: list[Choice]
    problem: str

    @property
    def said(self) -> str:
        """What it holds, for those who only look."""
        names = {each.value: each.text for each in self.choices}
        return ", ".join(names.get(each, each) for each in self.chosen or [self.value])


class Form:
    """Makes the fields of one noun and reads them."""

    def __init__(self, words: Words, noun: str, shape: type) -> None:
        self._words = words
        self._noun = noun
        self._shape = shape

    def field(
        self,
        ask: Ask,
        document: Document,
        choices: Choices,
        *,
        own: str,
        problems: Iterable[Complaint] = (),
    ) -> Field:
        """Make a field; `own` is the text of one that the noun writes itself, `problems` are all
        complaints, of which it shows its own.
        """
        limits = limits_of(self._shape, ask.path)
        value = own if ask.look == "own" else take(document, ask.path)
        chosen = [str(each) for each in value] if isinstance(value, list) else []
        listed = [Choice(each, self._said(each)) for each in limits.values]
        key = self._key(ask)
        hint = f"{key}_hint"
        return Field(
            name=ask.name,
            id=_id(ask),
            look="area" if ask.look == "own" else ask.look or limits.kind,
            label=self._words(key),
            hint=self._words(hint) if hint in self._words else "",
            limits=limits,
            value="" if value is None or isinstance(value, list | dict) else str(value),
            chosen=["yes"] if ask.look == "switch" and value is not None else chosen,
            choices=choices.get(ask.path) or listed,
            problem=" ".join(self.in_words(each, ask) for each in problems if about(each, [ask])),
        )

    def fill(
        self, document: Document, asks: Iterable[Ask], form: Mapping[str, str], choices: Choices
    ) -> None:
        """Put what was typed and chosen into a document; what was left empty is taken out."""
        for ask in asks:
            if ask.look == "own":
                continue
            limits = limits_of(self._shape, ask.path)
            if ask.look == "switch":
                kept = take(document, ask.path) or {}
                put(document, ask.path, kept if ask.path in form else None)
            elif limits.kind == "choices":
                before = [str(each) for each in take(document, ask.path) or []]
                offered = [each.value for each in choices.get(ask.path, ())] or limits.values
                put(document, ask.path, _picked(ask.path, form, [*before, *offered]) or None)
            else:
                text = form.get(ask.path, "")
                put(document, ask.path, read(limits, text) if text else None)

    def told(self, problems: Iterable[Complaint], asks: Iterable[Ask]) -> list[tuple[str, str]]:
        """Write complaints for people, each with the id of the field that it is about, if any."""
        listed, found = list(asks), []
        for problem in problems:
            ask = about(problem, listed)
            if ask is None:
                found.append((in_words(self._words, problem), ""))
            else:
                found.append((self.in_words(problem, ask), _id(ask)))
        return found

    def in_words(self, problem: Complaint, ask: Ask) -> str:
        """Call the member that a complaint begins with as its field is called."""
        _, _, rest = problem.message.partition(" ")
        said = refusals.said(self._words, problem.code, problem.context)
        return f"{self._words(self._key(ask))}: {said or rest}"

    def _said(self, value: str) -> str:
        key = f"choice.{value}"
        return self._words(key) if key in self._words else value

    def _key(self, ask: Ask) -> str:
        """Find the words for a field: its own, or those that its last names have."""
        steps = ask.path.replace("[]", "").split(".")
        names = [steps[-1], "_".join(steps[-2:]), "_".join(steps[-3:]), f"{steps[-1]}_{ask.part}"]
        keys = [f"{self._noun}.field.{name}" for name in names]
        return next(key for key in reversed(keys) if key in self._words)


def in_words(words: Words, problem: Complaint, fields: Mapping[str, str] | None = None) -> str:
    """Say a complaint; `fields` are the words for those members that the page asks for."""
    said = refusals.said(words, problem.code, problem.context) or problem.message
    key = (fields or {}).get(problem.context.get("member", ""))
    return said if key is None else f"{words(key)}: {said}"


def _id(ask: Ask) -> str:
    return f"f-{re.sub('[^A-Za-z]+', '-', ask.name)}"


def about(problem: Complaint, asks: Iterable[Ask]) -> Ask | None:
    """Find what a complaint is about: it begins with the member's name."""
    first = problem.message.split(" ", maxsplit=1)[0]
    named = re.sub(r"\[[^\]]*\]", "", first.rstrip(":")) + "."
    fitting = [each for each in asks if named.startswith(f"{each.path.replace('[]', '')}.")]
    return max(fitting, key=lambda each: len(each.path), default=None)


def _picked(path: str, form: Mapping[str, str], offered: list[str]) -> list[str]:
    """Put together what was ticked, that which is to be the first before the others."""
    first = [form[path]] if form.get(path) else []
    ticked = [each for each in offered if f"{path}={each}" in form]
    return list(dict.fromkeys([*first, *ticked]))
