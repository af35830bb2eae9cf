"""The words that commands and flags take, where their help does not list them, and kinds of names.

Keys are flags, where a command has its own meaning for one with the command's module before it.
Kinds are those of a command's usage: CONTAINER, IMAGE, NETWORK, VOLUME.
"""

# Commands whose operands are not what their usage lets one guess.
OPERAND_WORDS = {
    "completion.completion": ("bash", "fish", "zsh"),
    "images.bootstrap": ("busybox", "debian:bookworm", "debian:trixie", "ubuntu:noble"),
    "networks.create": (),  # a new name
    "system.launcher": ("stop",),
    "volumes.create": (),
}

FLAG_WORDS = {
    "builds.build network": ("default", "none", "host"),
    "builds.build on-error": ("shell",),
    "builds.build output": ("type=docker", "type=image", "type=local", "type=oci", "type=tar"),
    "format": ("json", "table"),
    "ipc": ("host", "none", "private", "shareable", "container:"),
    "log-driver": ("json-file", "local", "journald", "none"),
    "mount": ("type=bind,", "type=volume,", "type=tmpfs,", "type=image,"),
    "net": ("container:",),
    "network": ("container:",),
    "networks.create driver": ("bridge", "macvlan", "ipvlan"),
    "pid": ("host", "container:"),
    "platform": ("linux/amd64", "linux/arm64"),
    "restart": ("no", "always", "on-failure", "unless-stopped"),
    "runtime": ("crun", "runc", "wherry-runtime"),
    "security-opt": ("no-new-privileges", "seccomp=", "systempaths=unconfined"),
    "system.inspect type": ("container", "image", "network", "volume"),
    "userns": ("host",),
    "uts": ("host",),
    "volumes.create driver": ("local",),
}

FLAG_KINDS = {
    "builds.build network": "NETWORK",
    "cache-from": "IMAGE",
    "link": "CONTAINER",
    "lint.lint image": "IMAGE",
    "net": "NETWORK",
    "network": "NETWORK",
    "volume": "VOLUME",
    "volumes-from": "CONTAINER",
}

# What the shell offers itself, by a flag's name or by the kind of an operand.
FILES = {
    "CONTAINER_PATH": "files",
    "DOCKERFILE": "files",
    "FILE": "files",
    "PATH": "folders",
    "cidfile": "files",
    "config": "files",
    "env-file": "files",
    "file": "files",
    "ignorefile": "files",
    "iidfile": "files",
    "input": "files",
    "label-file": "files",
    "metadata-file": "files",
    "output": "files",
    "root": "folders",
    "run-root": "folders",
    "tlscacert": "files",
    "tlscert": "files",
    "tlskey": "files",
    "volume": "files",
}
