"""SHA-256 of small things.

hashlib loads OpenSSL: half a megabyte of each process that supervises a container, and 3 ms of
its start. It is for what is large, which OpenSSL gets through faster.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha2 import sha256  # Python 3.12
    except ImportError:
        try:
            from _sha256 import sha256  # Python 3.11
        except ImportError:  # an interpreter built with OpenSSL's alone
            from hashlib import sha256

__all__ = ("sha256",)
