"""A stage while it is built: its configuration and layers so far, and what it can read from."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from wherry.build.configuration import Draft
from wherry.build.errors import of_missing_image
from wherry.build.graph import FromContext, FromImage, FromStage, Origin
from wherry.build.inputs import StepInputs
from wherry.build.order import Base, BuildOrder, Workshop
from wherry.build.scope import Scope
from wherry.build.source_trees import SourceTree
from wherry.build.stat_index import StatIndex
from wherry.errors import WherryError
from wherry.oci.digest import ChainID
from wherry.store.build_cache import CacheRecord, Use, records_of_place
from wherry.store.layers import Layer
from wherry.store.pack import Packed
from wherry.store.snapshots import open_view
from wherry.values import dataclass, field

_MOST_STEPS = 1_000_000


class NotCached(Exception):
    """A step would have to be carried out, and was not to be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """A stage that is built. `uses` are the records of the cache that went into it."""

    draft: Draft
    layers: tuple[Layer, ...]
    uses: tuple[Use, ...] = ()
    scope: Scope = field(default_factory=Scope)
    """Its variables, which a stage that begins with it has."""

    @property
    def top(self) -> ChainID | None:
        return self.layers[-1].chain_id if self.layers else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A step that makes a layer, ready to be looked up or carried out.

    `carry_out` fills `diff` of the staging folder that it is given, and may return what it has
    packed of that already.
    """

    inputs: StepInputs
    history: str
    kind: str
    carry_out: Callable[[Path], Packed | None]
    linked: bool = False
    """Whether the layer is the same whatever it lies on: COPY --link."""


@dataclass(kw_only=True)
class StageWork:
    """What the steps of one stage share."""

    workshop: Workshop
    order: BuildOrder
    index: int
    results: Mapping[int, StageResult]
    draft: Draft
    layers: tuple[Layer, ...]
    is_base: bool = True
    """Whether no step has made a layer yet."""
    texts: tuple[str, ...] = ()
    """Its instructions that make layers."""
    undo: ExitStack = field(default_factory=ExitStack)
    _views: dict[ChainID | None, int] = field(default_factory=dict)
    _former: Mapping[int, CacheRecord] | None = None
    _indexes: dict[str, StatIndex] = field(default_factory=dict)

    @property
    def top(self) -> ChainID | None:
        return self.layers[-1].chain_id if self.layers else None

    def former(self, number: int) -> CacheRecord | None:
        """What the last build from here used for the step that is now the `number`th."""
        if self._former is None:
            from wherry.build.former_steps import former_steps  # only where a step is missed

            records = records_of_place(self.workshop.store.database.connection, self.order.place)
            self._former = former_steps(records, self.index, self.texts)
        return self._former.get(number)

    @property
    def parent_facts(self) -> dict[str, object]:
        """How a key tells what the step lies on."""
        parent = str(self.top or "scratch")
        facts: dict[str, object] = {"parent": parent}
        if self.order.epoch_ns is not None:
            facts["SOURCE_DATE_EPOCH"] = self.order.epoch_ns // 10**9
        return facts

    @property
    def now_ns(self) -> int:
        """The time of what is made now."""
        epoch = self.order.epoch_ns
        return time.time_ns() if epoch is None else epoch

    def view(self, top: ChainID | None) -> int:
        """A descriptor of the files of a chain of layers, open as long as the stage is built."""
        found = self._views.get(top)
        if found is None:
            found = self._views[top] = open_view(self.workshop.store, top)
            self.undo.callback(os.close, found)
        return found

    def tree_of(self, origin: Origin) -> SourceTree:
        """The files of a stage, image or named context."""
        match origin:
            case FromStage(index):
                top = self.results[index].top
                return self._tree(f"stage {index}", top)
            case FromContext(name):
                context = self.order.contexts[name]
                return self._image_tree(context) if isinstance(context, str) else context
            case FromImage(name):
                return self._image_tree(name)

    def _image_tree(self, name: str) -> SourceTree:
        try:
            base = self.workshop.resolve(name, self.order.image_platform)
        except WherryError as error:
            raise of_missing_image(error, name, self.order.dockerfile) from error
        return self._tree(name, top_of(base))

    def _tree(self, name: str, top: ChainID | None) -> SourceTree:
        # The files of a chain never change: what was hashed once is known for good.
        identity = f"chain-{top.hex}" if top else ""
        return SourceTree(name=name, root=self.view(top), identity=identity)

    def stat_index(self, tree: SourceTree) -> StatIndex:
        found = self._indexes.get(tree.identity)
        if found is None:
            folder = self.workshop.store.root / "build" / "index"
            found = StatIndex(folder / tree.identity if tree.identity else None)
            self._indexes[tree.identity] = found
        return found

    def close(self) -> None:
        self.undo.close()
        for index in self._indexes.values():
            index.save()


def place_number(stage: int, step: int) -> int:
    """The number of a step among all of a Dockerfile."""
    return stage * _MOST_STEPS + step


def stage_of(number: int) -> int:
    """The stage of a step that has this number among all."""
    return number // _MOST_STEPS


def top_of(base: Base) -> ChainID | None:
    return base.layers[-1].chain_id if base.layers else None
