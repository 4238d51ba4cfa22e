"""Which EULAs there are, and what accepting one leaves behind."""

from datetime import UTC, datetime

import msgspec

KNOWN_SINCE = datetime(2021, 4, 28, tzinfo=UTC)
"""The public service's first day."""


class Eula(msgspec.Struct, frozen=True, kw_only=True):
    """A licence."""

    id: str
    name: str
    """The vendor and the product."""
    content: str
    """Where the licence can be read."""


CATALOGUE = {
    eula_id: Eula(id=eula_id, name=name, content=content)
    for eula_id, name, content in (
        ("_YCsMyPoRa6gqNyeRLrCgA", "Mozilla-FireFox", "https://www.mozilla.org/en-US/MPL/2.0/"),
        (
            "XPuATZ5QTeOyCIlPcSilxg",
            "Thinkbox-Deadline",
            "https://www.awsthinkbox.com/end-user-license-agreement",
        ),
        (
            "hWqctbrsTiynMiLujn0kRw",
            "Videolan-VLC",
            "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
        ),
        ("9-ZMmtbLSHCG5-w2imLTSQ", "Microsoft-VSCode", "https://code.visualstudio.com/license"),
        ("3Bt43QOZS_mmCUDbiaLCAg", "DJV-DJV", "https://darbyjohnston.github.io/DJV/legal.html"),
        (
            "qPY6I_HCQqKOoTnK5vb4EQ",
            "SideFX-Houdini",
            "https://www.sidefx.com/legal/license-agreement/",
        ),
        ("PI7AsmrZTsuux-DhG9Y3NA", "ChaosGroup-Vray", "https://www.chaos.com/eula"),
        ("OwKJ-3qbQBqVtQ2JODjl3Q", "Foundry-Nuke", "https://www.foundry.com/eula"),
        (
            "BsQO8VPOSiShwIy4XcpMew",
            "BlenderFoundation-Blender",
            "https://www.blender.org/about/license/",
        ),
    )
}
"""The programs that the public service had EULAs for, each with its vendor's address. The ids are
this project's own, and stay as they are.
"""


class EulaAcceptance(msgspec.Struct, frozen=True, kw_only=True):
    """That a studio accepted a EULA, as it is stored."""

    id: str
    studio_id: str
    eula_id: str
    accepted_by: str
    created_at: datetime
