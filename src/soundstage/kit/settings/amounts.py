"""Numbers that settings count things with; far beyond what a studio has, and never negative."""

from typing import Annotated

from msgspec import Meta

Amount = Annotated[int, Meta(ge=0, le=1_000_000)]
Positive = Annotated[int, Meta(ge=1, le=1_000_000)]
