"""RFC 3339 times with Go's nanoseconds, as documents carry them.

A time is an integer of nanoseconds since 1970, which orders, fits a database column and loses
nothing; `datetime` stops at microseconds. Go's zero time is the year 1.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from wherry.errors import InvalidArgument

ZERO = -62135596800 * 10**9  # Go's time.Time{}, which Docker prints where nothing happened
LAST = 253402300800 * 10**9 - 1  # the end of the year 9999, behind which no text can go
ZERO_TEXT = "0001-01-01T00:00:00Z"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,18}))?(?:([Zz])|([+-])(\d\d):(\d\d))"
)


class InvalidTimestamp(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not an RFC 3339 time")
        self.text = text


def parse_timestamp(text: str) -> int:
    """Nanoseconds since 1970 of `2026-11-23T23:54:25.65413066Z`, or InvalidTimestamp."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InvalidTimestamp(text)
    *date, fraction, utc, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = map(int, date)
    offset = timedelta() if utc else timedelta(hours=int(hours), minutes=int(minutes))
    zone = timezone(-offset if sign == "-" else offset) if offset < timedelta(days=1) else None
    try:
        when = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except ValueError:
        raise InvalidTimestamp(text) from None
    if zone is None:
        raise InvalidTimestamp(text)
    # Aware datetimes subtract without leaving years 1 to 9999, as adding an offset could.
    distance = when - _EPOCH
    seconds = distance.days * 86400 + distance.seconds
    return seconds * 10**9 + int((fraction or "")[:9].ljust(9, "0"))


def format_timestamp(nanoseconds: int) -> str:
    """The time in UTC as Go's RFC3339Nano prints it: without trailing zeros."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    when = _EPOCH + timedelta(seconds=seconds)
    text = f"{when.year:04}" + when.strftime("-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09}".rstrip("0") + "Z" if fraction else text + "Z"
