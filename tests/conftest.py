"""The suite's surroundings: property tests draw the same examples every time and never fail for being slow.

Interrupts are answered, here and in child processes, also where the shell had them ignored, as in a background job.
Modules of this folder, such as the slow twins, can be imported by the tests of every room.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from hypothesis import settings

settings.register_profile("backpass", deadline=None, derandomize=True, database=None)
settings.load_profile("backpass")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_TESTS = str(Path(__file__).parent)
if _TESTS not in sys.path:
    sys.path.append(_TESTS)
