"""What a test wants to happen, read anew at every look."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time


def scenario():
    path = os.environ.get("PRESSROOM_TEST_ARCPY")
    if not path:
        return {}
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def record(call, **facts):
    """For tests that look at how ArcPy was called."""
    path = scenario().get("calls")
    if path:
        with open(path, "a", encoding="utf-8") as log:
            log.write(json.dumps({"call": call, "pid": os.getpid(), **facts}, default=str) + "\n")


def misbehave(where):
    """Noise, a crash or a hang at a place, always or until a file says that it has been."""
    trouble = scenario().get("trouble", {}).get(where)
    if not trouble:
        return
    once = trouble.get("onceFile")
    if once:
        if os.path.exists(once):
            return
        open(once, "w", encoding="utf-8").close()
    if trouble.get("noise"):
        print(trouble["noise"])
        sys.stdout.flush()
        os.write(1, trouble["noise"].encode("utf-8"))  # as native code prints
        input_left = sys.stdin.read(1) if trouble.get("reads") else ""
        assert input_left == ""
    if trouble.get("raises"):
        kind = {"RuntimeError": RuntimeError, "OSError": OSError, "ImportError": ImportError}
        if trouble["raises"] == "ENOSPC":
            raise OSError(28, "No space left on device")
        raise kind[trouble["raises"]](trouble.get("text", "it happened"))
    for piece in trouble.get("pieces", ()):  # as two writes that are read apart
        os.write(2, piece.encode("utf-8"))
        time.sleep(0.05)
    if trouble.get("holdsLock"):  # as native code that hangs: no Python runs any more
        record("holdsLock")
        ctypes.PyDLL(None).sleep(600)
    if trouble.get("startsAnother"):
        record("another", other=subprocess.Popen(["sleep", "600"]).pid)
    if trouble.get("hang"):
        time.sleep(600)
    if trouble.get("exit") is not None:
        os._exit(trouble["exit"])
    if trouble.get("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if trouble.get("growMiB"):
        _grown.append(bytearray(os.urandom(1024) * 1024 * trouble["growMiB"]))


_grown = []
