"""Locators. There is one function for them, in every version."""

from . import drafts, findings
from .faults import Fault, refusal
from .job import remove
from .messages import tool_failure

_NAMES = {
    "folder": "folder_name",
    "summary": "summary",
    "tags": "tags",
    "maxResultSize": "max_result_size",
    "maxBatchSize": "max_batch_size",
    "suggestedBatchSize": "suggested_batch_size",
    "supportedOperations": "supported_operations",
}


def draft_geocode(job, arguments):
    arcpy, target = job.arcpy, job.path(arguments["draft"])
    if not hasattr(arcpy, "CreateGeocodeSDDraft"):
        raise Fault("unsupported", "This ArcPy cannot draft geocode services")
    remove(target)
    job.progress("draft", "Drafting %s" % arguments["serviceName"])
    given = arguments["legacy"]
    more = {name: given[key] for key, name in _NAMES.items() if given.get(key) is not None}
    try:
        analysis = arcpy.CreateGeocodeSDDraft(
            job.path(arguments["locator"]),
            target,
            arguments["serviceName"],
            "ARCGIS_SERVER",
            None,
            given["copyDataToServer"],
            overwrite_existing_service=given["overwrite"],
            **more,
        )
    except arcpy.ExecuteError as error:
        raise tool_failure(arcpy, error, "CreateGeocodeSDDraft") from error
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        raise refusal(error, "ArcPy cannot draft the locator") from error
    drafts.check_written(target)
    return drafts.drafted(findings.from_analysis(analysis), [], isLegacy=True)
