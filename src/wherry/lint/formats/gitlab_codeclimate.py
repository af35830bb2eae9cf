"""GitLab's variant of Code Climate: an array, and a fingerprint in each object."""

from collections.abc import Sequence
from hashlib import sha1

from wherry.lint.formats.codeclimate import issues
from wherry.lint.formats.format import Style
from wherry.lint.formats.text import compact
from wherry.lint.linter import Report


def write(reports: Sequence[Report], style: Style) -> str:
    return compact(
        [
            {
                **issue,
                "fingerprint": sha1(
                    compact(issue).encode("utf-8", "surrogateescape"), usedforsecurity=False
                ).hexdigest(),
            }
            for issue in issues(reports, style)
        ]
    )
