"""Some commands make no sense in a build.

They look at or steer a running machine: its processes, its services, its mounts. A build has
none of these, and an editor or a remote login has nobody to type.

Bad:

    FROM debian:12
    RUN service nginx start

Good:

    FROM debian:12
    CMD ["nginx", "-g", "daemon off;"]
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands

_POINTLESS = ("ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount")

RULE = Rule(
    "DL3001",
    Level.INFO,
    "For some bash commands it makes no sense running them in a Docker container like `ssh`, "
    "`vim`, `shutdown`, `service`, `ps`, `free`, `top`, `kill`, `mount`, `ifconfig`",
    in_commands(lambda command: command.name in _POINTLESS),
)
