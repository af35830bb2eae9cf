"""Names of cgroups: which are taken, and where systemd's short form points."""


def checked_path(path: str) -> str:
    """`path` in its plain form; ValueError for one that is empty, the root, or leads upwards.

    "slice:prefix:name", runc's form for systemd, becomes the path of that scope:
    "system.slice:docker:ab12" is /system.slice/docker-ab12.scope.
    """
    if ":" in path and not path.startswith("/"):
        path = _scope_path(path)
    if "\0" in path or "\n" in path:
        raise ValueError(f"invalid cgroup path {path!r}: control character")
    components = [component for component in path.split("/") if component not in ("", ".")]
    if ".." in components:
        # A parent of `../..` would reach out of the subtree that was handed to us.
        raise ValueError(f"invalid cgroup path {path!r}: it must not contain '..'")
    if not components:
        raise ValueError(f"invalid cgroup path {path!r}: it names no cgroup below the root")
    return ("/" if path.startswith("/") else "") + "/".join(components)


def _scope_path(text: str) -> str:
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError(f'expected cgroupsPath to be of format "slice:prefix:name", got {text!r}')
    slice_name, prefix, name = parts
    unit = (
        name if name.endswith(".slice") else f"{prefix}-{name}.scope" if prefix else f"{name}.scope"
    )
    return f"{slice_path(slice_name or 'system.slice')}/{unit}"


def slice_path(name: str) -> str:
    """Where systemd keeps a slice: a-b.slice is /a.slice/a-b.slice, see systemd.slice(5)."""
    if name == "-.slice":
        return ""
    stem = name.removesuffix(".slice")
    if stem == name or "/" in name or not all(stem.split("-")):
        raise ValueError(f"invalid slice name: {name}")
    parts = stem.split("-")
    return "".join(f"/{'-'.join(parts[: count + 1])}.slice" for count in range(len(parts)))
