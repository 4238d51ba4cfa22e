"""On what occasion a transaction writes is told once, and ends with the transaction."""

from soundstage.kit import occasion
from soundstage.kit.database import Database
from soundstage.kit.occasion import NOBODY_S, Occasion


def test_the_next_transaction_begins_without_an_occasion(sqlite: Database) -> None:
    asked = Occasion(operation="CreateStudio", request_id="r", source_address="10.0.0.7")
    with sqlite.transaction() as transaction:
        assert occasion.of(transaction) == NOBODY_S
        assert not occasion.is_noted(transaction)
        occasion.begin(transaction, asked)
        occasion.note(transaction)
        assert occasion.of(transaction) == asked
        assert occasion.is_noted(transaction)
    with sqlite.transaction() as transaction:
        assert occasion.of(transaction) == NOBODY_S
        assert not occasion.is_noted(transaction)


def test_transactions_that_share_a_commit_share_no_occasion(sqlite: Database) -> None:
    with sqlite.together() as begin:
        with begin(write=True) as transaction:
            occasion.begin(transaction, Occasion(operation="CreateStudio"))
            occasion.note(transaction)
        with begin(write=True) as transaction:
            assert occasion.of(transaction) == NOBODY_S
            assert not occasion.is_noted(transaction)
