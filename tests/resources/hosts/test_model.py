"""What people are told of a host."""

from soundstage.resources.hosts.model import because


def test_the_reason_is_the_end_of_a_sentence() -> None:
    assert because("n2", "") == "the host n2 is taken out for maintenance"
    assert because("n2", "new disks") == "the host n2 is taken out for maintenance (new disks)"
