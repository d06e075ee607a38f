"""arcpy.sharing: drafts as objects."""

import re

from . import _scenario
from ._drafts import write_draft
from ._messages import Result
from ._strict import Strict, strict

_version = tuple(int(part) for part in _scenario.scenario().get("version", "11.5").split(".")[:2])
_pro = _version if _version[0] < 10 else (3, _version[1])

_Pooling = strict("Pooling", type="dedicated", minInstances=1, maxInstances=2)
_Cache = strict(
    "Cache",
    configuration="",
    cacheOnDemand=False,
    exportTiles=False,
    exportTilesCount=100000,
    useExistingCache=False,
)
_ZDefault = strict("ZDefault", enable=False, value=0)
_Feature = strict(
    "Feature",
    isEnabled=False,
    featureCapabilities="",
    allowTrueCurvesUpdates=True,
    onlyAllowTrueCurveUpdatesByTrueCurveClients=True,
    allowUpdateWithoutMValues=False,
    zDefault=_ZDefault,
)
_Extension = strict("Extension", feature=_Feature)
_Timezone = strict(
    "Timezone",
    ID="",
    DaylightSavingTime=False,
    preferredTimezoneID="",
    preferredTimezoneIDDaylightSavingTime=False,
)
_Sharing = strict("Sharing", sharingLevel="OWNER", groups="")

_base = dict(
    overwriteExistingService=False,
    summary="",
    tags="",
    description="",
    credits="",
    useLimitations="",
    offline=False,
    serverFolder="",
    copyDataToServer=False,
)
# Not among the documented properties of ImageSharingDraft.
_target = dict(offlineTarget="ENTERPRISE_10x")
_newer = dict(pooling=_Pooling, cache=_Cache, timezone=_Timezone, extension=_Extension)
_newer.update(enableCache=False, enableDynamicWorkspaces=False, mapOperations="")


class _Draft(Strict):
    _type_name = ""

    def exportToSDDraft(self, out_sddraft):
        _scenario.record("exportToSDDraft", draft=type(self).__name__, properties=_shown(self))
        _scenario.misbehave("draft")
        if not self.offline and not getattr(self, "targetServer", None):
            raise RuntimeError("targetServer is needed where offline is False")
        if getattr(self, "offlineTarget", "ENTERPRISE_11") not in ("ENTERPRISE_10x", "ENTERPRISE_11"):
            raise ValueError("offlineTarget")
        write_draft(out_sddraft, self._type_name, self.serviceName, self)
        return Result([out_sddraft])


def _shown(draft):
    shown = {}
    for name, value in vars(draft).items():
        if not name.startswith("_"):
            shown[name] = _shown(value) if isinstance(value, Strict) else value
    return shown


class MapServiceDraft(_Draft):
    _type_name = "MapServer"
    _read_only = ("serverType", "serviceType")
    _defaults = {
        **_base,
        **_target,
        **(_newer if _pro >= (3, 4) else {}),
        "targetServer": None,
        "serverType": "STANDALONE_SERVER",
        "serviceType": "MAP_SERVICE",
        "checkUniqueIDAssignment": False,
        "maxRecordCount": 2000,
    }


class MapImageSharingDraft(_Draft):
    _type_name = "MapServer"
    _defaults = {
        **_base,
        **_target,
        **(_newer if _pro >= (3, 4) else {}),
        "sharing": _Sharing,
        "portalFolder": "",
        "federatedServerUrl": "",
        "useCIMSymbols": False,
        "checkUniqueIDAssignment": False,
        "maxRecordCount": 2000,
    }


class GeoprocessingSharingDraft(_Draft):
    _type_name = "GPServer"
    _defaults = {
        **_base,
        **_target,
        "targetServer": None,
        "portalFolder": "",
        "executionType": "Asynchronous",
        "resultMapService": False,
        "enableOutputFeatureService": False,
        "enableOutputImageService": False,
        "convertFeatureLayerURL": False,
        "removeDefaultValues": False,
        "messageLevel": "None",
        "maximumRecords": 1000,
        "minInstances": 1,
        "maxInstances": 2,
        "maxUsageTime": 600,
        "maxWaitTime": 60,
        "maxIdleTime": 1800,
        "capabilities": "None",
        **({"GPStringValues": "", "sharing": _Sharing} if _pro >= (3, 4) else {}),
        "constantValues": list,
        "choiceLists": dict,
    }


_image = dict.fromkeys(
    "maxImageWidth maxImageHeight maxSampleCount maxMosaicImageCount maxDownloadImageCount "
    "maxDownloadSizeLimit defaultCompressionQuality defaultCompressionTolerance minScale maxScale "
    "cacheControlMaxAge".split(),
    0,
)
_image.update(
    dict.fromkeys(
        "defaultResamplingMethod allowedTemplates defaultTemplate allowedCompressions "
        "allowedMensurationCapabilities downloadDirectory virtualDownloadDirectory allowedFields "
        "allowedMosaicMethods allowedItemMetadata referenceImage sortField sortValue capabilities".split(),
        "",
    )
)
_image.update(DEM=None)
_image.update(
    dict.fromkeys(
        "allowFunction allowCopy allowAnalysis colormapToRGB returnJPGPNGAsJPG hasLiveData enableCache".split(),
        False,
    )
)

if _pro >= (3, 5):

    class ImageSharingDraft(_Draft):
        _type_name = "ImageServer"
        _defaults = {
            **_base,
            **_image,
            "maxRecordCount": 1000,
            "targetServer": None,
            "portalFolder": "",
            "sharing": _Sharing,
            "pooling": _Pooling,
            "cache": _Cache,
            "extension": _Extension,
        }


def CreateSharingDraft(server_type, service_type, service_name, draft_value):
    _scenario.record("CreateSharingDraft", serverType=server_type, serviceType=service_type, name=service_name)
    kinds = {
        ("STANDALONE_SERVER", "MAP_SERVICE"): MapServiceDraft,
        ("STANDALONE_SERVER", "GP_SERVICE"): GeoprocessingSharingDraft,
        ("FEDERATED_SERVER", "WEB_TOOL"): GeoprocessingSharingDraft,
    }
    if _pro >= (3, 5):
        kinds["STANDALONE_SERVER", "IMAGE_SERVICE"] = ImageSharingDraft
        kinds["FEDERATED_SERVER", "WEB_IMAGERY_LAYER"] = ImageSharingDraft
    if (server_type, service_type) not in kinds:
        raise ValueError("%s, %s" % (server_type, service_type))
    if not re.fullmatch(r"[^\W]\w{0,119}", service_name):
        raise ValueError("service_name")
    if service_type in ("GP_SERVICE", "WEB_TOOL"):
        values = draft_value if isinstance(draft_value, list) else [draft_value]
        if not values or not all(isinstance(each, Result) for each in values):
            raise TypeError("draft_value: results are wanted")
    if service_type == "MAP_SERVICE" and type(draft_value).__name__ != "Map":
        raise TypeError("draft_value: a map is wanted")
    return kinds[server_type, service_type](serviceName=service_name, _value=draft_value)
