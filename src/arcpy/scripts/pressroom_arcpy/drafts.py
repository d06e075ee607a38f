"""What the drafts of all kinds of services have in common."""

import os

from .faults import Fault, refusal
from .job import remove


def apply(draft, settings):
    """Sets properties by their dotted names, in order.

    A setting is ``{'name', 'value', 'isWanted'}``, with the ``list`` that the value was made of, if it was.
    Versions of ArcPy differ in what they have, so each is looked for. Returns the names that were asked for
    and are not there; what nobody asked for is left out.
    """
    missing = []
    for setting in settings:
        name, value = setting["name"], setting["value"]
        *path, last = name.split(".")
        holder = draft
        for part in path:
            holder = getattr(holder, part, None)
        if holder is None or not hasattr(holder, last):
            if setting.get("isWanted", True):
                missing.append(name)
            continue
        forms = [value] + ([setting["list"]] if "list" in setting else [])
        try:
            _set_first(holder, last, forms)
        except AttributeError:
            missing.append(name)
        except (ValueError, TypeError, RuntimeError) as error:
            raise refusal(error, "ArcPy does not take %r for %s" % (value, name), property=name) from error
    return missing


def _set_first(holder, name, forms):
    """Whether a property takes a text with commas or a list is not documented for each: so both are tried."""
    for at, form in enumerate(forms):
        try:
            return setattr(holder, name, form)
        except (ValueError, TypeError, RuntimeError):
            if at == len(forms) - 1:
                raise
    return None


def export(draft, path):
    remove(path)
    draft.exportToSDDraft(path)
    check_written(path)


def check_written(path):
    if not os.path.isfile(path):
        raise Fault("failed", "ArcPy wrote no draft and gave no reason")


def created(make, what):
    """Makes a draft; what ArcPy says against it is about the inputs."""
    try:
        return make()
    except (ValueError, TypeError, RuntimeError) as error:
        raise refusal(error, "ArcPy cannot draft %s" % what) from error


def drafted(findings=(), missing=(), **more):
    answer = {"findings": list(findings), "missing": list(missing)}
    answer.update(more)
    return answer
