"""From the options of `run` and `create` to a `ContainerConfig`, with the client's own refusals.

What the engine refuses whoever asks (an API client too) is in `containers/validate.py`.
"""

import os
from collections.abc import Iterable, Mapping

from wherry.engine.containers.options.devices import refuse_gpus
from wherry.engine.containers.options.environment import read_environment, read_labels
from wherry.engine.containers.options.health import read_healthcheck
from wherry.engine.containers.options.modes import check_client_modes
from wherry.engine.containers.options.mounts import mount_text, parse_mount
from wherry.engine.containers.options.network import read_dns, read_networking
from wherry.engine.containers.options.policy import (
    parse_restart_policy,
    read_log,
    read_storage_options,
)
from wherry.engine.containers.options.resources import read_limits
from wherry.engine.containers.options.security import effective_capabilities, read_security_options
from wherry.engine.containers.options.sysctls import SysctlNotAllowed, check_sysctl
from wherry.engine.containers.options.units import parse_size
from wherry.engine.containers.options.values import EngineRefusal, InvalidFlagValue, Options, pairs
from wherry.engine.containers.options.volumes import parse_tmpfs, parse_volume
from wherry.errors import InvalidArgument, Unsupported
from wherry.network.requests import parse_expose, parse_publish
from wherry.oci.container_config import ContainerConfig, MountRequest, RestartPolicyName
from wherry.oci.platform import InvalidPlatform, Platform
from wherry.typed import Any

_WINDOWS_ONLY = ("cpu_count", "cpu_percent", "io_maxbandwidth", "io_maxiops")


def config_from_options(
    image: str,
    command: Iterable[str],
    options: Mapping[str, object],
    *,
    cwd: str,
    environ: Mapping[str, str],
) -> ContainerConfig:
    """The container that the long flags of `docker run`, with underscores, ask for.

    Values are as the command line gives them or as Python has them: see `values`. Numbers of
    `cpus` count CPUs and numbers of durations seconds, as `--cpus 2` and `"2s"`; sizes count
    bytes. Paths are relative to `cwd`; names without a value take it from `environ`.
    """
    given = Options(options)
    _refuse_unsupported(given)
    words = tuple(command)
    added, dropped = effective_capabilities(given.texts("cap_add"), given.texts("cap_drop"))
    security_options, lifted_paths = read_security_options(given.texts("security_opt"), cwd)
    return ContainerConfig(
        image=image,
        platform=_platform(given, environ),
        command=words or None,
        **_program(given),
        **_streams(given),
        **_storage(given, cwd, environ),
        **_networking(given),
        **_namespaces(given),
        **_lifetime(given),
        env=read_environment(given, cwd, environ),
        labels=read_labels(given, cwd),
        annotations=pairs(given.texts("annotation")),
        healthcheck=read_healthcheck(given),
        limits=read_limits(given),
        log=read_log(given),
        privileged=given.flag("privileged"),
        capabilities_add=added,
        capabilities_drop=dropped,
        security_options=security_options,
        masked_paths=lifted_paths,
        readonly_paths=lifted_paths,
        group_add=tuple(given.texts("group_add")),
        sysctls=pairs(given.all_parsed("sysctl", _checked_sysctl)),
        shm_size=given.size("shm_size", parse_size),
        oom_score_adj=given.integer("oom_score_adj"),
        runtime=given.text("runtime"),
        isolation=given.text("isolation"),
    )


def _refuse_unsupported(options: Options) -> None:
    for name in _WINDOWS_ONLY:
        if options.raw(name):
            raise Unsupported(f"--{name.replace('_', '-')} is for Windows containers only")
    if options.has("gpus"):
        options.parsed("gpus", refuse_gpus, None)
    isolation = options.text("isolation")
    if isolation not in ("", "default"):
        raise EngineRefusal(f"invalid isolation ({isolation}): linux only supports 'default'")
    if options.flag("use_api_socket"):
        raise Unsupported(
            "--use-api-socket needs an API service",
            hint="start `wherry serve` and mount its socket with -v",
        )
    if options.size("kernel_memory", parse_size):
        raise Unsupported("--kernel-memory is no longer supported by the kernel")


def _platform(options: Options, environ: Mapping[str, str]) -> str:
    text = options.text("platform") or environ.get("DOCKER_DEFAULT_PLATFORM", "")
    if not text:
        return ""
    try:
        return str(Platform.parse(text))
    except InvalidPlatform as error:
        raise EngineRefusal(f"error parsing specified platform: {error}") from error


def _program(options: Options) -> dict[str, Any]:
    return {
        "entrypoint": _entrypoint(options),
        "working_dir": options.text("workdir"),
        "user": options.text("user"),
        "hostname": options.text("hostname"),
        "domainname": options.text("domainname"),
        "stop_signal": options.text("stop_signal"),
        "stop_timeout": options.integer("stop_timeout") if options.has("stop_timeout") else None,
        "init": options.flag("init") if options.has("init") else None,
    }


