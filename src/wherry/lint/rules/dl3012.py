"""An image has one HEALTHCHECK: the last.

Bad:

    FROM debian:12
    HEALTHCHECK CMD ["true"]
    HEALTHCHECK CMD ["false"]

Good:

    FROM debian:12
    HEALTHCHECK CMD ["true"]
"""

from wherry.dockerfile.instructions import Healthcheck
from wherry.lint.finding import Level
from wherry.lint.once import only_once
from wherry.lint.rule import Rule

RULE = Rule("DL3012", Level.ERROR, "Multiple `HEALTHCHECK` instructions", only_once(Healthcheck))
