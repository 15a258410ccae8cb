"""Pauses after wrong logins: users S42."""

from __future__ import annotations

from server.throttle import LONGEST_PAUSE, USER_PAUSE, Throttle


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_pauses_double_from_the_fifth_failure_on() -> None:
    throttle = Throttle(Clock())
    pauses = []
    for _ in range(16):
        throttle.failed("10.0.0.1", None)
        pauses.append(throttle.wait("10.0.0.1", None))
    assert pauses == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_pause_ends() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(5):
        throttle.failed("10.0.0.1", "ann")
    clock.now += 0.5
    assert throttle.wait("10.0.0.1", "ann") == 0.5
    clock.now += 0.5
    assert throttle.wait("10.0.0.1", "ann") == 0


def test_quiet_for_a_while_is_forgotten() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(12):
        throttle.failed("10.0.0.1", "ann")
    clock.now += 901
    throttle.failed("10.0.0.1", "ann")
    assert throttle.wait("10.0.0.1", "ann") == 0


def test_many_addresses_against_one_user() -> None:
    throttle = Throttle(Clock())
    for number in range(20):
        throttle.failed(f"10.0.0.{number}", "ann")
    assert throttle.wait("10.9.9.9", "ann") == USER_PAUSE
    assert throttle.wait("10.9.9.9", "bob") == 0


def test_own_account_does_not_reset_the_address() -> None:
    throttle = Throttle(Clock())
    for _ in range(5):
        throttle.failed("10.0.0.1", "ann")
        throttle.succeeded("10.0.0.1", "eve")
    assert throttle.wait("10.0.0.1", "ann") == 1


def test_known_addresses_are_not_locked_out_by_strangers() -> None:
    throttle = Throttle(Clock())
    throttle.succeeded("10.0.0.1", "ann")
    for _ in range(9):
        throttle.failed("10.0.0.2", "ann")
    assert throttle.wait("10.0.0.1", "ann") == 0
    assert throttle.wait("10.0.0.3", "ann") > 0


def test_ipv6_counts_by_network() -> None:
    throttle = Throttle(Clock())
    for number in range(5):
        throttle.failed(f"2001:db8::{number}", None)
    assert throttle.wait("2001:db8::ffff", None) == 1
    assert throttle.wait("2001:db8:0:1::1", None) == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle(Clock(), capacity=10)
    for number in range(1000):
        throttle.failed(f"10.1.{number // 250}.{number % 250}", "x" * number)
        throttle.succeeded("10.0.0.1", f"user{number}")
    assert len(throttle) <= 30