def _entrypoint(options: Options) -> tuple[str, ...] | None:
    """One word of the flag, several of Python; ("",) is the client's word for none at all."""
    value = options.raw("entrypoint")
    if isinstance(value, (list, tuple)):
        return tuple(str(word) for word in value) or ("",)
    return (options.text("entrypoint"),) if options.has("entrypoint") else None


def _streams(options: Options) -> dict[str, Any]:
    attached = options.all_parsed("attach", _stream)
    interactive = options.flag("interactive")
    result: dict[str, Any] = {
        "tty": options.flag("tty"),
        "open_stdin": interactive,
        "attach_stdin": interactive or "stdin" in attached,
        "attach_stdout": not attached or "stdout" in attached,
        "attach_stderr": not attached or "stderr" in attached,
    }
    if options.flag("detach"):
        if attached:
            raise InvalidArgument("conflicting options: cannot specify both --attach and --detach")
        return {**result, "attach_stdin": False, "attach_stdout": False, "attach_stderr": False}
    return {**result, "stdin_once": interactive}


def _stream(text: str) -> str:
    name = text.lower()
    if name not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return name


def _storage(options: Options, cwd: str, environ: Mapping[str, str]) -> dict[str, Any]:
    driver = options.text("volume_driver")
    mounts: list[MountRequest] = []
    anonymous: list[str] = []
    for text in options.texts("volume", ":"):
        volume = parse_volume(text, cwd, environ, driver)
        if isinstance(volume, str):
            anonymous.append(volume)
        else:
            mounts.append(volume)
    value = options.raw("mount")
    items = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    for item in items:
        text = mount_text(item) if isinstance(item, Mapping) else str(item)
        mounts.append(_mount(text, cwd))
    tmpfs = {mount.target: mount for mount in map(parse_tmpfs, options.texts("tmpfs", ":"))}
    return {
        "mounts": (*mounts, *tmpfs.values()),
        "image_volumes": tuple(dict.fromkeys(anonymous)),
        "volumes_from": tuple(options.texts("volumes_from", ":")),
        "volume_driver": driver,
        "read_only": options.flag("read_only"),
        "storage_options": read_storage_options(options),
    }


def _mount(text: str, cwd: str) -> MountRequest:
    try:
        return parse_mount(text, cwd)
    except ValueError as error:
        raise InvalidFlagValue("mount", text, str(error)) from error


def _networking(options: Options) -> dict[str, Any]:
    networking = read_networking(options)
    published = [
        binding for text in options.texts("publish", ":") for binding in parse_publish(text)
    ]
    exposed = [port for text in options.texts("expose") for port in parse_expose(text)]
    return {
        "network_mode": networking.mode,
        "networks": networking.networks,
        "mac_address": networking.mac_address,
        "links": networking.links,
        "ports": tuple(dict.fromkeys(published)),
        "exposed_ports": tuple(
            dict.fromkeys([*(f"{p.container_port}/{p.protocol}" for p in published), *exposed])
        ),
        "publish_all": options.flag("publish_all"),
        **read_dns(options),
    }


def _namespaces(options: Options) -> dict[str, Any]:
    pid, uts = options.text("pid"), options.text("uts")
    userns, cgroupns = options.text("userns"), options.text("cgroupns")
    check_client_modes(pid, uts, userns, cgroupns)
    return {
        "pid_mode": pid,
        "uts_mode": uts,
        "user_namespace_mode": userns,
        "cgroup_namespace_mode": cgroupns,
        "ipc_mode": options.text("ipc"),
    }


def _lifetime(options: Options) -> dict[str, Any]:
    policy = parse_restart_policy(options.text("restart"))
    if options.flag("rm") and policy.name is not RestartPolicyName.NO:
        raise InvalidArgument("conflicting options: cannot specify both --restart and --rm")
    return {
        "restart_policy": policy,
        "auto_remove": options.flag("rm"),
        "container_id_file": options.text("cidfile"),
    }


def _checked_sysctl(text: str) -> str:
    """Only what belongs to a namespace of the container; the rest is the machine's."""
    name, equals, _ = text.partition("=")
    try:
        check_sysctl(name)
    except SysctlNotAllowed:
        equals = ""
    if not equals:
        raise ValueError(f"sysctl '{text}' is not allowed")
    return text


def current_config(
    image: str, command: Iterable[str], options: Mapping[str, object]
) -> ContainerConfig:
    """As `config_from_options`, for a caller in this process: its folder and environment."""
    return config_from_options(image, command, options, cwd=os.getcwd(), environ=os.environ)


__all__ = ["InvalidFlagValue", "config_from_options", "current_config"]
