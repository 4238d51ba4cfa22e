"""Why a request was refused, in the reader's language; portal and gateway ask.

What the API says is English and made for programs and logs. Where it names its reason by a code
(`wire.codes`), people are told that reason in words of their own.
"""

from collections.abc import Iterable, Mapping

from soundstage.words.texts import Words

_STATES = {
    "streaming session": "state",
    "streaming session backup": "backup_state",
    "host": "hosts",
}
"""Where the words for a kind's states stand; those of all others are `made_state`."""
_SESSION = "streaming session"
_MOST_STATES = 2
"""Of more people learn nothing: it is what they see that does not do."""


def said(words: Words, code: str | None, context: Mapping[str, str]) -> str | None:
    """Say a refusal in the language that is spoken; None where there are no words for it."""
    key = f"refusals.{code}"
    if code is None or key not in words:
        return None
    try:
        return words.texts[key].format_map(_shown(words, context))
    except KeyError:
        # The service at the other end is another one, which tells less.
        return None


def _shown(words: Words, context: Mapping[str, str]) -> dict[str, str]:
    shown = dict(context)
    kind = context.get("kind", _SESSION)
    if "state" in context:
        shown["state"] = _state(words, kind, context["state"])
        shown["needed"] = _needed(words, kind, context["possible"].split(", "))
    for name, key in (("kind", "refusals.kind"), ("quotaName", "quotas.field")):
        if name in context:
            word = f"{key}.{context[name].replace(' ', '_')}"
            shown[name] = words(word) if word in words else context[name]
    return shown


def _needed(words: Words, kind: str, possible: Iterable[str]) -> str:
    states = dict.fromkeys(_state(words, kind, each) for each in possible)
    if len(states) > _MOST_STATES:
        return ""
    return words("refusals.needed", possible=words("refusals.or").join(states))


def _state(words: Words, kind: str, state: str) -> str:
    table = _STATES.get(kind, "made_state")
    key = f"{table}.{state.lower() if table == 'hosts' else state}"
    return words("refusals.state", state=words(key) if key in words else state)
