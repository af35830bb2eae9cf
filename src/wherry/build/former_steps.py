"""Which step of the last build a step is, in a Dockerfile that may have changed since.

The same text is the same step wherever it stands now; in the place of one that is gone, an
instruction of the same name is that one, edited. What remains is new.
"""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from wherry.build.stage import stage_of
from wherry.store.build_cache import CacheRecord

_FIRST = 2  # FROM is the first step, and makes no layer


def former_steps(
    records: Mapping[int, CacheRecord], stage: int, texts: Sequence[str]
) -> dict[int, CacheRecord]:
    """The records of a stage's former steps, by the numbers of its steps as they are now."""
    before = [records[number] for number in sorted(records) if stage_of(number) == stage]
    found: dict[int, CacheRecord] = {}
    matcher = SequenceMatcher(None, [each.text for each in before], texts, autojunk=False)
    for tag, old_start, old_end, start, end in matcher.get_opcodes():
        for old, new in zip(range(old_start, old_end), range(start, end), strict=False):
            if tag == "equal" or _name(before[old].text) == _name(texts[new]):
                found[new + _FIRST] = before[old]
    return found


def _name(text: str) -> str:
    return text.split(None, 1)[0].upper() if text.strip() else ""
