"""A stand-in for ArcPy; see README.md above this package."""

import os as _os
import sys as _sys

from . import _scenario
from ._messages import (
    ExecuteError,
    GetMaxSeverity,
    GetMessage,
    GetMessageCount,
    GetMessages,
    GetSeverity,
    Result,
)

_scenario.record("import", cwd=_os.getcwd(), environment=sorted(_os.environ), path=_sys.path)
_scenario.misbehave("import")

from . import mp, server, sharing  # noqa: E402
from ._drafts import CreateGeocodeSDDraft, CreateGPSDDraft, CreateImageSDDraft  # noqa: E402
from ._tools import ImportToolbox, analysis, management  # noqa: E402

if not _scenario.scenario().get("hasLegacyImageDrafts", True):
    del CreateImageSDDraft


class _Environment:
    overwriteOutput = False
    workspace = scratchWorkspace = packageWorkspace = None

    @property
    def scratchFolder(self):
        return self.scratchWorkspace

    def __setattr__(self, name, value):
        if not hasattr(type(self), name) or name == "scratchFolder":
            _scenario.record("wrongEnvironment", name=name)
            raise AttributeError("Environment %s cannot be set" % name)
        object.__setattr__(self, name, value)


env = _Environment()


def ResetEnvironments():
    _scenario.record("ResetEnvironments")


def GetInstallInfo(install_name=None):
    return {
        "ProductName": _scenario.scenario().get("productName", "Server"),
        "Version": _scenario.scenario().get("version", "11.5"),
        "BuildNumber": "57366",
        "InstallDir": _scenario.scenario().get("installFolder", "/opt/arcgis/server/"),
        "LicenseLevel": "Advanced",
    }


def ProductInfo():
    return _scenario.scenario().get("productInfo", "ArcServer")


def _extensions():
    return _scenario.scenario().get("extensions", {"Spatial": "Available", "Network": "NotLicensed"})


_taken = set()


def CheckExtension(extension_code):
    if not isinstance(extension_code, str):
        raise ValueError("extension_code")
    return _extensions().get(extension_code, "Unavailable")


def CheckOutExtension(extension_code):
    _scenario.record("CheckOutExtension", extension=extension_code)
    if CheckExtension(extension_code) != "Available":
        return CheckExtension(extension_code)
    _taken.add(extension_code)
    return "CheckedOut"


def CheckInExtension(extension_code):
    _scenario.record("CheckInExtension", extension=extension_code)
    _taken.discard(extension_code)
    return "CheckedIn"


def Exists(dataset):
    return _os.path.exists(dataset)


class _Description:
    def __init__(self, path):
        self.path = path
        self.dataType = "MosaicDataset" if "mosaic" in path.lower() else "RasterDataset"


def Describe(value):
    if not Exists(value):
        raise OSError('"%s" does not exist' % value)
    return _Description(value)


def AddDataStoreItem(*_args, **_kwargs):
    raise AssertionError("Pressroom registers data stores over REST")


ListDataStoreItems = ValidateDataStoreItem = RemoveDataStoreItem = SignInToPortal = AddDataStoreItem
