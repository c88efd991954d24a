"""An exception for a thread that was taken back does not hang a profiled call."""

import subprocess
import sys

CODE = """
import ctypes, faulthandler, sys, threading
faulthandler.dump_traceback_later(60, exit=True)
thread = ctypes.c_ulong(threading.get_ident())
ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)
from rotcheck.witness.profile_hook import set_profile
calls = []
def function(): return 1
set_profile(lambda frame, event, result: calls.append(frame.f_code.co_name))
function()
sys.setprofile(None)
print("function" in calls)
"""


def test_calls_are_seen_after_an_exception_was_taken_back() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr
