"""Rasters and mosaic datasets."""

from . import drafts, findings
from .faults import Fault, refusal
from .job import remove
from .messages import tool_failure


def draft_image(job, arguments):
    arcpy = job.arcpy
    path = job.path(arguments["data"])
    job.progress("open", "Looking at the raster")
    if not arcpy.Exists(path):
        raise Fault("bad_input", "ArcPy does not find the raster %s" % arguments["data"], input="data")
    kind = str(arcpy.Describe(path).dataType)
    if arguments.get("analyzeMosaic") and kind == "MosaicDataset":
        _analyze_mosaic(job, path)
    job.progress("draft", "Drafting %s" % arguments["serviceName"])
    draft = _new_draft(job, path, arguments)
    if draft is None:
        return _legacy(job, path, arguments, kind)
    if not hasattr(draft, "offline") and _has_older(job, arguments):
        return _legacy(job, path, arguments, kind)  # it would ask for a connection to the site
    missing = drafts.apply(draft, arguments["settings"])
    drafts.export(draft, job.path(arguments["draft"]))
    return drafts.drafted([], missing, dataType=kind)


def _analyze_mosaic(job, path):
    job.progress("analyze-mosaic", "Analyzing the mosaic dataset")
    management = job.part("management")
    tool = getattr(management, "AnalyzeMosaicDataset", None) or getattr(
        job.arcpy, "AnalyzeMosaicDataset_management", None
    )
    if tool is None:
        raise Fault("unsupported", "This ArcPy has no AnalyzeMosaicDataset")
    try:
        tool(path)
    except job.arcpy.ExecuteError as error:
        raise tool_failure(job.arcpy, error, "AnalyzeMosaicDataset") from error


def _new_draft(job, path, arguments):
    """From ArcGIS Pro 3.5 on; the class tells, or the refusal where an older function does the same."""
    sharing = job.part("sharing")
    if sharing is None or not hasattr(sharing, "CreateSharingDraft"):
        return None
    is_federated = arguments["serverType"] == "FEDERATED_SERVER"
    service_type = "WEB_IMAGERY_LAYER" if is_federated else "IMAGE_SERVICE"
    name = arguments["serviceName"]
    has_older = _has_older(job, arguments)
    if has_older and not _has_image_drafts(job, sharing):
        return None
    try:
        return sharing.CreateSharingDraft(arguments["serverType"], service_type, name, path)
    except (ValueError, TypeError, RuntimeError, AttributeError) as error:
        if has_older:
            return None
        raise refusal(error, "ArcPy cannot draft the raster") from error


def _has_older(job, arguments):
    is_federated = arguments["serverType"] == "FEDERATED_SERVER"
    return hasattr(job.arcpy, "CreateImageSDDraft") and not is_federated


def _has_image_drafts(job, sharing):
    if hasattr(sharing, "ImageSharingDraft"):
        return True
    version = str(job.arcpy.GetInstallInfo().get("Version", ""))
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return (3, 5) <= tuple(numbers) < (10,)


def _legacy(job, path, arguments, kind):
    arcpy, target = job.arcpy, job.path(arguments["draft"])
    if not hasattr(arcpy, "CreateImageSDDraft"):
        raise Fault("unsupported", "This ArcPy cannot draft image services")
    remove(target)
    given = arguments["legacy"]
    try:
        analysis = arcpy.CreateImageSDDraft(
            path,
            target,
            arguments["serviceName"],
            "ARCGIS_SERVER",
            "",
            given["copyDataToServer"],
            **_texts(given),
        )
    except arcpy.ExecuteError as error:
        raise tool_failure(arcpy, error, "CreateImageSDDraft") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise refusal(error, "ArcPy cannot draft the raster") from error
    drafts.check_written(target)
    found = findings.from_analysis(analysis)
    return drafts.drafted(found, arguments["onlyNewer"], dataType=kind, isLegacy=True)


def _texts(given):
    names = {"folder": "folder_name", "summary": "summary", "tags": "tags"}
    return {name: given[key] for key, name in names.items() if given.get(key)}
