"""One job at a time: its folder is the working directory, and nothing of it outlives it."""

import gc
import importlib
import os
import sys
import tempfile

from .faults import Fault

#: Result objects and maps exist only in the process that made them.
_TEMP_NAMES = ("TMPDIR", "TEMP", "TMP")


class Job:
    """What the requests of one job share."""

    def __init__(self, channel):
        self._channel = channel
        self._home = os.getcwd()
        self._arcpy = None
        self._request_id = None
        self.folder = None

    @property
    def arcpy(self):
        """ArcPy, imported when it is first needed: that takes tens of seconds and may fail."""
        if self._arcpy is None:
            self._arcpy = _import_arcpy()
        return self._arcpy

    def part(self, name):
        """A part of ArcPy such as ``sharing``; older ones lack some."""
        if not hasattr(self.arcpy, name):
            try:
                return importlib.import_module("arcpy." + name)
            except ImportError:
                return None
        return getattr(self.arcpy, name)

    def answers(self, request_id):
        self._request_id = request_id

    def progress(self, phase, message):
        self._channel.send(
            {"id": self._request_id, "kind": "progress", "phase": phase, "message": message}
        )

    def begin(self, folder):
        self.folder = local_path(folder)
        os.chdir(self.folder)
        for name in _TEMP_NAMES:
            os.environ[name] = self.folder
        tempfile.tempdir = self.folder
        env = getattr(self.arcpy, "env", None)
        _set(env, "overwriteOutput", True)
        _set(env, "workspace", self.folder)
        _set(env, "packageWorkspace", self.folder)
        # The scratch folder and geodatabase follow from it and are read only; where it is not there they may be set.
        if not _set(env, "scratchWorkspace", self.folder):
            _set(env, "scratchFolder", self.folder)
            _set(env, "scratchGDB", os.path.join(self.folder, "scratch.gdb"))

    def end(self):
        """Leaves the folder, or Windows would not let it be removed, and lets go of locks."""
        os.chdir(self._home)
        self.folder = None
        gc.collect()
        if self._arcpy is None:
            return
        for name in ("ResetEnvironments", "ClearWorkspaceCache_management"):
            try:
                getattr(self._arcpy, name, _nothing)()
            except Exception as error:
                print("arcpy.%s: %s" % (name, error), file=sys.stderr)

    def path(self, path):
        """A path of Pressroom as this Python writes it; a relative one is below the job's folder."""
        given = local_path(path)
        return given if os.path.isabs(given) else os.path.join(self.folder, given)


def _nothing():
    """What a version does not have."""


def _set(env, name, value):
    if not hasattr(env, name):
        return False
    try:
        setattr(env, name, value)
    except Exception as error:  # some are read only in some versions
        print("arcpy.env.%s stays: %s" % (name, error), file=sys.stderr)
        return False
    return True


def local_path(path):
    """Under Wine the paths of Linux lie on the drive Z. Not verified on a real installation."""
    if os.name == "nt" and path.startswith("/"):
        return "Z:" + path.replace("/", "\\")
    return path


def remove(path):
    """Staging fails where its output is there already."""
    if os.path.exists(path):
        os.remove(path)


def _import_arcpy():
    try:
        return importlib.import_module("arcpy")
    except ModuleNotFoundError as error:
        if error.name == "arcpy":
            raise Fault("no_arcpy", "This Python has no arcpy: %s" % sys.executable) from error
        raise Fault("broken_environment", "arcpy needs %s, which is not there" % error.name) from error
    except ImportError as error:
        raise Fault("broken_environment", str(error)) from error
    except RuntimeError as error:
        if "NotInitialized" in str(error):
            raise Fault("not_licensed", "ArcPy is not licensed: %s" % error) from error
        raise Fault("broken_environment", str(error)) from error
    except OSError as error:
        raise Fault("broken_environment", str(error)) from error
