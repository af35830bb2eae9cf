"""What is run: the program, its environment, whom it runs as."""

from collections.abc import Iterable
from posixpath import normpath

from wherry.engine.containers.spec.mounts import INIT_PATH
from wherry.engine.containers.spec.resources import rlimits
from wherry.engine.containers.spec.security import SecurityOptions
from wherry.oci.container_config import ContainerConfig
from wherry.oci.runtime_spec import Capabilities, ConsoleSize, Process, User

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def spec_process(
    config: ContainerConfig,
    *,
    program: tuple[str, ...],
    user: User,
    hostname: str,
    capabilities: tuple[str, ...],
    security: SecurityOptions,
    apparmor: str = "",
    with_init: bool = False,
    linked_env: Iterable[str] = (),
) -> Process:
    return Process(
        args=(INIT_PATH, "--", *program) if with_init else program,
        cwd=normpath(config.working_dir) if config.working_dir else "/",
        env=container_environment(config, hostname, linked_env),
        terminal=config.tty,
        console_size=_console_size(config),
        user=user,
        capabilities=_capability_sets(capabilities, user),
        rlimits=rlimits(config.limits),
        no_new_privileges=security.no_new_privileges,
        apparmor_profile=apparmor,
        oom_score_adj=config.oom_score_adj,
    )


def _console_size(config: ContainerConfig) -> ConsoleSize | None:
    if not config.tty or len(config.console_size) != 2 or 0 in config.console_size:
        return None
    height, width = config.console_size
    return ConsoleSize(height=height, width=width)


def _capability_sets(names: tuple[str, ...], user: User) -> Capabilities:
    """Nothing is effective for other users than root, as execve(2) would have it."""
    own = names if user.uid == 0 else ()
    return Capabilities(bounding=names, effective=own, permitted=own)


def container_environment(
    config: ContainerConfig, hostname: str, linked_env: Iterable[str] = ()
) -> tuple[str, ...]:
    """Docker's own variables, replaced or followed by those asked for; a name alone removes."""
    variables: dict[str, str] = {}
    defaults = [DEFAULT_PATH, f"HOSTNAME={hostname}"]
    if config.tty:
        defaults.append("TERM=xterm")
    for variable in (*defaults, *linked_env, *config.env):
        name, equals, _ = variable.partition("=")
        if equals:
            variables[name] = variable
        else:
            variables.pop(name, None)
    return tuple(variables.values())
