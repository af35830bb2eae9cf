"""`Engine`: the face of the library, holding the collaborators and no logic."""

from functools import cached_property
from pathlib import Path

from wherry.store.store import Store, default_root, default_run
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.events import Events
    from wherry.engine.faces.containers import Containers
    from wherry.engine.faces.images import Images
    from wherry.engine.faces.networks import Networks
    from wherry.engine.faces.system import System
    from wherry.engine.faces.volumes import Volumes


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
        from wherry.engine.faces.containers import Containers  # these serve the Python API alone

        return Containers(self)

    @cached_property
    def images(self) -> "Images":
        from wherry.engine.faces.images import Images

        return Images(self)

    @cached_property
    def volumes(self) -> "Volumes":
        from wherry.engine.faces.volumes import Volumes

        return Volumes(self)

    @cached_property
    def networks(self) -> "Networks":
        from wherry.engine.faces.networks import Networks

        return Networks(self)

    @cached_property
    def system(self) -> "System":
        from wherry.engine.faces.system import System

        return System(self)
