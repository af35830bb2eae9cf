"""Completing a configuration: from the image, and with what Docker's engine takes for not given."""

import os
from collections.abc import Iterable
from posixpath import normpath

from wherry.errors import InvalidArgument
from wherry.oci import image_config
from wherry.oci.container_config import ContainerConfig, Healthcheck, ResourceLimits
from wherry.values import replace

DEFAULT_SHM_SIZE = 64 << 20
CGROUPS = "/sys/fs/cgroup"


def complete_from_image(
    config: ContainerConfig, image: image_config.ContainerDefaults
) -> ContainerConfig:
    """`config` with the image's word wherever it has none of its own."""
    entrypoint, command = merged_command(config, image)
    return replace(
        config,
        entrypoint=entrypoint,
        command=command,
        env=merged_env(config.env, image.env),
        user=config.user or image.user,
        working_dir=config.working_dir or image.working_dir,
        labels={**image.labels, **config.labels},
        stop_signal=config.stop_signal or image.stop_signal,
        stop_timeout=image.stop_timeout if config.stop_timeout is None else config.stop_timeout,
        exposed_ports=_united(config.exposed_ports, map(with_protocol, image.exposed_ports)),
        image_volumes=_united(config.image_volumes, image.volumes),
        healthcheck=_merged_healthcheck(config.healthcheck, image.healthcheck),
    )


def merged_command(
    config: ContainerConfig, image: image_config.ContainerDefaults
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Entry point and command. An entry point of one's own drops the image's command too."""
    entrypoint, command = config.entrypoint, config.command
    if not entrypoint:
        if not command:
            command = image.cmd
        if entrypoint is None:
            entrypoint = image.entrypoint
    if entrypoint == ("",):  # how clients ask for none
        entrypoint = None
    if not entrypoint and not command:
        raise InvalidArgument("no command specified")
    return entrypoint, command


def merged_env(own: tuple[str, ...], inherited: tuple[str, ...]) -> tuple[str, ...]:
    """One's own variables, then the image's others. A name alone removes the image's."""
    names = {variable.partition("=")[0] for variable in own}
    others = (variable for variable in inherited if variable.partition("=")[0] not in names)
    return (*own, *others)


def _united(own: Iterable[str], inherited: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*own, *inherited]))


def with_protocol(port: str) -> str:
    return port if "/" in port else f"{port}/tcp"


def _merged_healthcheck(
    own: Healthcheck | None, inherited: image_config.HealthConfig | None
) -> Healthcheck | None:
    if inherited is None:
        return own
    own = own or Healthcheck()
    return replace(
        own,
        test=own.test or inherited.test,
        interval=own.interval or inherited.interval,
        timeout=own.timeout or inherited.timeout,
        start_period=own.start_period or inherited.start_period,
        start_interval=own.start_interval or inherited.start_interval,
        retries=own.retries or inherited.retries,
    )


def complete_defaults(config: ContainerConfig, container_id: str) -> ContainerConfig:
    """`config` with the values that inspect shows where nothing was asked for."""
    return replace(
        config,
        security_options=_security_options(config),
        working_dir=normpath(config.working_dir) if config.working_dir else "",
        hostname=config.hostname or default_hostname(config, container_id),
        limits=complete_limits(config.limits),
        shm_size=config.shm_size or DEFAULT_SHM_SIZE,
        ipc_mode=config.ipc_mode or "private",
        cgroup_namespace_mode=config.cgroup_namespace_mode or default_cgroup_namespace(),
        log=replace(config.log, driver=config.log.driver or "json-file"),
    )


def _security_options(config: ContainerConfig) -> tuple[str, ...]:
    """Whoever shares the host's processes has no label of its own, nor the privileged."""
    if config.privileged or "host" in (config.ipc_mode, config.pid_mode):
        return (*config.security_options, "label=disable")
    return config.security_options


def default_hostname(config: ContainerConfig, container_id: str) -> str:
    if config.network_mode.startswith("container:"):
        return ""  # that of the container it joins
    return os.uname().nodename if config.network_mode == "host" else container_id[:12]


def complete_limits(limits: ResourceLimits) -> ResourceLimits:
    """A memory limit without a word on swap allows as much again; -1 processes: any number."""
    if limits.pids_limit is not None and limits.pids_limit <= 0:
        limits = replace(limits, pids_limit=None)
    if limits.memory > 0 and limits.memory_swap == 0:
        limits = replace(limits, memory_swap=limits.memory * 2)
    return limits


def default_cgroup_namespace() -> str:
    """Private where cgroup v2 is all there is, as dockerd's default is."""
    return "private" if is_cgroup2() else "host"


def is_cgroup2() -> bool:
    return os.path.exists(f"{CGROUPS}/cgroup.controllers")
