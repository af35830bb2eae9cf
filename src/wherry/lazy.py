"""What is made when it is first used: expressions compiled, properties worked out.

For what a command loads before it does anything. `re` takes 2 ms to load and an expression up to
half a millisecond to compile, where most commands use few of those they define; `functools` takes
2 ms for the sake of one small class.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from functools import cached_property
    from re import compile as regex
else:

    class cached_property:  # noqa: N801  as functools names it
        """As that of `functools`."""

        def __init__(self, make):
            self.make = make
            self.__doc__ = make.__doc__

        def __set_name__(self, owner, name):
            self.name = name

        def __get__(self, value, owner=None):
            if value is None:
                return self
            made = value.__dict__[self.name] = self.make(value)
            return made

    class regex:  # noqa: N801  called like a function
        """Becomes what `re.compile` gives for it, attribute by attribute."""

        def __init__(self, pattern):
            self.made_from = pattern

        def __getattr__(self, name):
            import re

            # Compiled once for all attributes: re keeps what it has compiled.
            made = getattr(re.compile(self.made_from), name)
            setattr(self, name, made)
            return made


__all__ = ["cached_property", "regex"]
