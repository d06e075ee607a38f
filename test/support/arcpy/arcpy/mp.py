"""arcpy.mp: projects, maps and layers, read from CIM members in JSON."""

import json
import os
import re
import zipfile

from . import _scenario
from ._drafts import layer_source
from .sharing import MapImageSharingDraft


class ArcGISProject:
    def __init__(self, path):
        _scenario.record("ArcGISProject", path=path)
        _scenario.misbehave("open")
        if not path.lower().endswith(".aprx") or not os.path.isfile(path):
            raise OSError(path)
        self.filePath = path
        try:
            with zipfile.ZipFile(path) as packed:
                names = [each for each in packed.namelist() if each.endswith((".json", ".xml"))]
                self._members = {name: packed.read(name) for name in names}
        except zipfile.BadZipFile as error:
            raise OSError(path) from error
        _refuse_newer(path, re.search(rb"<Version>([^<]+)", self._members.get("DocumentInfo.xml", b"")))
        if not any(name.startswith("GISProject.") for name in self._members):
            raise OSError("%s is no project" % path)

    def listMaps(self, wildcard=None):
        found = []
        for name, content in self._members.items():
            document = _json(content)
            if document and document.get("type") == "CIMMap":
                found.append(Map(self, name, document))
        return [each for each in found if wildcard in (None, "*", each.name)]

    def importDocument(self, document_path, include_layout=True, reuse_existing_maps=False, log_files=True):
        _scenario.record("importDocument", path=document_path)
        if not os.path.isfile(document_path):
            raise OSError(document_path)
        ending = os.path.splitext(document_path)[1].lower()
        if ending == ".mapx":
            with open(document_path, encoding="utf-8") as text:
                document = json.load(text)
            _refuse_newer(document_path, re.match(rb"(.*)", document.get("version", "").encode()))
            self._import_mapx(document)
        elif ending == ".mxd":
            document = {"type": "CIMMap", "name": "Layers", "uRI": "CIMPATH=layers/layers.json", "layers": []}
            self._members["layers/layers.json"] = json.dumps(document).encode()
        else:
            raise ValueError(document_path)

    def _import_mapx(self, document):
        for each in [document["mapDefinition"]] + document.get("layerDefinitions", []) + document.get("tableDefinitions", []):
            self._members[each["uRI"][len("CIMPATH=") :]] = json.dumps(each).encode()

    def saveACopy(self, file_name):
        _scenario.record("saveACopy", path=file_name)
        if os.path.exists(file_name):
            raise OSError("%s is there" % file_name)
        with zipfile.ZipFile(file_name, "w") as packed:
            for name, content in self._members.items():
                packed.writestr(name, content)

    def save(self):
        raise AssertionError("The original is never changed")

    def listBrokenDataSources(self):
        return [each for one in self.listMaps() for each in one.listBrokenDataSources()]

    def updateConnectionProperties(
        self,
        current_connection_info,
        new_connection_info,
        auto_update_joins_and_relates=True,
        validate=True,
        ignore_case=False,
    ):
        """With ``validate`` and a new source that is not valid nothing changes and nothing is raised."""
        _scenario.record("updateConnectionProperties", validate=validate)
        if validate and isinstance(new_connection_info, str) and not os.path.exists(new_connection_info):
            return
        for name, content in self._members.items():
            old, new = str(current_connection_info), str(new_connection_info)
            self._members[name] = content.replace(old.encode(), new.encode())


def _refuse_newer(path, version):
    """Whether every version does is not verified; a strict one does."""
    saved = [int(part) for part in re.findall(rb"\d+", version.group(1))[:2]] if version else []
    ours = [int(part) for part in _scenario.scenario().get("version", "11.5").split(".")[:2]]
    if saved > (ours if ours[0] < 10 else [3, ours[1]]):
        raise OSError(path)


class Map:
    def __init__(self, project, member, definition):
        self._project, self._member, self._definition = project, member, definition
        self.name = definition["name"]

    def listLayers(self, wildcard=None):
        return self._elements(self._definition.get("layers", []), "")

    def listTables(self, wildcard=None):
        return self._elements(self._definition.get("standaloneTables", []), "")

    def _elements(self, uris, above):
        found = []
        for uri in uris:
            content = self._project._members.get(uri[len("CIMPATH=") :])
            definition = _json(content) if content else None
            if not definition:
                continue
            layer = Layer(self._project, definition, above)
            found.append(layer)
            found.extend(self._elements(definition.get("layers", []), layer.longName + "\\"))
        return found

    def listBrokenDataSources(self):
        return [each for each in self.listLayers() + self.listTables() if each.isBroken]

    def getWebLayerSharingDraft(self, server_type, service_type, service_name, layers_and_tables=None):
        _scenario.record("getWebLayerSharingDraft", serverType=server_type, serviceType=service_type)
        if (server_type, service_type) != ("FEDERATED_SERVER", "MAP_IMAGE"):
            raise ValueError("%s, %s" % (server_type, service_type))
        return MapImageSharingDraft(serviceName=service_name, _value=self)


class Layer:
    def __init__(self, project, definition, above):
        self.name = definition["name"]
        self.longName = above + self.name
        self.isGroupLayer = definition.get("type") == "CIMGroupLayer"
        self._source = layer_source(definition, os.path.dirname(project.filePath))

    @property
    def isBroken(self):
        path = (self._source or {}).get("path")
        return bool(path) and not re.match(r"^(?:[A-Za-z]:|\\\\)", path) and not os.path.exists(path)


def _json(content):
    if not content.lstrip().startswith(b"{"):
        return None
    return json.loads(content.decode("utf-8"))
