"""The table holds every noun's rows, each once."""

from soundstage.resources.operations import OPERATIONS


def test_names_and_addresses_are_there_once() -> None:
    assert len({row.name for row in OPERATIONS}) == len(OPERATIONS)
    assert len({(row.method, row.path) for row in OPERATIONS}) == len(OPERATIONS)
    assert {"CreateStreamingSession", "ListStreamingSessionBackups"} <= {
        row.name for row in OPERATIONS
    }


def test_what_asks_the_engine_changes_nothing() -> None:
    """All that change something are answered by one thread, and who waits there holds up all."""
    asking = [row for row in OPERATIONS if row.asks_engine]
    assert asking
    assert all(row.is_read for row in asking)
    # By their last words they are told from what reads the database alone.
    assert not [row.path for row in asking if row.path.endswith("}")]
