"""Slows down password guessing: growing pauses per client address and per user (S42)."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.addresses import parse_ip

FREE_TRIES: Final = 5
LONGEST_PAUSE: Final = 300.0
USER_PAUSE: Final = 30.0
"""Seconds; shorter, since a stranger can make it happen to somebody else."""
FORGET_AFTER: Final = 900.0


@dataclass
class _Record:
    failures: int
    last: float
    until: float


class _Ledger:
    """Failures by key: at most `capacity` keys, the least recent forgotten first."""

    def __init__(self, longest: float, capacity: int) -> None:
        self._longest = longest
        self._capacity = capacity
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def wait(self, key: str, now: float) -> float:
        record = self._records.get(key)
        return 0.0 if record is None else max(0.0, record.until - now)

    def add(self, key: str, now: float) -> None:
        record = self._records.pop(key, None)
        if record is None or now - record.last > FORGET_AFTER:
            record = _Record(0, now, now)
        record.failures += 1
        record.last = now
        if record.failures >= FREE_TRIES:
            pause = 2.0 ** min(record.failures - FREE_TRIES, 20)
            record.until = now + min(pause, self._longest)
        self._records[key] = record
        while len(self._records) > self._capacity:
            self._records.popitem(last=False)

    def clear(self, key: str) -> None:
        self._records.pop(key, None)


class Throttle:
    """Counts wrong logins. The fifth starts a pause of 1 s that doubles with each further one.

    An address keeps its count after a right login, so owning one account does not help to guess
    another. Somebody who logged in from an address before is not stopped there by strangers who
    try the same user name from elsewhere.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, capacity: int = 4096
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._addresses = _Ledger(LONGEST_PAUSE, capacity)
        self._users = _Ledger(USER_PAUSE, capacity)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        """How many records are kept, for bounding memory."""
        return len(self._addresses) + len(self._users) + len(self._known)

    def wait(self, address: str, user: str | None) -> float:
        """Seconds until a login may be tried; 0 if at once. `user` is None for access tokens."""
        now, network = self._clock(), _network(address)
        pause = self._addresses.wait(network, now)
        if user is not None and (user, network) not in self._known:
            pause = max(pause, self._users.wait(_short(user), now))
        return pause

    def failed(self, address: str, user: str | None) -> None:
        """Record a wrong login."""
        now = self._clock()
        self._addresses.add(_network(address), now)
        if user is not None:
            self._users.add(_short(user), now)

    def succeeded(self, address: str, user: str | None) -> None:
        """Record a right login."""
        if user is None:
            return
        self._users.clear(_short(user))
        self._known[(user, _network(address))] = None
        self._known.move_to_end((user, _network(address)))
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)


def _short(user: str) -> str:
    """A key of bounded size for whatever was typed as a user name."""
    return user[:100]


def _network(address: str) -> str:
    """The address, or the /64 network of an IPv6 one: a household owns all of it."""
    ip = parse_ip(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((ip, 64), strict=False))
    return address
