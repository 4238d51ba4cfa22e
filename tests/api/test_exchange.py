"""Reading a request's headers and query."""

from soundstage.api.exchange import Received


def received(query: str = "") -> Received:
    return Received(
        request_id="r",
        method="GET",
        raw_path="/",
        query=query,
        headers=(("a", "1"), ("b", "2"), ("a", "3")),
    )


def test_repeated_headers_are_kept_in_order() -> None:
    assert received().header_values("a") == ["1", "3"]
    assert received().header_values("c") == []


def test_the_query_stays_encoded() -> None:
    pairs = list(received("states=READY&states=A%20B&empty=&bare&x=a=b").query_parts())
    assert pairs == [
        ("states", "READY"),
        ("states", "A%20B"),
        ("empty", ""),
        ("bare", ""),
        ("x", "a=b"),
    ]
    assert list(received().query_parts()) == []
