"""`dataclass`, `field`, `fields`, `replace` and `astuple` for programs that start often.

`dataclasses` writes and compiles up to six methods for every class as the class is made: half a
millisecond each, and `inspect` behind its import, together half of a cold start. Type checkers see
the originals here; what runs is `wherry.value_classes`, which does the same and makes a class
in 25 microseconds.
"""

__all__ = [
    "MISSING",
    "Field",
    "FrozenInstanceError",
    "astuple",
    "dataclass",
    "field",
    "fields",
    "is_dataclass",
    "replace",
]

TYPE_CHECKING = False  # importing typing would cost what is saved here
if TYPE_CHECKING:
    from dataclasses import (
        MISSING,
        Field,
        FrozenInstanceError,
        astuple,
        dataclass,
        field,
        fields,
        is_dataclass,
        replace,
    )
else:
    from wherry.value_classes import (
        MISSING,
        Field,
        FrozenInstanceError,
        astuple,
        dataclass,
        field,
        fields,
        is_dataclass,
        replace,
    )
