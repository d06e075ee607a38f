"""What can go wrong, told apart so that Pressroom can say what to do about it."""

import errno
import re

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DISK_FULL_WINDOWS = {39, 112}
_TOOL_ID = re.compile(r"\b(\d{6})\b")


class Fault(Exception):
    """A failure that is foreseen: ``code`` is one that src/arcpy/arcpy-protocol.ts knows."""

    def __init__(self, code, message, **facts):
        super().__init__(message)
        self.code = code
        self.facts = facts
        self.recycle = False


def refusal(error, text, **facts):
    """What ArcPy raised against its inputs, told with what was tried; a full disk or a licence stays what it is."""
    if is_disk_full(error) or "NotInitialized" in str(error):
        return error
    fault = Fault("bad_input", "%s: %s" % (text, error), **facts)
    fault.recycle = isinstance(error, RuntimeError)
    return fault


def first_id(text):
    """The six digits of a geoprocessing message; its words are in the language of the installation."""
    found = _TOOL_ID.search(text or "")
    return found.group(1) if found else None


def is_disk_full(error):
    if not isinstance(error, OSError):
        return False
    return error.errno in _DISK_FULL or getattr(error, "winerror", None) in _DISK_FULL_WINDOWS


def to_document(error):
    """An exception as Pressroom reads it. A ``RuntimeError`` may leave native code in any state."""
    if isinstance(error, Fault):
        return {
            "code": error.code,
            "message": str(error),
            "facts": error.facts,
            "recycle": error.recycle,
        }
    if is_disk_full(error):
        return {"code": "disk_full", "message": str(error), "facts": {}}
    text = str(error) or type(error).__name__
    code = "not_licensed" if "NotInitialized" in text else "failed"
    return {
        "code": code,
        "message": text,
        "facts": {"exception": type(error).__name__},
        "recycle": isinstance(error, (RuntimeError, SystemError, MemoryError)),
    }
