"""What forked processes do before they are their own."""

import gc
import os

from wherry.linux.process import close_other_descriptors


class Held:
    """A descriptor that is closed when it is nobody's, as a file is; garbage only by a search."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.itself = self

    def __del__(self) -> None:
        os.close(self.descriptor)


def test_what_a_caller_has_left_as_garbage_closes_no_descriptor_of_a_fork() -> None:
    gc.collect()
    gc.disable()
    descriptor = os.open("/dev/null", os.O_RDONLY)
    child = -1
    try:
        Held(descriptor)
        child = os.fork()
        if child == 0:
            close_other_descriptors({0, 1, 2})
            while os.open("/dev/zero", os.O_RDONLY) < descriptor:
                pass  # until another file has the number
            gc.collect()
            os._exit(0 if os.read(descriptor, 1) == b"\0" else 1)
    except OSError:
        if child == 0:
            os._exit(2)
        raise
    finally:
        gc.enable()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gc.collect()  # and here it closes it
