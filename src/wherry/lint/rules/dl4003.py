"""An image has one CMD: the last.

Bad:

    FROM debian:12
    CMD ["one"]
    CMD ["two"]

Good:

    FROM debian:12
    CMD ["two"]
"""

from wherry.dockerfile.instructions import Cmd
from wherry.lint.finding import Level
from wherry.lint.once import only_once
from wherry.lint.rule import Rule

RULE = Rule(
    "DL4003",
    Level.WARNING,
    "Multiple `CMD` instructions found. If you list more than one `CMD` then only the last "
    "`CMD` will take effect",
    only_once(Cmd),
)
