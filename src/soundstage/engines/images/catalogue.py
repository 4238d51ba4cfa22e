"""Which image a StreamingImage means: from its `ec2ImageId` to a name that an engine knows.

Asked by the engines when they are made. The names are the operator's, from the settings: `host` is
what this machine has installed, others are images that were made here (store.py), and an engine
that keeps images of its own, as Incus does, finds them by its aliases and fingerprints.
"""

import re
from collections.abc import Mapping

HOST = "host"
# As the API has it.
_AMI = re.compile(r"ami-[0-9A-z]+")
_OWN = {"ami-host": HOST}


def catalogue(named: Mapping[str, str]) -> dict[str, str]:
    """Add what every installation knows to what the operator named. Raises ValueError."""
    for ami, name in named.items():
        if not _AMI.fullmatch(ami):
            raise ValueError(
                f"{ami!r} can't be an ec2ImageId: ami- and then letters and digits, nothing else"
            )
        if not name.strip():
            raise ValueError(f"{ami} names no image")
    return {**_OWN, **named}
