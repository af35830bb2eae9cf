"""RFC 3339 times with Go's nanoseconds, as documents carry them.

A time is an integer of nanoseconds since 1970, which orders, fits a database column and loses
nothing; `datetime` stops at microseconds, and is not worth its memory in each start. Go's zero
time is the year 1.
"""

import re
import time

from wherry.errors import InvalidArgument

ZERO = -62135596800 * 10**9  # Go's time.Time{}, which Docker prints where nothing happened
LAST = 253402300800 * 10**9 - 1  # the end of the year 9999, behind which no text can go
ZERO_TEXT = "0001-01-01T00:00:00Z"

_EPOCH = 719468  # days from 1 March of the year 0, where the count of leap days is simplest
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
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
    offset = 0 if utc else int(hours) * _HOUR + int(minutes) * _MINUTE
    midnight = _days(year, month, day) * _DAY
    exists = year > 0 and time.gmtime(midnight)[:3] == (year, month, day)
    if not exists or hour > 23 or minute > 59 or offset >= _DAY:
        raise InvalidTimestamp(text)
    seconds = midnight + hour * _HOUR + minute * _MINUTE + min(second, 59)
    seconds += offset if sign == "-" else -offset
    return seconds * 10**9 + int((fraction or "")[:9].ljust(9, "0"))


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970; one that its month has not got is one of the next month's."""
    if month < 3:  # belongs to the year before, as its last months
        year -= 1
    months = (month - 3) % 12  # of 31, 30, 31, 30 and 31 days, over and over
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + (months * 153 + 2) // 5 + day - 1 - _EPOCH


def format_timestamp(nanoseconds: int) -> str:
    """The time in UTC as Go's RFC3339Nano prints it: without trailing zeros."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    return f"{text}.{fraction:09}".rstrip("0") + "Z" if fraction else text + "Z"
