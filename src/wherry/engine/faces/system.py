"""`Engine().system`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wherry.engine.events import follow_events
from wherry.engine.system.check import Checkup, check_system
from wherry.engine.system.df import DiskUsage, disk_usage
from wherry.engine.system.info import info_document
from wherry.store.events import Event

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.engine.system.repair import Repair


class System:
    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def info(self) -> dict[str, object]:
        """Docker's document about the engine and its machine."""
        return info_document(self._engine)

    def disk_usage(self) -> DiskUsage:
        """What images, containers and volumes take."""
        return disk_usage(self._engine)

    def check(self, *, rehash: bool = False) -> Checkup:
        """What is damaged, missing or orphaned; with `rehash` all content is read again."""
        return check_system(self._engine, rehash=rehash)

    def repair(self, checkup: Checkup) -> "list[Repair]":
        """Free what is orphaned and fetch again what is damaged; what became of each finding."""
        from wherry.engine.system.repair import repair_system  # registries, HTTP and TLS

        return repair_system(self._engine, checkup.findings)

    def events(
        self, *, since_ns: int | None = None, until_ns: int | None = None, follow: bool = True
    ) -> Iterator[Event]:
        """What happens, and with `since_ns` what has happened; nanoseconds of the wall clock."""
        return follow_events(self._engine, since_ns=since_ns, until_ns=until_ns, follow=follow)
