"""Geoprocessing tools: found by name, called with named parameters, never by text that is evaluated."""

import contextlib
import inspect
import os
import zipfile

from .faults import Fault, refusal
from .messages import of_last_tool, of_result, tool_failure


def import_toolbox(job, path, alias=None):
    job.progress("open", "Opening the toolbox")
    given = [job.path(path)] + ([alias] if alias else [])
    try:
        return job.arcpy.ImportToolbox(*given)
    except (OSError, RuntimeError, ValueError) as error:
        raise refusal(error, "ArcPy cannot open the toolbox", input="toolbox") from error


def find_in_toolbox(arcpy, toolbox, name, alias=None):
    places = ((toolbox, name), (arcpy, "%s_%s" % (name, alias)), (getattr(arcpy, alias or "", None), name))
    for holder, attribute in places:
        tool = getattr(holder, attribute, None)
        if callable(tool):
            return tool
    there = [each for each in dir(toolbox or object()) if not each.startswith("_") and callable(getattr(toolbox, each))]
    text = "The toolbox has no tool %r; it has: %s" % (name, ", ".join(there) or "none that can be called")
    raise Fault("bad_input", text, input="tools")


def find_system_tool(arcpy, name):
    """``analysis.Buffer``, or ``Buffer_analysis``."""
    holder = arcpy
    for part in name.split("."):
        if part.startswith("_"):
            holder = None
            break
        holder = getattr(holder, part, None)
    if callable(holder):
        return holder
    raise Fault("bad_input", "This ArcPy has no tool %r" % name, input="tool")


def parameters_of(arcpy, tool, name):
    """From ArcPy where it tells, else from the function itself; nothing where neither does."""
    try:
        listed = arcpy.GetParameterInfo(_as_tool_name(name))
        return [_described(each) for each in listed]
    except Exception:  # not every version has it, nor does it know every tool
        pass
    try:
        signature = inspect.signature(tool)
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(each.kind in kinds for each in signature.parameters.values()):
        return None
    return [
        {"name": each.name, "isRequired": each.default is inspect.Parameter.empty}
        for each in signature.parameters.values()
    ]


def _as_tool_name(name):
    toolbox, dot, tool = name.rpartition(".")
    return "%s_%s" % (tool, toolbox) if dot else name


def _described(parameter):
    kind = str(getattr(parameter, "parameterType", ""))
    described = {"name": str(parameter.name), "isRequired": kind == "Required"}
    for attribute, key in (("displayName", "title"), ("datatype", "dataType"), ("direction", "direction")):
        value = getattr(parameter, attribute, None)
        if value:
            described[key] = str(value)
    return described


def call_tool(job, tool, name, inputs):
    arcpy = job.arcpy
    known = parameters_of(arcpy, tool, name)
    if known is not None:
        names = [each["name"] for each in known]
        unknown = [each for each in inputs if each not in names]
        if unknown:
            text = "%s has no parameter %s; it has: %s" % (name, ", ".join(unknown), ", ".join(names))
            raise Fault("bad_input", text, input="parameters", tool=name)
    values = {key: _value(job, value) for key, value in inputs.items()}
    try:
        return tool(**values)
    except arcpy.ExecuteError as error:
        raise tool_failure(arcpy, error, name) from error
    except TypeError as error:
        raise Fault("bad_input", "%s: %s" % (name, error), input="parameters", tool=name) from error


def _value(job, value):
    """A file of the job is ``{'path': …}``; all else is handed on as it came."""
    if isinstance(value, dict) and set(value) == {"path"}:
        path = job.path(value["path"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path
    if isinstance(value, list):
        return [_value(job, each) for each in value]
    return value


@contextlib.contextmanager
def extensions_checked_out(arcpy, names):
    """ArcPy answers with words and does not raise."""
    taken = []
    try:
        for name in names:
            status = str(arcpy.CheckExtension(name))
            if status == "Available":
                status = str(arcpy.CheckOutExtension(name))
            if status != "CheckedOut":
                raise Fault(
                    "missing_extension", "The extension %s: %s" % (name, status), extension=name, status=status
                )
            taken.append(name)
        yield
    finally:
        for name in taken:
            arcpy.CheckInExtension(name)


def describe_tools(job, arguments):
    described = []
    for name in arguments["names"]:
        try:
            tool = find_system_tool(job.arcpy, name)
        except Fault:
            continue
        parameters = parameters_of(job.arcpy, tool, name)
        described.append({"name": name, "parameters": parameters or [], "isDescribed": parameters is not None})
    return {"tools": described}


def run_tool(job, arguments):
    arcpy, name = job.arcpy, arguments["tool"]
    arcpy.env.overwriteOutput = arguments["overwriteOutput"]
    with extensions_checked_out(arcpy, arguments.get("extensions") or []):
        if arguments.get("toolbox"):
            toolbox = import_toolbox(job, arguments["toolbox"], arguments.get("alias"))
            tool = find_in_toolbox(arcpy, toolbox, name, arguments.get("alias"))
        else:
            tool = find_system_tool(arcpy, name)
        job.progress("run", "Running %s" % name)
        result = call_tool(job, tool, name, arguments.get("parameters") or {})
    said = of_result(result) or of_last_tool(arcpy)
    file = _pack(job, arguments["outputs"], arguments["archive"])
    return {"outputs": _outputs(result), "messages": said, "file": file}


_MOST_OUTPUTS = 100


def _outputs(result):
    """Where a version does not say how many there are, until there is none any more."""
    count = getattr(result, "outputCount", _MOST_OUTPUTS)
    found = []
    for index in range(min(int(count), _MOST_OUTPUTS)):
        try:
            found.append(str(result.getOutput(index)))
        except Exception:  # ArcPy raises whatever it likes for an output that is not there
            break
    return found


def _pack(job, folder, archive):
    """One file stays as it is; several, or a geodatabase, which is a folder, become a ZIP."""
    root, target = job.path(folder), job.path(archive)
    files = sorted(
        os.path.join(where, file) for where, _, names in os.walk(root) for file in names
        if not file.endswith(".lock")
    )
    if not files:
        return None
    if len(files) == 1 and os.path.dirname(files[0]) == root:
        return {"path": os.path.relpath(files[0], job.folder).replace(os.sep, "/")}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as packed:
        for file in files:
            packed.write(file, os.path.relpath(file, root).replace(os.sep, "/"))
    return {"path": os.path.relpath(target, job.folder).replace(os.sep, "/")}
