"""Processes side by side, which are stopped with the program that began them."""

import concurrent.futures
import contextlib
import os
import signal
import subprocess
import threading

LOCK = threading.Lock()
RUNNING = set()
STOPPED = False


def finish(command, **options):
    """The exit code of `command`, in a group of its own, so that what it begins is stopped with it."""
    with LOCK:
        if STOPPED:
            raise KeyboardInterrupt
        process = subprocess.Popen(command, start_new_session=True, **options)
        RUNNING.add(process)
    code = process.wait()
    with LOCK:
        RUNNING.discard(process)
        if STOPPED:
            raise KeyboardInterrupt
    return code


def stop():
    """Asks what runs to end; our own programs write their checkpoints first."""
    global STOPPED
    with LOCK:
        STOPPED = True
        for process in RUNNING:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def interrupted(*_):
    raise KeyboardInterrupt


def run_all(work, jobs, at_a_time):
    """`work` of every job, in threads that wait for processes. After a failure no further one begins; after Ctrl-C
    or SIGTERM those that run are stopped too."""
    signal.signal(signal.SIGTERM, interrupted)
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        try:
            return list(pool.map(work, jobs))
        except BaseException as failure:
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(failure, KeyboardInterrupt):
                stop()
            raise
