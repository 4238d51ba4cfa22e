"""How often somebody may ask for something."""

import dataclasses
from typing import Annotated

from msgspec import Meta

from soundstage.kit.settings.amounts import Amount, Positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class ThrottlingSettings:
    """How often somebody may ask for something."""

    throttle_reads_per_second: Annotated[
        Amount, Meta(description="Reads a second that one principal may make. 0: no limit.")
    ] = 50
    throttle_reads_burst: Annotated[
        Positive, Meta(description="Reads that one principal may make at once.")
    ] = 100
    throttle_writes_per_second: Annotated[
        Amount, Meta(description="Writes a second that one principal may make. 0: no limit.")
    ] = 10
    throttle_writes_burst: Annotated[
        Positive, Meta(description="Writes that one principal may make at once.")
    ] = 20
    throttle_failures_per_second: Annotated[
        Amount, Meta(description="Wrong signatures a second from one address. 0: no limit.")
    ] = 20
    throttle_failures_burst: Annotated[
        Positive, Meta(description="Wrong signatures from one address at once.")
    ] = 100
    throttle_sign_ins_per_minute: Annotated[
        Amount,
        Meta(
            description="How often a minute the sign-in pages may be asked for from one address, "
            "and at once. 0: no limit."
        ),
    ] = 30
