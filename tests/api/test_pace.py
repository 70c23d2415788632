"""How a process divides its time, whoever asks for it at once (spec 1)."""

import gc
import sys
from contextlib import ExitStack

from api.pace import MANY_ROWS, even_pace


def test_1_imports_that_overlap_leave_the_process_as_it_was():
    before = sys.getswitchinterval(), gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(even_pace())
    served = gc.get_threshold()
    second.enter_context(even_pace(MANY_ROWS))
    first.close()
    assert gc.get_threshold()[0] == MANY_ROWS
    first.enter_context(even_pace())
    second.close()
    assert gc.get_threshold() == served
    first.close()
    assert (sys.getswitchinterval(), gc.get_threshold()) == before
