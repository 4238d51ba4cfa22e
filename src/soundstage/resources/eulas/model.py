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
        ("gJZLygd-Srq_5NNbSfiaLg", "Mozilla-FireFox", "https://www.mozilla.org/en-US/MPL/2.0/"),
        (
            "RvoNmVXiSrS4LhLTb6ybkw",
            "Thinkbox-Deadline",
            "https://www.awsthinkbox.com/end-user-license-agreement",
        ),
        (
            "Rl-J0fM5Sl2hyIiwWIV6hw",
            "Videolan-VLC",
            "https://www.videolan.org/legal.html",
        ),
        ("ggK2eIw6RQyt8PIeeOlD3g", "Microsoft-VSCode", "https://code.visualstudio.com/license"),
        (
            "wtp85BcSTa2NZeNRnMKdjw",
            "DJV-DJV",
            "https://darbyjohnston.github.io/DJV/legal.html#License",
        ),
        (
            "uu2VDLo-QJeIGWWLBae_UA",
            "SideFX-Houdini",
            "https://www.sidefx.com/legal/license-agreement/",
        ),
        ("L0HS4P3CRYKVXc2J2LO7Vw", "ChaosGroup-Vray", "https://www.chaosgroup.com/eula"),
        ("SAuhfHmmSAeUuq3wsMiMlw", "Foundry-Nuke", "https://www.foundry.com/eula"),
        (
            "a-D9Wc0VQCKUfxAinCDxaw",
            "BlenderFoundation-Blender",
            "https://download.blender.org/release/GPL3-license.txt",
        ),
    )
}
"""The EULAs of the public service, with the ids and addresses that the AWS command line's own
examples for `list-eulas` show, so that scripts which name an id find it here.
"""


class EulaAcceptance(msgspec.Struct, frozen=True, kw_only=True):
    """That a studio accepted a EULA, as it is stored."""

    id: str
    studio_id: str
    eula_id: str
    accepted_by: str
    created_at: datetime
