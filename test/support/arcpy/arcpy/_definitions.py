"""A draft as staging reads it, and the definition that comes of it."""

import io
import json
import os
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from xml.sax.saxutils import escape

from . import _scenario
from ._seven_zip import write_seven_zip

_FACTORIES = {
    "SDE": "esriDataSourcesGDB.SdeWorkspaceFactory",
    "Raster": "esriDataSourcesRaster.RasterWorkspaceFactory",
    "Shapefile": "esriDataSourcesFile.ShapefileWorkspaceFactory",
}
_FILE_GDB = "esriDataSourcesGDB.FileGDBWorkspaceFactory"


def read_draft(path):
    with open(path, encoding="utf-8") as text:
        xml = text.read()
    refused = None
    for prefix in ("xmlns:typens=", "xmlns:xs=", "xsi:type='typens:SVCManifest'"):
        if prefix not in xml:
            refused = "ERROR 999999: the draft lost %s" % prefix
    root = ElementTree.fromstring(xml)
    service = root.find("Configurations/SVCConfiguration")
    if root.findtext("Name") != service.findtext("Name"):
        refused = "ERROR 999999: the draft has two names"
    with open(root.findtext("Resources/SVCResource/OnPremisePath"), encoding="utf-8") as text:
        beside = json.load(text)
    registered = [each.lower() for each in _scenario.scenario().get("registered", [])]
    copies_unknown = _scenario.scenario().get("offlineCopies", False)
    layers, findings, broken = [], [], []
    for layer in beside["layers"]:
        source = layer.get("source")
        is_known = bool(source) and any(_below(source, each) for each in registered)
        is_copied = bool(source) and (beside["copies"] or (copies_unknown and not is_known))
        layers.append({**layer, "isCopied": is_copied})
        if source and not is_known:
            findings.append(
                {"code": "24011", "message": "Layer's data source is not registered with the server", "object": layer["name"]}
            )
        if layer.get("isBroken"):
            broken.append({"code": "00003", "message": "Layer's data source is inaccessible", "object": layer["name"]})
    if service.findtext("TypeName") == "MapServer" and not layers:
        broken.append({"code": "00001", "message": "Map does not contain layers", "object": "Map"})
    messages = []
    if findings:
        messages.append((1, "WARNING 002893: Analyzer warnings were encountered (%s)." % json.dumps(findings)))
    if broken:
        messages.append((2, "ERROR 001272: Analyzer errors were encountered (%s)." % json.dumps(broken)))
    return {"xml": xml, "root": root, "service": service, "layers": layers, "messages": messages, "refused": refused}


def _below(source, root):
    return source.get("path", source["connection"]).replace("\\", "/").lower().startswith(root.replace("\\", "/"))


def write_definition(target, draft):
    service = draft["service"]
    name = service.findtext("Name")
    members = {
        "manifest.xml": _manifest(draft),
        "serviceconfiguration.json": json.dumps(_configuration(service)),
        "esriinfo/iteminfo.xml": "<ESRI_ItemInformation><name>%s</name></ESRI_ItemInformation>" % escape(name),
    }
    if service.findtext("TypeName") == "MapServer":
        members["p30/%s.msd" % name] = _map_document(draft["layers"])
    if service.findtext("TypeName") == "GPServer":
        members["p30/%s.tbx" % name] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        members["p30/%s.rltx" % name] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        members["p30/%s.atbx" % name] = _toolbox([each["name"] for each in draft["layers"]])
    for layer in draft["layers"]:
        if layer["isCopied"]:
            members["p30/%s/a00000001.gdbtable" % _package_name(layer)] = "x"
    write_seven_zip(target, members)


