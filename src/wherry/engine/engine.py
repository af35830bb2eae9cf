"""`Engine`: the face of the library, holding the collaborators and no logic."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.store.store import Store, default_root, default_run

if TYPE_CHECKING:
    from wherry.engine.events import Events
    from wherry.engine.faces import Containers


class Engine:
    """One installation of Wherry: a root folder and a run folder.

    Its nouns (`containers`, `images`, `volumes`, `networks`, `system`) are faces too: each
    method is one call of the function that does it, in a module of the same name.
    """

    def __init__(self, root: Path | str | None = None, run: Path | str | None = None) -> None:
        chosen_root = Path(root) if root is not None else default_root()
        self.store = Store(chosen_root, Path(run) if run is not None else default_run(chosen_root))

    @cached_property
    def events(self) -> "Events":
        from wherry.engine.events import Events  # a list of names starts without it

        return Events(self.store)

    @cached_property
    def containers(self) -> "Containers":
        from wherry.engine.faces import Containers  # for the Python API; commands do without

        return Containers(self)
