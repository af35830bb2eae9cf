"""What the engine refuses, whoever asks: checks of a configuration, in Docker's order and words."""

import os
from posixpath import isabs

from wherry.engine.containers.options.modes import is_valid_ipc_mode, is_valid_pid_mode
from wherry.engine.containers.options.values import EngineRefusal
from wherry.engine.containers.spec.security import (
    normalised_capability,
    parse_security_options,
)
from wherry.engine.containers.validate_limits import check_limits
from wherry.engine.containers.validate_mounts import check_mounts
from wherry.engine.containers.validate_network import check_networking
from wherry.errors import InvalidArgument, Unsupported
from wherry.go_text import quoted
from wherry.linux import capabilities
from wherry.network.names import parse_extra_host
from wherry.network.requests import parse_port_range
from wherry.oci.container_config import ContainerConfig, Healthcheck, RestartPolicyName
from wherry.shim.log.options import DEFAULT_DRIVER, read_log_options
from wherry.shim.stop_signal import parse_signal

_ONE_MILLISECOND = 1_000_000
_LONGEST_HOSTNAME = 63
LOG_DRIVERS = ("json-file", "local", "none", "journald")


def check_config(config: ContainerConfig) -> None:
    """Raise InvalidArgument for the first thing that can never work; before the image is known."""
    check_program(config)
    _check_healthcheck(config.healthcheck)
    if config.auto_remove and config.restart_policy.name is not RestartPolicyName.NO:
        raise InvalidArgument("can't create 'AutoRemove' container with restart policy")
    check_mounts(config)
    _check_texts(config)
    _check_capabilities(config)
    check_limits(config.limits)
    parse_security_options(config.security_options)
    _check_modes(config)
    if config.shm_size < 0:
        raise InvalidArgument("SHM size can not be less than 0")
    if not -1000 <= config.oom_score_adj <= 1000:
        raise InvalidArgument(
            f"Invalid value {config.oom_score_adj}, range for oom score adj is [-1000, 1000]"
        )
    check_networking(config)
    _check_log(config)


def check_program(config: ContainerConfig) -> None:
    """What is run, where and how it is stopped; again once the image has had its word."""
    if config.working_dir and not isabs(config.working_dir):
        raise InvalidArgument(
            f"the working directory '{config.working_dir}' is invalid,"
            " it needs to be an absolute path"
        )
    if config.stop_signal:
        parse_signal(config.stop_signal)
    for variable in config.env:
        if not variable.partition("=")[0]:
            raise InvalidArgument(f"invalid environment variable: {variable}")
        if "\0" in variable:
            raise InvalidArgument("invalid environment variable: it holds a NUL byte")
    for word in (*(config.entrypoint or ()), *(config.command or ())):
        if "\0" in word:
            raise InvalidArgument("invalid command: it holds a NUL byte")
    for name in (config.hostname, config.domainname):
        if any(character.isspace() or character == "\0" for character in name):
            raise InvalidArgument(f"invalid hostname: {quoted(name)}")
    if len(config.hostname) > _LONGEST_HOSTNAME:
        raise InvalidArgument(
            f"invalid hostname: {quoted(config.hostname)} is longer than"
            f" {_LONGEST_HOSTNAME} characters"
        )


def _check_healthcheck(check: Healthcheck | None) -> None:
    if check is None:
        return
    for name, value in (
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
    ):
        if value != 0 and value < _ONE_MILLISECOND:
            raise InvalidArgument(f"{name} in Healthcheck cannot be less than 1ms")
    if check.retries < 0:
        raise InvalidArgument("Retries in Healthcheck cannot be negative")


def _check_texts(config: ContainerConfig) -> None:
    for host in config.extra_hosts:
        parse_extra_host(host)
    for binding in config.ports:
        try:
            if binding.host_port:
                parse_port_range(binding.host_port)
        except ValueError:
            raise InvalidArgument(
                f"invalid port specification: {quoted(binding.host_port)}"
            ) from None
    if "" in config.annotations:
        raise InvalidArgument(
            "invalid Annotations: the empty string is not permitted as an annotation key"
        )
    if config.storage_options:
        raise InvalidArgument(
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
        )


def _check_capabilities(config: ContainerConfig) -> None:
    for flag, names in (("CapAdd", config.capabilities_add), ("CapDrop", config.capabilities_drop)):
        for name in names:
            full = normalised_capability(name)
            if full != "ALL" and full not in capabilities.NAMES:
                raise InvalidArgument(f"invalid {flag}: unknown capability: {quoted(full)}")


def _check_modes(config: ContainerConfig) -> None:
    if not is_valid_ipc_mode(config.ipc_mode):
        raise InvalidArgument(f"invalid IPC mode: {config.ipc_mode}")
    if not is_valid_pid_mode(config.pid_mode):
        raise InvalidArgument(f"invalid PID mode: {config.pid_mode}")
    if config.uts_mode not in ("", "host"):
        raise InvalidArgument(f"invalid UTS mode: {config.uts_mode}")
    if config.cgroup_namespace_mode not in ("", "host", "private"):
        raise InvalidArgument(f"invalid cgroup namespace mode: {config.cgroup_namespace_mode}")
    if config.user_namespace_mode not in ("", "host"):
        raise InvalidArgument(f"invalid userns mode: {config.user_namespace_mode}")
    if config.limits.cgroup_parent and ".." in config.limits.cgroup_parent.split("/"):
        raise InvalidArgument(
            f"invalid cgroup parent: {quoted(config.limits.cgroup_parent)} leaves the hierarchy"
        )


def _check_log(config: ContainerConfig) -> None:
    driver = config.log.driver or DEFAULT_DRIVER
    if driver not in LOG_DRIVERS:
        raise EngineRefusal(
            f'error looking up logging plugin {driver}: plugin "{driver}" not found',
            hint=f"this engine has {', '.join(LOG_DRIVERS)}",
        )
    if driver == "journald" and not os.path.exists("/run/systemd/journal/socket"):
        raise Unsupported(
            "failed to initialize logging driver: journald is not enabled on this host"
        )
    # Here Docker knows names and the mode; the other values it looks at when the log is opened.
    early = ("mode", "max-buffer-size")
    options = {name: text if name in early else "" for name, text in config.log.options.items()}
    read_log_options(driver, options)
