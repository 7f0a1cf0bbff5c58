from __future__ import annotations

from server.rate import RateLimit, neighbourhood


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_a_minute_and_fills_up_evenly() -> None:
    clock = Clock()
    limit = RateLimit(60, clock)
    assert [limit.take("a") for _ in range(60)] == [0.0] * 60
    assert limit.take("a") == 1.0
    clock.now = 0.5
    assert limit.take("a") == 0.5
    clock.now = 1.0
    assert limit.take("a") == 0.0
    assert limit.take("a") == 1.0
    clock.now = 1000.0
    assert [limit.take("a") for _ in range(61)].count(0.0) == 60


def test_over_any_stretch_of_time_no_more_get_through_than_are_allowed() -> None:
    clock = Clock()
    limit = RateLimit(6, clock)
    passed = 0
    for tick in range(6000):
        clock.now = tick / 10
        passed += limit.take("a") == 0.0
    assert passed == 6 + 59


def test_everybody_has_a_bucket_and_many_need_little_memory() -> None:
    limit = RateLimit(1, Clock())
    assert limit.take("a") == 0.0
    assert limit.take("b") == 0.0
    assert limit.take("a") > 0
    for number in range(20_000):
        limit.take(str(number))
    assert limit.take("19999") > 0
    assert limit.take("a") == 0.0


def test_a_neighbourhood_of_addresses_is_one_client() -> None:
    assert neighbourhood("192.0.2.7") == "192.0.2.7"
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:0:0:1")
    assert neighbourhood("2001:db8::1") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("::ffff:192.0.2.7") != neighbourhood("::ffff:192.0.2.8")
    assert neighbourhood("testclient") == "testclient"
