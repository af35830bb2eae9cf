"""The commands: their names, what they do in a line, and the module that does it.

A table of plain values, so that starting costs one import: the module of the row that runs.
Such a module has

    SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)

    class Flags(FlagSet): ...

    def run(flags: Flags, context: Context) -> None: ...
"""

NAME = "wherry"


class Row:
    """One command. Its first name is the canonical one; a name may have several words."""

    def __init__(self, module: str, names: str, summary: str, common: int = 0) -> None:
        self.module = f"wherry.cli.{module}"
        self.names = tuple(names.split(", "))
        self.summary = summary
        self.common = bool(common)  # listed first in the help
        self.is_warm = module in _WARM

    @property
    def top_name(self) -> str:
        """The name of one word, if it has one."""
        return next((name for name in self.names if " " not in name), "")


GROUPS = {
    "builder": "Manage builds",
    "buildx": "Docker's other name for builder",
    "container": "Manage containers",
    "image": "Manage images",
    "manifest": "Manage manifests and manifest lists",
    "network": "Manage networks",
    "system": "Manage Wherry",
    "volume": "Manage volumes",
}

_TABLE: tuple[tuple[str, str, str] | tuple[str, str, str, int], ...] = (
    ("containers.run", "container run, run", "Create and run a new container from an image", 1),
    ("containers.exec", "container exec, exec", "Execute a command in a running container", 1),
    ("containers.ls", "container ls, container list, container ps, ps", "List containers", 1),
    ("images.ls", "image ls, image list, images", "List images", 1),
    (
        "builds.build",
        "image build, build, builder build, buildx build",
        "Build an image from a Dockerfile",
        1,
    ),
    ("images.bootstrap", "image bootstrap, bootstrap", "Make a base image without a registry", 1),
    ("images.pull", "image pull, pull", "Download an image from a registry", 1),
    ("images.push", "image push, push", "Upload an image to a registry", 1),
    ("registry.login", "login", "Authenticate to a registry", 1),
    ("registry.search", "search", "Search a registry for images"),
    ("registry.logout", "logout", "Log out from a registry", 1),
    ("system.version", "version", "Show the Wherry version information", 1),
    ("system.info", "system info, info", "Display system-wide information", 1),
    (
        "images.layers",
        "image layers, image analyze",
        "Show what each layer of an image brings and wastes",
    ),
    ("builds.du", "builder du, buildx du", "Disk usage"),
    ("completion.completion", "completion", "Print the completion script for a shell"),
    ("builds.prune", "builder prune, buildx prune", "Remove build cache"),
    (
        "containers.attach",
        "container attach, attach",
        "Attach local standard input, output, and error streams to a running container",
    ),
    (
        "containers.commit",
        "container commit, commit",
        "Create a new image from a container's changes",
    ),
    (
        "containers.cp",
        "container cp, cp",
        "Copy files/folders between a container and the local filesystem",
    ),
    ("containers.create", "container create, create", "Create a new container"),
    (
        "containers.diff",
        "container diff, diff",
        "Inspect changes to files or directories on a container's filesystem",
    ),
    (
        "containers.export",
        "container export, export",
        "Export a container's filesystem as a tar archive",
    ),
    (
        "containers.inspect",
        "container inspect",
        "Display detailed information on one or more containers",
    ),
    ("containers.kill", "container kill, kill", "Kill one or more running containers"),
    ("containers.logs", "container logs, logs", "Fetch the logs of a container"),
    (
        "containers.pause",
        "container pause, pause",
        "Pause all processes within one or more containers",
    ),
    (
        "containers.port",
        "container port, port",
        "List port mappings or a specific mapping for the container",
    ),
    ("containers.prune", "container prune", "Remove all stopped containers"),
    ("containers.rename", "container rename, rename", "Rename a container"),
    ("containers.restart", "container restart, restart", "Restart one or more containers"),
    (
        "containers.rm",
        "container rm, container remove, rm",
        "Remove one or more containers",
    ),
    ("containers.start", "container start, start", "Start one or more stopped containers"),
    (
        "containers.stats",
        "container stats, stats",
        "Display a live stream of container(s) resource usage statistics",
    ),
    ("containers.stop", "container stop, stop", "Stop one or more running containers"),
    ("containers.top", "container top, top", "Display the running processes of a container"),
    (
        "containers.unpause",
        "container unpause, unpause",
        "Unpause all processes within one or more containers",
    ),
    (
        "containers.update",
        "container update, update",
        "Update configuration of one or more containers",
    ),
    (
        "containers.wait",
        "container wait, wait",
        "Block until one or more containers stop, then print their exit codes",
    ),
    ("images.history", "image history, history", "Show the history of an image"),
    (
        "images.import_",
        "image import, import",
        "Import the contents from a tarball to create a filesystem image",
    ),
    (
        "images.inspect",
        "image inspect",
        "Display detailed information on one or more images",
    ),
    ("images.load", "image load, load", "Load an image from a tar archive or STDIN"),
    ("images.prune", "image prune", "Remove unused images"),
    ("images.rm", "image rm, image remove, rmi", "Remove one or more images"),
    (
        "images.save",
        "image save, save",
        "Save one or more images to a tar archive (streamed to STDOUT by default)",
    ),
    ("images.tag_log", "image tag log, tag log", "Show what a tag has pointed at"),
    (
        "images.tag",
        "image tag, tag",
        "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    ),
    ("manifests.annotate", "manifest annotate", "Add additional information to an image manifest"),
    (
        "manifests.create",
        "manifest create",
        "Create a local manifest list for annotating and pushing to a registry",
    ),
    (
        "manifests.inspect",
        "manifest inspect",
        "Display an image manifest, or manifest list",
    ),
    ("manifests.push", "manifest push", "Push a manifest list to a repository"),
    ("manifests.rm", "manifest rm", "Delete one or more manifest lists from local storage"),
    ("networks.connect", "network connect", "Connect a container to a network"),
    ("networks.create", "network create", "Create a network"),
    ("networks.disconnect", "network disconnect", "Disconnect a container from a network"),
    ("lint.lint", "lint", "Check Dockerfiles, and repair them"),
    (
        "networks.inspect",
        "network inspect",
        "Display detailed information on one or more networks",
    ),
    ("networks.ls", "network ls, network list", "List networks"),
    ("networks.prune", "network prune", "Remove all unused networks"),
    ("networks.rm", "network rm, network remove", "Remove one or more networks"),
    ("system.check", "system check", "Find damaged and orphaned content, and repair it"),
    ("system.df", "system df", "Show wherry disk usage"),
    ("system.events", "system events, events", "Get real time events from the server"),
    ("system.inspect", "inspect", "Return low-level information on Wherry objects"),
    ("system.launcher", "system launcher", "End the process that containers are forked from"),
    ("system.prune", "system prune", "Remove unused data"),
    ("system.restore", "system restore", "Start what ran before the machine went down, by policy"),
    ("system.serve", "serve", "Serve the Docker Engine API"),
    ("system.shutdown", "system shutdown", "Stop all containers before the machine goes down"),
    ("volumes.cp", "volume cp, volume copy", "Make a new volume with the content of another"),
    ("volumes.create", "volume create", "Create a volume"),
    ("volumes.export", "volume export", "Export a volume's content as a tar archive"),
    ("volumes.import_", "volume import", "Unpack a tar archive into a volume"),
    ("volumes.inspect", "volume inspect", "Display detailed information on one or more volumes"),
    ("volumes.ls", "volume ls, volume list", "List volumes"),
    ("volumes.mv", "volume mv, volume rename", "Give a volume another name"),
    ("volumes.prune", "volume prune", "Remove unused local volumes"),
    ("volumes.rm", "volume rm, volume remove", "Remove one or more volumes"),
)

# Commands that ask something of the engine and end. A launcher that is there carries them out
# (`warm_client`). Not among them: what needs no engine, goes on, or reads and writes the files of
# the client's machine.
_WARM = frozenset(
    (
        *(
            "containers.commit",
            "containers.diff",
            "containers.update",
            "containers.inspect",
            "containers.kill",
            "containers.logs",
        ),
        *("containers.ls", "containers.pause", "containers.port", "containers.prune"),
        *("containers.rename", "containers.restart", "containers.rm", "containers.stop"),
        *("containers.top", "containers.unpause", "networks.inspect", "networks.ls"),
        *(
            "images.history",
            "images.inspect",
            "images.ls",
            "images.prune",
            "images.rm",
            "images.tag",
        ),
        *("system.prune", "system.df", "system.info", "system.inspect"),
        *("volumes.create", "volumes.inspect", "volumes.ls", "volumes.prune", "volumes.rm"),
    )
)


def rows() -> tuple[Row, ...]:
    """All commands."""
    return tuple(Row(*values) for values in _TABLE)


def find(words: list[str]) -> tuple[Row | None, int]:
    """The command that `words` begin with, and how many of them are its name."""
    for count in range(min(3, len(words)), 0, -1):
        name = " ".join(words[:count])
        for values in _TABLE:
            # Most rows do not even contain it; only the one that is found becomes an object.
            if name in values[1] and name in values[1].split(", "):
                return Row(*values), count
    return None, 0


def warm_modules() -> list[str]:
    """The modules of the commands that a launcher carries out."""
    return [row.module for row in rows() if row.is_warm]
