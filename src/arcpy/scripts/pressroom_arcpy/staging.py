"""A draft becomes a definition; the analysis happens on the way."""

import os

from . import findings
from .faults import Fault
from .job import remove
from .messages import of_last_tool, of_result

_ANALYSIS_FAILED = "001272"


def stage(job, arguments):
    """Answers with findings in any case; without ``definition`` when the analysis found errors."""
    arcpy = job.arcpy
    draft, target = job.path(arguments["draft"]), job.path(arguments["definition"])
    remove(target)
    job.progress("stage", "Staging, which analyzes the draft")
    given = [draft, target]
    if arguments.get("stagingVersion") is not None:
        given.append(arguments["stagingVersion"])
    try:
        result = _stage_service(job)(*given)
    except arcpy.ExecuteError as error:
        said = of_last_tool(arcpy, error)
        ids = [each["id"] for each in said if each["severity"] == "error" and each["id"]]
        if _ANALYSIS_FAILED not in ids:
            errors = [each["text"] for each in said if each["severity"] == "error"]
            raise Fault(
                "tool_failed",
                errors[0] if errors else str(error),
                tool="StageService",
                toolId=ids[0] if ids else None,
                messages=said,
            ) from error
        remove(target)
        return {"isStaged": False, "findings": findings.from_messages(said), "messages": said}
    said = of_result(result) or of_last_tool(arcpy)
    if not os.path.isfile(target):
        raise Fault("failed", "Staging wrote no definition and gave no reason")
    return {"isStaged": True, "findings": findings.from_messages(said), "messages": said}


def _stage_service(job):
    server = job.part("server")
    if server is not None and hasattr(server, "StageService"):
        return server.StageService
    if hasattr(job.arcpy, "StageService_server"):
        return job.arcpy.StageService_server
    raise Fault("unsupported", "This ArcPy has no StageService")
