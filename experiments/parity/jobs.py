"""Processes side by side."""

import concurrent.futures


def run_all(work, jobs, at_a_time):
    """`work` of every job, in threads that wait for processes. After Ctrl-C or a failure no further one begins."""
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        try:
            return list(pool.map(work, jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
