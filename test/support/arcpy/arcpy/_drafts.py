"""Drafts as files, and the functions of before there were drafts as objects."""

import json
import os
import uuid
from xml.sax.saxutils import escape

from . import _scenario
from ._messages import Result

_CAPABILITIES = {
    "MapServer": "Map,Query,Data",
    "ImageServer": "Image,Metadata,Catalog,Mensuration",
    "GPServer": "",
    "GeocodeServer": "Geocode,ReverseGeocode",
}
_EXTENSIONS = {
    "MapServer": ("FeatureServer", "WMSServer", "WFSServer", "WCSServer", "KmlServer", "NAServer"),
    "ImageServer": ("WCSServer", "WMSServer"),
    "GPServer": ("WPSServer",),
    "GeocodeServer": (),
}


def layer_source(definition, folder):
    connection = definition.get("dataConnection") or (definition.get("featureTable") or {}).get("dataConnection")
    if not connection:
        return None
    text = connection.get("workspaceConnectionString", "")
    source = {"connection": text, "dataset": connection.get("dataset", ""), "factory": connection.get("workspaceFactory", "")}
    if text.startswith("DATABASE=") and source["factory"] != "SDE":
        path = text[len("DATABASE=") :].replace("\\", "/") if not text.startswith("DATABASE=\\\\") else text[9:]
        if not os.path.isabs(path) and ":" not in path and not path.startswith("\\\\"):
            path = os.path.normpath(os.path.join(folder, path))
        source["path"] = path
    return source


