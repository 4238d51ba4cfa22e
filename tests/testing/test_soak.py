"""The soak, short: every row explained after half a day of accidents and kills."""

from datetime import timedelta
from pathlib import Path

import pytest

from soundstage.resources.sessions import store
from soundstage.testing.soak import Soak


@pytest.mark.parametrize("seed", [1, 2])
def test_every_row_is_explained(home: Path, seed: int) -> None:
    soak = Soak(home, seed=seed, sessions=10)
    try:
        soak.run(timedelta(hours=3))
        assert soak.happened["kill"] > 0
        assert soak.unexplained() == []
        # It would say so if something were wrong.
        with soak.world.service.database.transaction() as transaction:
            store.sessions.update(transaction, soak.ids[0], {"state": "STOP_IN_PROGRESS"})
        assert soak.unexplained() != []
    finally:
        soak.close()
