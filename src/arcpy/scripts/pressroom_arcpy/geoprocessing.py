"""Geoprocessing services: each tool runs once with sample inputs, and its result is drafted."""

from . import drafts, findings
from .faults import Fault, refusal
from .job import remove
from .messages import tool_failure
from .tools import call_tool, extensions_checked_out, find_in_toolbox, import_toolbox

_LEGACY_NAMES = {
    "folder": "folder_name",
    "summary": "summary",
    "tags": "tags",
    "executionType": "executionType",
    "resultMapService": "resultMapServer",
    "messageLevel": "showMessages",
    "maximumRecords": "maximumRecords",
    "minInstances": "minInstances",
    "maxInstances": "maxInstances",
    "maxUsageTime": "maxUsageTime",
    "maxWaitTime": "maxWaitTime",
    "maxIdleTime": "maxIdleTime",
    "capabilities": "capabilities",
    "constantValues": "constantValues",
    "choiceLists": "choiceLists",
}


def draft_geoprocessing(job, arguments):
    with extensions_checked_out(job.arcpy, arguments.get("extensions") or []):
        if arguments.get("result"):
            return _legacy(job, job.path(arguments["result"]), arguments)
        results = _run_tools(job, arguments)
        # A single result is given as it is: both forms are documented.
        value = results[0] if len(results) == 1 else results
        job.progress("draft", "Drafting %s" % arguments["serviceName"])
        sharing = job.part("sharing")
        if sharing is None or not hasattr(sharing, "CreateSharingDraft"):
            return _legacy(job, value, arguments)
        is_federated = arguments["serverType"] == "FEDERATED_SERVER"
        service_type = "WEB_TOOL" if is_federated else "GP_SERVICE"
        draft = drafts.created(
            lambda: sharing.CreateSharingDraft(
                arguments["serverType"], service_type, arguments["serviceName"], value
            ),
            "the tool",
        )
        missing = drafts.apply(draft, arguments["settings"])
        drafts.export(draft, job.path(arguments["draft"]))
        return drafts.drafted([], missing)


def _run_tools(job, arguments):
    toolbox = import_toolbox(job, arguments["toolbox"], arguments.get("alias"))
    results = []
    for wanted in arguments["tools"]:
        name = wanted["name"]
        job.progress("run", "Running %s with its sample inputs" % name)
        tool = find_in_toolbox(job.arcpy, toolbox, name, arguments.get("alias"))
        results.append(call_tool(job, tool, name, wanted.get("inputs") or {}))
    return results


def _legacy(job, value, arguments):
    """The older function also takes the file of a stored result (.rlt, .rltx)."""
    arcpy, target = job.arcpy, job.path(arguments["draft"])
    if not hasattr(arcpy, "CreateGPSDDraft"):
        raise Fault("unsupported", "This ArcPy cannot draft a stored result")
    remove(target)
    given = arguments["legacy"]
    more = {name: given[key] for key, name in _LEGACY_NAMES.items() if given.get(key) is not None}
    job.progress("draft", "Drafting %s" % arguments["serviceName"])
    try:
        # Its default is to copy the data: so it is always said.
        analysis = arcpy.CreateGPSDDraft(
            value,
            target,
            arguments["serviceName"],
            "ARCGIS_SERVER",
            "",
            given["copyDataToServer"],
            **more,
        )
    except arcpy.ExecuteError as error:
        raise tool_failure(arcpy, error, "CreateGPSDDraft") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise refusal(error, "ArcPy cannot draft the result") from error
    drafts.check_written(target)
    found = findings.from_analysis(analysis)
    return drafts.drafted(found, arguments["onlyNewer"], isLegacy=True)
