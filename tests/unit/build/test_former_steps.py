"""Which step of the last build a step is."""

import pytest

from wherry.build.former_steps import former_steps
from wherry.build.stage import place_number
from wherry.oci.digest import ChainID, DiffID, Digest
from wherry.store.build_cache import CacheRecord

SOME = f"sha256:{'0' * 64}"


def record(text: str) -> CacheRecord:
    return CacheRecord(
        key=Digest(SOME),
        chain_id=ChainID(SOME),
        diff_id=DiffID(SOME),
        parent=None,
        description=f"[2/3] {text}",
        kind="regular",
        size=0,
        duration_ns=0,
        created_ns=0,
        used_ns=0,
        uses=0,
    )


@pytest.mark.parametrize(
    ("now", "former"),
    [
        (["RUN a", "COPY b /", "RUN c"], ["RUN a", "COPY b /", "RUN c"]),
        (["RUN new", "RUN a", "COPY b /", "RUN c"], ["", "RUN a", "COPY b /", "RUN c"]),
        (["RUN a", "RUN c"], ["RUN a", "RUN c"]),
        (["RUN a", "copy b d /", "RUN c"], ["RUN a", "COPY b /", "RUN c"]),
        (["RUN a", "RUN b", "RUN c"], ["RUN a", "", "RUN c"]),
        (["RUN a", "COPY b /", "RUN c", "RUN d"], ["RUN a", "COPY b /", "RUN c", ""]),
        ([], []),
    ],
)
def test_steps_are_told_by_their_text_then_by_their_place(
    now: list[str], former: list[str]
) -> None:
    texts = ["RUN a", "COPY b /", "RUN c"]
    records = {place_number(1, number): record(text) for number, text in enumerate(texts, 2)}
    records[place_number(0, 2)] = record("RUN new")  # of another stage

    found = former_steps(records, 1, now)

    shown = [found[number].text if number in found else "" for number in range(2, len(now) + 2)]
    assert shown == former
