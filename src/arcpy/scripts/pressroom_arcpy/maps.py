"""Maps: opened, imported where they are no project, checked for broken sources and drafted."""

import os

from . import drafts, findings
from .faults import Fault, refusal


def import_map(job, arguments):
    """A map file or a map of ArcMap becomes a project: ArcPy opens nothing else."""
    job.progress("import", "Importing %s" % os.path.basename(arguments["document"]))
    project = _open_project(job, arguments["blankProject"])
    document = job.path(arguments["document"])
    if not hasattr(project, "importDocument"):
        raise Fault("unsupported", "This ArcPy cannot import documents")
    try:
        project.importDocument(document)
    except (OSError, RuntimeError, ValueError) as error:
        raise refusal(error, "ArcPy cannot import the document") from error
    target = job.path(arguments["project"])
    project.saveACopy(target)
    return {"maps": [each.name for each in project.listMaps()]}


def draft_map(job, arguments):
    job.progress("open", "Opening the map")
    project = _open_project(job, arguments["project"])
    chosen = _choose(project, arguments.get("map"))
    broken = [
        findings.finding(
            "error", "00003", "The data source cannot be reached", findings.name_of(each)
        )
        for each in chosen.listBrokenDataSources()
    ]
    job.progress("draft", "Drafting %s" % arguments["serviceName"])
    draft = drafts.created(lambda: _create(job, chosen, arguments), "the map")
    missing = drafts.apply(draft, arguments["settings"])
    path = job.path(arguments["draft"])
    drafts.export(draft, path)
    return drafts.drafted(broken, missing, map=chosen.name)


def _open_project(job, path):
    try:
        return job.part("mp").ArcGISProject(job.path(path))
    except (OSError, RuntimeError, ValueError) as error:
        raise refusal(error, "ArcPy cannot open the project") from error


def _choose(project, wanted):
    maps = list(project.listMaps())
    names = [each.name for each in maps]
    if wanted is None:
        if len(maps) == 1:
            return maps[0]
        if not maps:
            raise Fault("bad_input", "The document has no map", input="map", maps=[])
        text = "The document has %d maps; say which one: %s" % (len(maps), ", ".join(names))
        raise Fault("bad_input", text, input="map", maps=names)
    found = [each for each in maps if each.name == wanted]
    if len(found) == 1:
        return found[0]
    which = "several maps" if found else "no map"
    text = "The document has %s called %r; there are: %s" % (which, wanted, ", ".join(names))
    raise Fault("bad_input", text, input="map", maps=names)


def _create(job, chosen, arguments):
    name, layers = arguments["serviceName"], arguments.get("layers")
    sharing = job.part("sharing")
    if arguments["serverType"] == "FEDERATED_SERVER":
        if not layers:
            return chosen.getWebLayerSharingDraft("FEDERATED_SERVER", "MAP_IMAGE", name)
        return chosen.getWebLayerSharingDraft(
            "FEDERATED_SERVER", "MAP_IMAGE", name, _layers(chosen, layers)
        )
    if sharing is None or not hasattr(sharing, "CreateSharingDraft"):
        raise Fault("unsupported", "This ArcPy has no CreateSharingDraft")
    return sharing.CreateSharingDraft("STANDALONE_SERVER", "MAP_SERVICE", name, chosen)


def _layers(chosen, names):
    there = list(chosen.listLayers()) + list(chosen.listTables())
    found = [each for each in there if findings.name_of(each) in names or each.name in names]
    known = {findings.name_of(each) for each in found} | {each.name for each in found}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Fault("bad_input", "The map has no layer %s" % ", ".join(unknown), input="layers")
    return found
