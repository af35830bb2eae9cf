"""The body of POST /containers/create: Docker's Config, HostConfig and NetworkingConfig.

What can never work is refused by the engine (`engine.containers.validate`); here is what only a
client's document can get wrong.
"""

from typing import Any

from wherry.api.fields import Fields
from wherry.api.requests.mounts import read_mounts
from wherry.api.requests.networking import exposed_ports, read_networking
from wherry.api.requests.older import as_older, check_older
from wherry.api.requests.refusals import refuse_unsupported
from wherry.api.requests.resources import read_resources
from wherry.api.versions import Version
from wherry.engine.containers.options.policy import restart_policy
from wherry.engine.containers.options.security import effective_capabilities
from wherry.engine.containers.options.sysctls import check_sysctl
from wherry.errors import InvalidArgument
from wherry.oci.container_config import ContainerConfig, Healthcheck, LogConfig, RestartPolicy
from wherry.oci.platform import InvalidPlatform, Platform


def read_container(fields: Fields, platform: str, version: Version) -> ContainerConfig:
    """The container that the body asks for."""
    host = fields.inner("HostConfig")
    refuse_unsupported(host)
    image = fields.text("Image")
    if not image:
        raise InvalidArgument("invalid reference format")
    check_older(fields, host, version)
    added, dropped = effective_capabilities(list(host.texts("CapAdd")), list(host.texts("CapDrop")))
    config = ContainerConfig(
        image=image,
        platform=_platform(platform),
        **_program(fields),
        **_namespaces(host),
        **read_networking(fields, host, version),
        mounts=read_mounts(host, version),
        image_volumes=fields.keys("Volumes"),
        volumes_from=host.texts("VolumesFrom"),
        volume_driver=host.text("VolumeDriver"),
        restart_policy=read_restart_policy(host),
        auto_remove=host.flag("AutoRemove"),
        log=_log(host.inner("LogConfig")),
        limits=read_resources(host),
        privileged=host.flag("Privileged"),
        capabilities_add=added,
        capabilities_drop=dropped,
        security_options=host.texts("SecurityOpt"),
        group_add=host.texts("GroupAdd"),
        read_only=host.flag("ReadonlyRootfs"),
        annotations=host.pairs("Annotations"),
        storage_options=host.pairs("StorageOpt"),
        shm_size=host.integer("ShmSize"),
        oom_score_adj=host.integer("OomScoreAdj"),
        init=host.flag("Init") if host.has("Init") else None,
        container_id_file=host.text("ContainerIDFile"),
        runtime=host.text("Runtime"),
        isolation=host.text("Isolation"),
        masked_paths=host.optional_texts("MaskedPaths"),
        readonly_paths=host.optional_texts("ReadonlyPaths"),
        console_size=console_size(host),
    )
    return as_older(config, version)


def read_image_defaults(fields: Fields) -> ContainerConfig:
    """Of the body what an image can say of its containers, for a commit."""
    return ContainerConfig(
        image="",
        **_program(fields),
        exposed_ports=exposed_ports(fields),
        image_volumes=fields.keys("Volumes"),
    )


def _platform(text: str) -> str:
    try:
        return str(Platform.parse(text)) if text else ""
    except InvalidPlatform as error:
        raise InvalidArgument(f"error parsing specified platform: {error}") from error


def _program(fields: Fields) -> dict[str, Any]:
    return {
        "entrypoint": fields.optional_texts("Entrypoint"),
        "command": fields.optional_texts("Cmd"),
        "env": fields.texts("Env"),
        "working_dir": fields.text("WorkingDir"),
        "user": fields.text("User"),
        "hostname": fields.text("Hostname"),
        "domainname": fields.text("Domainname"),
        "tty": fields.flag("Tty"),
        "open_stdin": fields.flag("OpenStdin"),
        "stdin_once": fields.flag("StdinOnce"),
        "attach_stdin": fields.flag("AttachStdin"),
        "attach_stdout": fields.flag("AttachStdout"),
        "attach_stderr": fields.flag("AttachStderr"),
        "labels": fields.pairs("Labels"),
        "stop_signal": fields.text("StopSignal"),
        "stop_timeout": fields.optional_integer("StopTimeout", 32),
        "healthcheck": _healthcheck(fields),
        "shell": fields.optional_texts("Shell"),
        "on_build": fields.texts("OnBuild"),
        "args_escaped": fields.flag("ArgsEscaped"),
    }


def _healthcheck(fields: Fields) -> Healthcheck | None:
    if not fields.has("Healthcheck"):
        return None
    check = fields.inner("Healthcheck")
    return Healthcheck(
        test=check.texts("Test"),
        interval=check.integer("Interval"),
        timeout=check.integer("Timeout"),
        start_period=check.integer("StartPeriod"),
        start_interval=check.integer("StartInterval"),
        retries=check.integer("Retries", 32),
    )


def _namespaces(host: Fields) -> dict[str, Any]:
    return {
        "pid_mode": host.text("PidMode"),
        "ipc_mode": host.text("IpcMode"),
        "uts_mode": host.text("UTSMode"),
        "user_namespace_mode": host.text("UsernsMode"),
        "cgroup_namespace_mode": host.text("CgroupnsMode"),
        "sysctls": _sysctls(host),
    }


def _sysctls(host: Fields) -> dict[str, str]:
    found = host.pairs("Sysctls")
    for name in found:
        check_sysctl(name)
    return found


def read_restart_policy(host: Fields) -> RestartPolicy:
    policy = host.inner("RestartPolicy")
    return restart_policy(policy.text("Name"), policy.integer("MaximumRetryCount", 32))


def _log(log: Fields) -> LogConfig:
    return LogConfig(driver=log.text("Type"), options=log.pairs("Config"))


def console_size(fields: Fields) -> tuple[int, ...]:
    """Rows and columns, where both are given."""
    size = fields.raw("ConsoleSize")
    if not isinstance(size, list):
        return ()
    numbers = [number for number in size if isinstance(number, int) and 0 < number < 1 << 16]
    return tuple(numbers) if len(numbers) == 2 else ()
