"""The table holds every noun's rows, each once."""

from soundstage.resources.operations import OPERATIONS


def test_names_and_addresses_are_there_once() -> None:
    assert len({row.name for row in OPERATIONS}) == len(OPERATIONS)
    assert len({(row.method, row.path) for row in OPERATIONS}) == len(OPERATIONS)
    assert {"CreateStreamingSession", "ListStreamingSessionBackups"} <= {
        row.name for row in OPERATIONS
    }
