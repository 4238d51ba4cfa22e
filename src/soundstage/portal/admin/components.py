"""Studio components: shared folders, licence servers, farms, directories and scripts."""

from soundstage.portal.admin.asking import Ask, Section
from soundstage.portal.admin.editing import Noun
from soundstage.portal.stage import Asked
from soundstage.portal.views import Document

_SETTINGS = {
    "SHARED_FILE_SYSTEM": ("sharedFileSystem", ("endpoint", "shareName", "linuxMountPoint")),
    "LICENSE_SERVICE": ("licenseService", ("endpoint",)),
    "COMPUTE_FARM": ("computeFarm", ("endpoint",)),
    "ACTIVE_DIRECTORY": (
        "activeDirectory",
        ("directoryId", "organizationalUnitDistinguishedName"),
    ),
    "CUSTOM": None,
}
"""Which settings a type has, and what is asked of them: what has a meaning on Linux."""
_SCRIPT = "initializationScripts[].script"
_PARAMETERS = "scriptParameters"
_LINUX = {"launchProfileProtocolVersion": "2021-03-31", "platform": "LINUX"}
_CONTEXTS = {"system": "SYSTEM_INITIALIZATION", "user": "USER_INITIALIZATION"}


class Components(Noun):
    """Their pages; what is asked for depends on the type, which is chosen first."""

    name = "components"
    key = "studioComponent"
    operation = "StudioComponent"
    resource = "studio-component"

    def starts(self) -> list[tuple[str, str]]:
        """Offer each type."""
        return [(f"?type={each}", self._type(each)) for each in _SETTINGS]

    def beginning(self, asked: Asked) -> Document:
        """Begin with the type, in the address when the form is asked for and when it is sent."""
        wanted = asked.query.get("type", "")
        return {"type": wanted if wanted in _SETTINGS else "CUSTOM"}

    def sections(self, document: Document) -> list[Section]:
        """Ask for what its type has."""
        about = (
            Ask(path="name"),
            Ask(path="description", look="area"),
            Ask(path="subtype"),
        )
        found = [Section(name="about", asks=about)]
        settings = _SETTINGS.get(document["type"])
        if settings is not None:
            member, names = settings
            at = f"configuration.{member}Configuration"
            asks = tuple(Ask(path=f"{at}.{name}") for name in names)
            found.append(Section(name="settings", asks=asks))
        scripts = (
            *(Ask(path=_SCRIPT, part=part, look="own") for part in _CONTEXTS),
            Ask(path=_PARAMETERS, look="own"),
        )
        found.append(Section(name="at_a_start", asks=scripts))
        return found

    def own_text(self, ask: Ask, document: Document) -> str:
        """Write a script, or the names of the parameters: their values may be secret."""
        if ask.path == _PARAMETERS:
            return "\n".join(each["key"] for each in document.get(_PARAMETERS, ()))
        found = _scripts(document, _CONTEXTS[ask.part])
        return str(found[0]["script"]) if found else ""

    def finish(self, document: Document, form: dict[str, str], before: Document) -> None:
        """Put scripts and parameters in; a script that no form shows stays as it is."""
        scripts = list(before.get("initializationScripts", ()))
        for part, context in _CONTEXTS.items():
            text = form.get(Ask(path=_SCRIPT, part=part).name, "").replace("\r\n", "\n")
            shown = _scripts({"initializationScripts": scripts}, context)[:1]
            made = [{**_LINUX, "runContext": context, "script": text}] if text.strip() else []
            if shown:
                at = scripts.index(shown[0])
                scripts[at : at + 1] = [{**shown[0], **made[0]}] if made else []
            else:
                scripts += made
        document["initializationScripts"] = scripts
        document[_PARAMETERS] = _parameters(form.get(_PARAMETERS, ""), before)

    def facts(self, document: Document) -> list[str]:
        """Say what it is, and how many scripts it has."""
        scripts = len(document["initializationScripts"])
        told = [self._type(document["type"])]
        return [*told, self.words.count("components.scripts", scripts)] if scripts else told

    def _type(self, value: str) -> str:
        return self.words(f"components.type.{value}")


def _scripts(document: Document, context: str) -> list[Document]:
    """Find those that run on Linux as this one."""
    return [
        each
        for each in document.get("initializationScripts", ())
        if each.get("platform") == "LINUX" and each.get("runContext") == context
    ]


def _parameters(text: str, before: Document) -> list[Document]:
    """Read a line each: `NAME=value`, or a name alone for a value that stays."""
    known = {each["key"]: each for each in before.get(_PARAMETERS, ())}
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, has_value, value = line.partition("=")
        kept = known.get(key.strip(), {"key": key.strip()})
        found.append({"key": key.strip(), "value": value} if has_value else kept)
    return found
