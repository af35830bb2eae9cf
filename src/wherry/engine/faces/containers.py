"""`Engine().containers`: containers as Python objects.

    engine = wherry.Engine()
    engine.containers.run("busybox", ["echo", "hello"])                  # "hello\\n"
    with engine.containers.run("busybox", ["sleep", "60"], detach=True, memory="64m") as box:
        box.exec(["ps"]).output

Options are the long flags of `wherry run` with underscores, in Python's own values: see
`wherry.engine.containers.options.values`.
"""

import builtins
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from wherry.engine.containers.create import create_container
from wherry.engine.containers.handle import ContainerFailed, ContainerHandle
from wherry.engine.containers.list import select_containers
from wherry.engine.containers.options.config import config_from_options
from wherry.engine.containers.prune import PrunedContainers, prune_containers
from wherry.engine.filters import Filters
from wherry.engine.images.resolve import PullPolicy, ensure_image, parse_pull_policy
from wherry.engine.privilege import check_root
from wherry.errors import NotFound
from wherry.oci.platform import Platform
from wherry.store.containers import find_container

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class Containers:
    """Names may be IDs and their unambiguous beginnings too."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def create(
        self,
        image: str,
        command: Sequence[str] = (),
        *,
        name: str | None = None,
        **options: object,
    ) -> ContainerHandle:
        """Make a container that does not run yet."""
        check_root("containers")  # before an image is pulled for nothing
        policy = parse_pull_policy(str(options.pop("pull", "")))
        config = config_from_options(
            image, command, options, cwd=os.getcwd(), environ=dict(os.environ)
        )
        platform = Platform.parse(config.platform) if config.platform else None
        ensure_image(self._engine, config.image, platform=platform, pull=policy)
        container = create_container(self._engine, config, name, pull=PullPolicy.NEVER)
        return ContainerHandle(self._engine, container)

    @overload
    def run(
        self,
        image: str,
        command: Sequence[str] = (),
        *,
        detach: Literal[True],
        name: str | None = None,
        **options: object,
    ) -> ContainerHandle: ...
    @overload
    def run(
        self,
        image: str,
        command: Sequence[str] = (),
        *,
        detach: Literal[False] = False,
        text: Literal[True] = True,
        stdin: bytes | None = None,
        name: str | None = None,
        **options: object,
    ) -> str: ...
    @overload
    def run(
        self,
        image: str,
        command: Sequence[str] = (),
        *,
        detach: Literal[False] = False,
        text: Literal[False],
        stdin: bytes | None = None,
        name: str | None = None,
        **options: object,
    ) -> bytes: ...
    def run(
        self,
        image: str,
        command: Sequence[str] = (),
        *,
        detach: bool = False,
        name: str | None = None,
        **options: object,
    ) -> ContainerHandle | str | bytes:
        """Run a program in a new container.

        It is waited for, its container is removed, and its standard output returned: as text, or
        with `text=False` as bytes. ContainerFailed, which has all output, when its code is not 0.
        `stdin` is what it reads. With `detach` the container goes on by itself and is returned.
        """
        if detach:
            made = self.create(image, command, name=name, **options, detach=True)
            try:
                made.start()
            except BaseException:
                self._discard(made)
                raise
            return made
        text, stdin = options.pop("text", True), options.pop("stdin", None)
        if stdin is not None:
            options["interactive"] = True
        made = self.create(image, command, name=name, **options)
        called = made.name
        with made:
            ended = made.run(stdin if isinstance(stdin, bytes) else None)
        if ended.exit_code != 0:
            raise ContainerFailed(called, ended)
        return ended.stdout.decode(errors="replace") if text else ended.stdout

    @staticmethod
    def _discard(made: ContainerHandle) -> None:
        try:
            made.remove(force=True, volumes=True)
        except NotFound:  # --rm was faster
            return

    def get(self, name: str) -> ContainerHandle:
        """The container called `name`, or NoSuchContainer."""
        return ContainerHandle(self._engine, find_container(self._engine.store, name))

    def list(
        self, *, all_states: bool = False, filters: Filters | None = None
    ) -> builtins.list[ContainerHandle]:
        """Those that run, or all, newest first; `filters` as in `ps --filter`."""
        found = select_containers(self._engine, all_states=all_states, filters=filters)
        return [ContainerHandle(self._engine, container) for container in found]

    def prune(self, filters: Filters | None = None) -> PrunedContainers:
        """Remove all that do not run."""
        return prune_containers(self._engine, filters)
