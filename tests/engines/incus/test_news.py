"""Who waits for a start asks its keeper seldom, and as before when the wait is over."""

from contextlib import ExitStack

from soundstage.engines.incus.news import EVERY_SECONDS, News

REF, OTHER = "r" * 22, "o" * 22


class Time:
    """One that ends a wait while it is read, as another thread may."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ending = ExitStack()

    def __call__(self) -> float:
        self.ending.close()
        return self.now


def test_a_start_that_is_waited_for_is_asked_about_now_and_then() -> None:
    time = Time()
    news = News(clock=time)
    assert news.is_due(REF)
    with news.awaited(REF):
        assert not news.is_due(REF)
        assert news.is_due(OTHER)
        time.now += EVERY_SECONDS
        assert news.is_due(REF)
        assert not news.is_due(REF)
    assert news.is_due(REF)


def test_a_wait_that_ends_during_a_question_leaves_nothing_behind() -> None:
    time = Time()
    news = News(clock=time)
    wait = ExitStack()
    wait.enter_context(news.awaited(REF))
    time.now += EVERY_SECONDS
    time.ending = wait
    assert news.is_due(REF)
    assert [news.is_due(REF) for _ in range(2)] == [True, True]
