"""Objects that have the properties of the documentation, and no others."""

from . import _scenario


class Strict:
    _defaults = {}

    def __init__(self, **more):
        for name, value in {**self._defaults, **more}.items():
            object.__setattr__(self, name, value() if callable(value) else value)

    def __setattr__(self, name, value):
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        if not hasattr(self, name):
            raise AttributeError("%s has no property %s" % (type(self).__name__, name))
        if name in getattr(self, "_read_only", ()):
            raise AttributeError("%s is read only" % name)
        old = getattr(self, name)
        if isinstance(old, bool) and not isinstance(value, bool):
            raise ValueError("%s is a boolean" % name)
        if name in _scenario.scenario().get("wantsLists", ()) and not isinstance(value, list):
            raise ValueError("%s is a list" % name)
        if isinstance(old, str) and not isinstance(value, str) and name not in _scenario.scenario().get("wantsLists", ()):
            raise ValueError("%s is a text" % name)
        if isinstance(old, (int, float)) and not isinstance(value, (int, float)):
            raise ValueError("%s is a number" % name)
        object.__setattr__(self, name, value)


def strict(name, **defaults):
    return type(name, (Strict,), {"_defaults": defaults})
