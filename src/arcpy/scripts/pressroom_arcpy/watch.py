"""Ends this process when Pressroom has ended, also where native code lets no Python run.

The thread that reads requests does so, too; but a hanging call of ArcPy may hold the interpreter's lock for ever.
"""

import os
import select
import shutil
import signal
import time

#: For the reading thread to end the process by itself.
_GRACE_SECONDS = 1
_LOOK_MS = 1000
#: As src/arcpy/job-folder.ts calls the folder of a worker.
_FOLDER = "pressroom-arcpy-"


def watch():
    """Before any thread is started, and before arcpy is imported: what is forked here stays small."""
    if not hasattr(os, "fork"):
        return  # Windows ends nothing by itself: a worker that starts anew removes only files there
    watched = os.getpid()
    folder = os.getcwd()  # it may be gone when it is needed
    try:
        if os.fork() != 0:
            return
    except OSError:
        return
    try:
        _let_go()
        if _wait_for_end(watched):
            _end(watched, folder)
    finally:
        os._exit(0)


def _let_go():
    """Pressroom waits until nobody holds the pipes that this process writes to."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)


def _wait_for_end(watched):
    """True when the other end of stdin is gone, False when the watched process is."""
    pipe = select.poll()
    pipe.register(0, 0)  # hanging up is told unasked
    while os.getppid() == watched:
        if pipe.poll(_LOOK_MS):
            return True
    return False


def _end(watched, folder):
    until = time.monotonic() + _GRACE_SECONDS
    while os.getppid() == watched and time.monotonic() < until:
        time.sleep(0.1)
    if os.getppid() == watched:
        os.kill(watched, signal.SIGKILL)
    # Processes start in the folder of their worker: drafts and data of its jobs are in it.
    if os.path.basename(folder).startswith(_FOLDER) and _has_ended(_pid_of(folder), until + _GRACE_SECONDS):
        shutil.rmtree(folder, ignore_errors=True)
    if os.getsid(0) == os.getpgrp():  # started by Pressroom: its launcher, and what native code has started
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _pid_of(folder):
    """Of the worker that the folder belongs to, which may well live: its Python has crashed, and it closed the pipe."""
    digits = folder.rsplit("-", 1)[-1]
    return int(digits) if digits.isdigit() else os.getpid()


def _has_ended(pid, until):
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
