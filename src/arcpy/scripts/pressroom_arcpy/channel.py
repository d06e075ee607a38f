"""The two pipes to Pressroom, kept apart from whatever else prints or reads."""

import json
import os
import queue
import sys
import threading

#: The exit code when Pressroom is gone: nobody waits for what is under way.
ORPHANED = 3


class Channel:
    """Takes stdin and stdout for itself; what others print goes to stderr, what others read is empty.

    The descriptors are replaced, not only ``sys.stdout``: native code prints, too.
    """

    def __init__(self):
        self._requests = queue.Queue()
        self._lock = threading.Lock()
        self._in = os.fdopen(os.dup(0), "rb")
        self._out = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._write_bytes(b"\n")  # ends a line that a launcher may have begun
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def _read(self):
        """When the pipe closes Pressroom has ended, also in the middle of a job: so end, too."""
        for line in self._in:
            if line.strip():
                self._requests.put(json.loads(line.decode("utf-8")))
        os._exit(ORPHANED)

    def next_request(self):
        return self._requests.get()

    def send(self, document):
        # ASCII only: neither the locale nor a lone surrogate can break a line.
        text = json.dumps(document, ensure_ascii=True, default=str)
        self._write_bytes(text.encode("ascii") + b"\n")

    def _write_bytes(self, content):
        with self._lock:
            self._out.write(content)
            self._out.flush()