def _toolbox(tools):
    """A toolbox whose tools can be read; that a real definition has one in this place is not verified."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("toolbox.content", json.dumps({"version": "1.0", "toolsets": {"<root>": {"tools": tools}}}))
    return packed.getvalue()


def _manifest(draft):
    """The draft without its configurations, staged, and with the databases filled in."""
    xml = re.sub(r"<Configurations .*?</Configurations>", "", draft["xml"])
    xml = re.sub(r"<ItemInfo .*?</ItemInfo>", "", xml)
    xml = xml.replace("esriSDState_Draft", "esriSDState_Staged")
    databases = "".join(_database(each) for each in draft["layers"] if each.get("source"))
    return xml.replace(
        "<Databases xsi:type='typens:ArrayOfSVCDatabase'></Databases>",
        "<Databases xsi:type='typens:ArrayOfSVCDatabase'>%s</Databases>" % databases,
    )


def _package_name(layer):
    path = layer["source"].get("path", "database.gdb").replace("\\", "/")
    return os.path.basename(path).lower() or "data.gdb"


def _database(layer):
    source, is_copied = layer["source"], layer["isCopied"]
    place = "p30\\" + _package_name(layer) if is_copied else ""
    connection = source["connection"] if "path" not in source else "DATABASE=" + source["path"]
    factory = _FACTORIES.get(source["factory"], _FILE_GDB)
    dataset = "<SVCDataset xsi:type='typens:SVCDataset'><ID></ID><Name>%s</Name><OnPremisePath></OnPremisePath><ServerPath></ServerPath><InPackagePath>%s</InPackagePath><OnServerName>%s</OnServerName><DatasetType>esriDTFeatureClass</DatasetType></SVCDataset>" % (
        escape(source["dataset"]), escape(place and place + "\\" + source["dataset"]), escape(source["dataset"]))
    texts = (
        ("Name", _package_name(layer)),
        ("InPackagePath", place),
        ("OnPremiseWorkspaceFactoryProgID", factory),
        ("OnPremiseConnectionString", connection),
    )
    rest = (("ByReference", str(not is_copied).lower()), ("OnServerWorkspaceFactoryProgID", factory), ("OnServerConnectionString", connection), ("OnServerName", _package_name(layer)))
    return "<SVCDatabase xsi:type='typens:SVCDatabase'>%s<Datasets xsi:type='typens:ArrayOfSVCDataset'>%s</Datasets>%s</SVCDatabase>" % (
        _elements(texts), dataset, _elements(rest))


def _elements(texts):
    return "".join("<%s>%s</%s>" % (key, escape(text), key) for key, text in texts)


def _configuration(service):
    definition = service.find("Definition")
    pool = _properties(definition.find("Props"))
    extensions = []
    for each in definition.findall("Extensions/SVCExtension"):
        info = _properties(each.find("Info"))
        extensions.append(
            {
                "enabled": each.findtext("Enabled"),
                "typeName": each.findtext("TypeName"),
                "capabilities": info.get("webcapabilities", ""),
                "properties": {},
            }
        )
    properties = _properties(definition.find("ConfigurationProperties"), keep_case=True)
    return {
        "folderName": service.findtext("ServiceFolder") or "",
        "service": {
            "serviceName": service.findtext("Name"),
            "type": service.findtext("TypeName"),
            "description": definition.findtext("Description") or "",
            "capabilities": _properties(definition.find("Info")).get("webcapabilities", ""),
            "properties": {key[0].lower() + key[1:]: text for key, text in properties.items()},
            "clusterName": "default",
            "maxIdleTime": int(pool["idletimeout"]),
            "maxWaitTime": int(pool["waittimeout"]),
            "maxUsageTime": int(pool["usagetimeout"]),
            "maxStartupTime": int(pool["startuptimeout"]),
            "isolationLevel": "HIGH",
            "loadBalancing": "ROUND_ROBIN",
            "configuredState": pool["configuredstate"],
            "minInstancesPerNode": int(pool["mininstances"]),
            "maxInstancesPerNode": int(pool["maxinstances"]),
            "instancesPerContainer": 1,
            "keepAliveInterval": 1800,
            "extensions": extensions,
            "provider": pool["provider"],
        },
    }


def _properties(found, keep_case=False):
    pairs = {}
    for each in found.findall("PropertyArray/PropertySetProperty"):
        key = each.findtext("Key")
        pairs[key if keep_case else key.lower()] = each.findtext("Value") or ""
    return pairs


def _map_document(layers):
    """A ZIP of CIM members, as an .msd is."""
    head = "<%s xsi:type='typens:%s' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:typens='http://www.esri.com/schemas/ArcGIS/3.0.0'>"
    members, uris = {}, []
    for index, layer in enumerate(each for each in layers if not each.get("isGroup")):
        uri = "CIMPATH=map/layer%d.xml" % index
        uris.append("<String>%s</String>" % uri)
        name = layer["name"].rpartition("\\")[2]
        members[uri[8:]] = head % ("CIMFeatureLayer", "CIMFeatureLayer") + "<Name>%s</Name><URI>%s</URI></CIMFeatureLayer>" % (escape(name), uri)
    members["map/map.xml"] = (
        head % ("CIMMap", "CIMMap")
        + "<Name>Map</Name><URI>CIMPATH=map/map.xml</URI><Layers xsi:type='typens:ArrayOfString'>%s</Layers></CIMMap>" % "".join(uris)
    )
    members["DocumentInfo.xml"] = head % ("CIMDocumentInfo", "CIMDocumentInfo") + "<Version>3.0.0</Version></CIMDocumentInfo>"
    members["GISProject.xml"] = head % ("CIMGISProject", "CIMGISProject") + "</CIMGISProject>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)
    return packed.getvalue()
