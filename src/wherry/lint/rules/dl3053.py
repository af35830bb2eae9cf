"""A label of type rfc3339 holds a time with its zone.

Bad (with `label-schema: {created: rfc3339}`):

    FROM debian:12
    LABEL created="yesterday"

Good:

    FROM debian:12
    LABEL created="2026-03-10T10:26:33Z"
"""

from wherry.lazy import regex
from wherry.lint.finding import Level
from wherry.lint.labels import check_values
from wherry.lint.options import LabelType
from wherry.lint.rule import Rule

_TIME = regex(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d))")


def _days(year: int, month: int) -> int:
    """Of a month; `calendar` would cost every call of the linter 4 ms."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _is_time(value: str) -> bool:
    match = _TIME.fullmatch(value)
    if match is None:
        return False
    year, month, day, hour, minute, second, zone_hour, zone_minute = (
        int(part or 0) for part in match.groups()
    )
    return (
        year >= 1
        and 1 <= month <= 12
        and 1 <= day <= _days(year, month)
        and max(hour, zone_hour) <= 23
        and max(minute, zone_minute) <= 59
        and second <= 60  # a leap second
    )


_MESSAGE = "Label `<label>` is not a valid time format - must conform to RFC3339."

RULE = Rule(
    "DL3053",
    Level.WARNING,
    _MESSAGE,
    check_values(_MESSAGE, _is_time, LabelType.RFC3339),
)
