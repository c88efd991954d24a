"""What other processes take of the processor is told apart from what
the timed code takes itself."""

import os
import subprocess
import sys
import time

from rotcheck.bench import processor_load
from rotcheck.bench.processor_load import ProcessorLoad


def test_others_are_what_is_left_of_the_work_done() -> None:
    assert processor_load._percent_of_others(busy=1.5, total=2.0, process_seconds=0.5) == 50.0
    assert processor_load._percent_of_others(busy=0.5, total=2.0, process_seconds=0.6) == 0.0
    assert processor_load._percent_of_others(busy=0.0, total=0.0, process_seconds=0.0) == 0.0


def test_a_busy_neighbour_is_seen() -> None:
    watched = ProcessorLoad()
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.2)
        with watched.observe():
            time.sleep(1)
    finally:
        busy.kill()
        busy.wait()
    assert watched.busy_percent > 50 / (os.cpu_count() or 1)
