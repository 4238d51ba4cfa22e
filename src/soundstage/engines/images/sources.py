"""Which release an image is of, and where apt fetches it: as apt on this machine is configured.

Asked by `building.py`. Only what the distribution itself publishes is taken over: a source of
somebody else's would need that one's keys and choices inside the image.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

DEFAULT_RELEASE = "trixie"
_DISTRIBUTIONS = ("debian", "ubuntu")
_PARTS = ("", "-updates", "-security")
_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>.+)"
)


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What mmdebstrap is told."""

    release: str
    text: str
    """In the form of sources.list(5)'s deb822; empty where this machine does not know any, and
    mmdebstrap asks the release's own mirror."""


def of_machine(release: str | None = None, *, etc: Path = Path("/etc")) -> Sources:
    """Take the sources of one release, or of this machine's own where it is Debian or Ubuntu."""
    own = _os_release(etc / "os-release")
    if release is None:
        is_known = own.get("ID") in _DISTRIBUTIONS
        release = own.get("VERSION_CODENAME") if is_known else None
    release = release or DEFAULT_RELEASE
    wanted = {release + part for part in _PARTS}
    found = [
        stanza
        for path in _files(etc / "apt")
        for stanza in _stanzas(path)
        if wanted & set(stanza["Suites"].split()) and _is_distributions_own(stanza)
    ]
    texts = []
    for stanza in found:
        suites = " ".join(suite for suite in stanza["Suites"].split() if suite in wanted)
        rows = {**stanza, "Suites": suites}
        texts.append("".join(f"{name}: {value}\n" for name, value in rows.items()))
    return Sources(release=release, text="\n".join(texts))


def _os_release(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: value.strip("\"'") for name, _, value in pairs}


def _files(apt: Path) -> list[Path]:
    more = apt / "sources.list.d"
    return [apt / "sources.list", *sorted([*more.glob("*.list"), *more.glob("*.sources")])]


def _stanzas(path: Path) -> Iterable[dict[str, str]]:
    """Read either form; source packages and what is switched off are left out."""
    try:
        text = path.read_text()
    except OSError:
        return
    if path.suffix == ".list":
        for line in text.splitlines():
            if read := _LINE.fullmatch(line.partition("#")[0].strip()):
                yield _of_line(read)
        return
    for block in re.split(r"\n\s*\n", text):
        rows: dict[str, str] = {}
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        for line in lines:
            name, parted, value = line.partition(":")
            # A key inside goes on over lines that begin with a space.
            if parted and not line[0].isspace():
                rows[name] = value.strip()
            elif rows:
                rows[next(reversed(rows))] += f"\n{line}"
        is_off = rows.get("Enabled", "yes").lower() in {"no", "false"}
        if "deb" in rows.get("Types", "").split() and "Suites" in rows and not is_off:
            yield {**rows, "Types": "deb"}


def _of_line(read: re.Match[str]) -> dict[str, str]:
    rows = {
        "Types": "deb",
        "URIs": read["uri"],
        "Suites": read["suite"],
        "Components": " ".join(read["rest"].split()),
    }
    for option in (read["options"] or "").split():
        name, _, value = option.partition("=")
        if name == "signed-by":
            rows["Signed-By"] = value
    return rows


def _is_distributions_own(stanza: dict[str, str]) -> bool:
    """What is signed by no special key, or by an archive's, in the parts that archives have."""
    signed = stanza.get("Signed-By", "")
    components = stanza.get("Components", "").split()
    return "main" in components and (not signed or "-archive-" in signed)
