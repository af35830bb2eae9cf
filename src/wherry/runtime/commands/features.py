"""wherry-runtime features: what this runtime can do, in the specification's document.

https://github.com/opencontainers/runtime-spec/blob/v1.3.0/features.md
"""

import json
import platform
from argparse import ArgumentParser, Namespace

from wherry.linux import capabilities, labels, memory_policy
from wherry.oci.runtime_spec import NEWEST
from wherry.runtime.init import options as mount_options
from wherry.runtime.namespaces import FLAG_OF
from wherry.runtime.seccomp import ACTIONS, FLAGS, OPERATORS
from wherry.runtime.unit_properties import ANNOTATION
from wherry.version import __version__

HOOKS = (
    *("prestart", "createRuntime", "createContainer"),
    *("startContainer", "poststart", "poststop"),
)
_ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}


def arguments(_parser: ArgumentParser) -> None:
    """None."""


def run(_options: Namespace) -> None:
    print(json.dumps(document(), indent=4))


def document() -> dict[str, object]:
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": NEWEST,
        "hooks": list(HOOKS),
        "mountOptions": mount_options.KNOWN,
        "linux": {
            "namespaces": sorted(FLAG_OF),
            "capabilities": list(capabilities.NAMES),
            "cgroup": {
                "v1": True,
                "v2": True,
                "systemd": True,
                "systemdUser": True,
                "rdma": True,
            },
            "seccomp": {
                "enabled": True,
                "actions": sorted(ACTIONS),
                "operators": sorted(OPERATORS),
                "archs": _ARCHITECTURES.get(platform.machine(), []),
                "knownFlags": sorted(FLAGS),
                "supportedFlags": sorted(FLAGS),
            },
            "apparmor": {"enabled": labels.has_apparmor()},
            "selinux": {"enabled": labels.has_selinux()},
            "intelRdt": {"enabled": False},
            "mountExtensions": {"idmap": {"enabled": True}},
            "memoryPolicy": {
                "modes": sorted(memory_policy.MODES),
                "flags": sorted(memory_policy.FLAGS),
            },
            "netDevices": {"enabled": True},
        },
        "annotations": {"dev.wherry.runtime.version": __version__},
        "potentiallyUnsafeConfigAnnotations": [ANNOTATION],
    }