def write_draft(path, type_name, name, draft):
    """One line, no byte order mark, the prefixes on the root."""
    assert path.endswith(".sddraft"), path
    if os.path.exists(path):
        raise OSError("%s is there" % path)
    value = getattr(draft, "_value", None)
    sources = _sources(type_name, name, value)
    beside = path + ".sources.json"
    with open(beside, "w", encoding="utf-8") as text:
        json.dump({"layers": sources, "copies": bool(draft.copyDataToServer)}, text)
    lower = type_name in ("ImageServer", "GeocodeServer")
    target = getattr(draft, "offlineTarget", "ENTERPRISE_10x")
    settings = {"SaveToSDFile": "TRUE", "IncludeDataInSDFile": "TRUE" if draft.copyDataToServer else "FALSE"}
    if target == "ENTERPRISE_10x":
        settings.update(ServerRunTimeVersion=209, offlineSDVersion="offlineSDVersion10x")
    if _scenario.scenario().get("secretInDraft"):
        settings["ServerConnectionString"] = _scenario.scenario()["secretInDraft"]
    definition = "".join(
        (
            "<Description>%s</Description>" % escape(str(draft.description)),
            _set("ConfigurationProperties", _configuration(type_name, draft)),
            _set("Info", {("w" if lower else "W") + "ebEnabled": "true", ("w" if lower else "W") + "ebCapabilities": _CAPABILITIES[type_name]}),
            _set("Props", _pool(draft)),
            "<RecyclingInterval>24</RecyclingInterval>",
            "<Extensions xsi:type='typens:ArrayOfSVCExtension'>%s</Extensions>"
            % "".join(_extension(each, draft) for each in _EXTENSIONS[type_name]),
        )
    )
    kind = "Replacement" if draft.overwriteExistingService else "New"
    texts = {
        "ID": uuid.uuid4(),
        "Name": name,
        "OnPremisePath": os.path.dirname(path),
        "StagingPath": "",
        "ByReference": "false" if draft.copyDataToServer else "true",
        "Type": "esriServiceDefinitionType_" + kind,
        "State": "esriSDState_Draft",
        "ServerType": "esriSVCServerType_FullServer",
        "DataFolder": "",
    }
    resource = "<SVCResource xsi:type='typens:SVCResource'><ID>%s</ID><Name>%s</Name><OnPremisePath>%s</OnPremisePath></SVCResource>" % (
        uuid.uuid4(), escape(name), escape(beside))
    xml = "".join(
        (
            "<SVCManifest xsi:type='typens:SVCManifest' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' ",
            "xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:typens='http://www.esri.com/schemas/ArcGIS/3.0.0'>",
            "<Databases xsi:type='typens:ArrayOfSVCDatabase'></Databases>",
            "<Resources xsi:type='typens:ArrayOfSVCResource'>%s</Resources>" % resource,
            *("<%s>%s</%s>" % (key, escape(str(text)), key) for key, text in texts.items()),
            _set("StagingSettings", settings),
            "<KeepExistingData>false</KeepExistingData><KeepExistingMapCache>false</KeepExistingMapCache>",
            "<ClientHostName>WORKSTATION</ClientHostName><OnServerName></OnServerName>",
            "<Configurations xsi:type='typens:ArrayOfSVCConfiguration'><SVCConfiguration xsi:type='typens:SVCConfiguration'>",
            "<ID>%s</ID><Name>%s</Name><TypeName>%s</TypeName><ResourceID></ResourceID>" % (uuid.uuid4(), escape(name), type_name),
            "<ServiceFolder>%s</ServiceFolder><DataFolder></DataFolder>" % escape(draft.serverFolder or ""),
            "<Definition xsi:type='typens:SVCConfigurationDefinition'>%s</Definition><Cluster>default</Cluster>" % definition,
            "</SVCConfiguration></Configurations>",
            "<ItemInfo xsi:type='typens:ItemInfo'><Name>%s</Name><Title>%s</Title>" % (escape(name), escape(name)),
            "<Description>%s</Description>" % escape(str(draft.description)),
            "<Tags xsi:type='typens:ArrayOfString'>%s</Tags>"
            % "".join("<String>%s</String>" % escape(tag.strip()) for tag in str(draft.tags).split(",") if tag.strip()),
            "<Snippet>%s</Snippet></ItemInfo></SVCManifest>" % escape(str(draft.summary)),
        )
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(xml)


def _sources(type_name, name, value):
    if type_name == "MapServer":
        layers = value.listLayers() + value.listTables()
        return [
            {"name": each.longName, "isGroup": each.isGroupLayer, "source": each._source, "isBroken": each.isBroken}
            for each in layers
        ]
    if type_name == "ImageServer":
        return [{"name": name, "source": {"path": value, "connection": "DATABASE=" + os.path.dirname(value), "dataset": os.path.basename(value), "factory": "Raster"}}]
    if type_name == "GPServer":
        tools = [value] if isinstance(value, (Result, str)) else list(value)
        return [{"name": name, "isTask": True, "source": None} for _ in tools]
    return [{"name": name, "source": None}]


def _configuration(type_name, draft):
    if type_name == "MapServer":
        return {"FilePath": "", "maxRecordCount": draft.maxRecordCount, "enableDynamicLayers": getattr(draft, "enableDynamicWorkspaces", False), "MaxImageHeight": 4096, "MaxImageWidth": 4096, "isCached": False, "schemaLockingEnabled": True}
    if type_name == "ImageServer":
        return {"path": "", "maxRecordCount": getattr(draft, "maxRecordCount", 1000), "maxImageHeight": 4100}
    if type_name == "GPServer":
        names = "executionType maximumRecords minInstances maxInstances".split()
        return {"toolbox": "", **{each: getattr(draft, each) for each in names}}
    return {"locator": "", "suggestedBatchSize": draft.suggestedBatchSize, "maxBatchSize": 1000}


def _pool(draft):
    pooling = getattr(draft, "pooling", None)
    least = pooling.minInstances if pooling else getattr(draft, "minInstances", 1)
    most = pooling.maxInstances if pooling else getattr(draft, "maxInstances", 2)
    return {"IsRunning": True, "MinInstances": least, "MaxInstances": most, "InstancesPerContainer": 1, "WaitTimeout": 60, "IdleTimeout": 1800, "UsageTimeout": 600, "StartupTimeout": 300, "keepAliveInterval": 1800, "Isolation": "HIGH", "configuredState": "STARTED", "provider": "ArcObjects11"}


def _extension(name, draft):
    feature = getattr(getattr(draft, "extension", None), "feature", None)
    is_on = name == "FeatureServer" and bool(feature and feature.isEnabled)
    capabilities = feature.featureCapabilities if is_on else ("Query" if name == "FeatureServer" else "")
    return "<SVCExtension xsi:type='typens:SVCExtension'><Enabled>%s</Enabled>%s%s<TypeName>%s</TypeName></SVCExtension>" % (
        str(is_on).lower(),
        _set("Info", {"WebEnabled": "true", "WebCapabilities": capabilities}),
        _set("Props", {}),
        name,
    )


def _set(name, properties):
    items = []
    for key, value in properties.items():
        kind = "boolean" if isinstance(value, bool) else "int" if isinstance(value, int) else "string"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        items.append(
            "<PropertySetProperty xsi:type='typens:PropertySetProperty'><Key>%s</Key><Value xsi:type='xs:%s'>%s</Value></PropertySetProperty>"
            % (key, kind, escape(text))
        )
    return "<%s xsi:type='typens:PropertySet'><PropertyArray xsi:type='typens:ArrayOfPropertySetProperty'>%s</PropertyArray></%s>" % (
        name, "".join(items), name)


class _Legacy:
    """The same members as a draft object, for the writer."""

    description = credits = ""

    def __init__(self, value, copies, folder, summary, tags, **more):
        self._value, self.copyDataToServer = value, copies
        self.serverFolder, self.summary, self.tags = folder or "", summary or "", tags or ""
        self.overwriteExistingService = False
        self.__dict__.update(more)


def _analysis():
    plan = _scenario.scenario().get("analysis", {})
    return {
        group: {(text, code): (None if layers is None else [_Named(each) for each in layers]) for text, code, layers in plan.get(group, [])}
        for group in ("messages", "warnings", "errors")
    }


class _Named:
    def __init__(self, name):
        self.longName = name


def CreateImageSDDraft(
    raster_or_mosaic_layer,
    out_sddraft,
    service_name,
    server_type="ARCGIS_SERVER",
    connection_file_path="",
    copy_data_to_server=False,
    folder_name=None,
    summary=None,
    tags=None,
):
    _scenario.record("CreateImageSDDraft", copies=copy_data_to_server, connection=connection_file_path)
    draft = _Legacy(raster_or_mosaic_layer, copy_data_to_server, folder_name, summary, tags)
    write_draft(out_sddraft, "ImageServer", service_name, draft)
    return _analysis()


def CreateGPSDDraft(
    result,
    out_sddraft,
    service_name,
    server_type="ARCGIS_SERVER",
    connection_file_path="",
    copy_data_to_server=True,
    folder_name=None,
    summary=None,
    tags=None,
    executionType="Asynchronous",
    resultMapServer=False,
    showMessages="None",
    maximumRecords=1000,
    minInstances=1,
    maxInstances=2,
    maxUsageTime=600,
    maxWaitTime=60,
    maxIdleTime=1800,
    capabilities=None,
    constantValues=None,
    choiceLists=None,
):
    _scenario.record("CreateGPSDDraft", copies=copy_data_to_server, result=str(result))
    if isinstance(result, str) and not os.path.isfile(result):
        raise ValueError(result)
    given = dict(executionType=executionType, maximumRecords=maximumRecords, minInstances=minInstances, maxInstances=maxInstances)
    draft = _Legacy(result, copy_data_to_server, folder_name, summary, tags, **given)
    write_draft(out_sddraft, "GPServer", service_name, draft)
    return _analysis()


def CreateGeocodeSDDraft(
    loc_path,
    out_sddraft,
    service_name,
    server_type="ARCGIS_SERVER",
    connection_file_path=None,
    copy_data_to_server=False,
    folder_name=None,
    summary=None,
    tags=None,
    max_result_size=500,
    max_batch_size=1000,
    suggested_batch_size=1000,
    supported_operations=("GEOCODE", "REVERSE_GEOCODE", "SUGGEST"),
    overwrite_existing_service=False,
):
    _scenario.record("CreateGeocodeSDDraft", copies=copy_data_to_server, operations=supported_operations)
    whole = loc_path if loc_path.endswith(".loc") else loc_path + ".loc"
    if not os.path.isfile(whole) or not os.path.isfile(whole[:-4] + ".loz"):
        raise RuntimeError("%s: a locator needs its .loc and its .loz" % loc_path)
    more = dict(suggestedBatchSize=suggested_batch_size, overwriteExistingService=overwrite_existing_service)
    draft = _Legacy(loc_path, copy_data_to_server, folder_name, summary, tags, **more)
    write_draft(out_sddraft, "GeocodeServer", service_name, draft)
    return _analysis()
