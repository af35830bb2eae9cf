"""WORKDIR: the directory is made, in a layer of its own."""

import os
import stat
from pathlib import Path

from wherry.build.configuration import working_directory
from wherry.build.inputs import StepInputs
from wherry.build.layer_writer import LayerWriter, Look
from wherry.build.owners import parse_owner
from wherry.build.stage import Prepared, StageWork
from wherry.build.steps import Step
from wherry.dockerfile.instructions import Workdir
from wherry.errors import InvalidArgument
from wherry.linux.openat import READABLE_DIRECTORY, opened


class NotADirectory(InvalidArgument):
    def __init__(self, path: str) -> None:
        super().__init__(f"mkdir {path}: not a directory")


def prepare_workdir(work: StageWork, step: Step) -> Prepared | None:
    """None for the root, which is always there. The directory is the user's that USER names."""
    workdir = step.instruction
    assert isinstance(workdir, Workdir)
    path = working_directory(work.draft, workdir)
    if path == "/":
        return None

    user = work.draft.defaults.user
    owner = parse_owner(user, lambda: work.view(work.top)) if user else None

    def carry_out(folder: Path) -> None:
        with (
            opened(os.open(folder / "diff", READABLE_DIRECTORY | os.O_CLOEXEC)) as upper,
            LayerWriter(upper, work.view(work.top), work.now_ns) as writer,
        ):
            place = writer.resolve(path)
            there = writer.below(place)
            if there is not None and not stat.S_ISDIR(there.st_mode):
                raise NotADirectory(path)
            if there is None:
                writer.make_directories(place, Look(owner=owner))

    facts: dict[str, object] = {"instruction": "WORKDIR", "directory": path, **work.parent_facts}
    if owner is not None:
        facts["owner"] = f"{owner[0]}:{owner[1]}"
    return Prepared(
        inputs=StepInputs(facts, on_base=work.is_base),
        history=f"WORKDIR {path}",
        kind="regular",
        carry_out=carry_out,
    )
