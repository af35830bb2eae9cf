"""Wherry: a container engine as a Python library.

`wherry.Engine` is the public face. It is loaded on first use, so that the command line,
which imports this package too, starts without it.
"""

TYPE_CHECKING = False  # importing typing would cost every command 6 ms
if TYPE_CHECKING:
    from wherry.engine.engine import Engine

__all__ = ["Engine"]


def __getattr__(name: str) -> object:
    if name == "Engine":
        from wherry.engine.engine import Engine  # loaded by those who ask for it

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
