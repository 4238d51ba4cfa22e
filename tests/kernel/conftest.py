"""What the tests in a guest share.

Only `make test-kernel` runs them, inside the machine of `soundstage.testing.kernel`.
"""

from collections.abc import Iterator

import pytest

from soundstage.testing.fileservers import FileServers, running_servers
from soundstage.testing.kernel import DISK


@pytest.fixture(scope="session")
def servers() -> Iterator[FileServers]:
    with running_servers(DISK / "servers") as made:
        yield made
