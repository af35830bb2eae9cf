"""An image has one ENTRYPOINT: the last.

Bad:

    FROM debian:12
    ENTRYPOINT ["one"]
    ENTRYPOINT ["two"]

Good:

    FROM debian:12
    ENTRYPOINT ["two"]
"""

from wherry.dockerfile.instructions import Entrypoint
from wherry.lint.finding import Level
from wherry.lint.once import only_once
from wherry.lint.rule import Rule

RULE = Rule(
    "DL4004",
    Level.ERROR,
    "Multiple `ENTRYPOINT` instructions found. If you list more than one `ENTRYPOINT` then only "
    "the last `ENTRYPOINT` will take effect",
    only_once(Entrypoint),
)
