"""What this ArcPy is, and what it can do."""

import glob
import importlib.metadata
import json
import os
import re
import site
import sys

from .faults import Fault

_EXTENSIONS = (
    "Spatial",
    "3D",
    "Network",
    "ImageAnalyst",
    "GeoStats",
    "DataInteroperability",
    "Foundation",
    "LocationReferencing",
)
#: 10.5 and 10.6 have their version in the name.
_PACKAGES = re.compile(r"^(arcgis-server(-[\d.]+)?-py3|arcpy|arcpy-base|arcpy-server)$")


def probe(job, _arguments):
    job.progress("import", "Importing arcpy")
    arcpy = job.arcpy
    license_level = str(arcpy.ProductInfo())
    if license_level == "NotInitialized":
        raise Fault("not_licensed", "ArcPy is there and not licensed: ProductInfo says NotInitialized")
    info = {str(key): str(value) for key, value in dict(arcpy.GetInstallInfo()).items()}
    sharing = job.part("sharing")
    return {
        "product": _product(info, license_level),
        "productName": info.get("ProductName", ""),
        "version": info.get("Version", ""),
        "build": info.get("BuildNumber", ""),
        "installFolder": info.get("InstallDir", ""),
        "license": license_level,
        "extensions": _extensions(arcpy),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable,
        "platform": sys.platform,
        "packages": _packages(),
        "conflicts": _conflicts(arcpy),
        "features": {
            "sharingDrafts": hasattr(sharing, "CreateSharingDraft"),
            "imageDrafts": hasattr(sharing, "ImageSharingDraft"),
            "legacyImageDrafts": hasattr(arcpy, "CreateImageSDDraft"),
            "legacyGeoprocessingDrafts": hasattr(arcpy, "CreateGPSDDraft"),
            "geocodeDrafts": hasattr(arcpy, "CreateGeocodeSDDraft"),
        },
        "blankProject": _blank_project(info.get("InstallDir", "")),
    }


def _product(info, license_level):
    text = (info.get("ProductName", "") + " " + license_level).lower()
    return "server" if "server" in text else "pro"


def _extensions(arcpy):
    found = {}
    for name in _EXTENSIONS:
        try:
            found[name] = str(arcpy.CheckExtension(name))
        except Exception:  # one that this version does not know
            continue
    return found


def _packages():
    """Packages of conda that have ArcPy in them, by name; the version of one has to be that of the server."""
    found = {}
    for file in glob.glob(os.path.join(sys.prefix, "conda-meta", "*.json")):
        try:
            with open(file, encoding="utf-8") as text:
                described = json.load(text)
        except (OSError, ValueError):
            continue
        name = str(described.get("name", ""))
        if _PACKAGES.match(name):
            found[name] = str(described.get("version", ""))
    return found


def _conflicts(arcpy):
    """What is known to lead ArcPy astray."""
    found = []
    for name in ("PYTHONPATH", "PYTHONHOME"):
        if os.environ.get(name):
            found.append("%s is set: packages from there come before those of ArcGIS" % name)
    place = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    if place and os.path.isdir(place) and os.listdir(place):
        found.append("Packages of this account come before those of ArcGIS: %s" % place)
    versions = {}
    for package in importlib.metadata.distributions():
        name = (package.metadata["Name"] or "").lower().replace("_", "-")
        if name:
            versions.setdefault(name, set()).add(package.version)
    for name, several in sorted(versions.items()):
        if len(several) > 1:
            found.append("%s is there in several versions: %s" % (name, ", ".join(sorted(several))))
    try:
        importlib.import_module("numpy")
    except ModuleNotFoundError:
        pass
    except Exception as error:
        found.append("numpy, which ArcPy uses, cannot be imported: %s" % error)
    return found[:50]


def _blank_project(install_folder):
    """Installations have an empty project for services of their own; that each version does is not verified."""
    if not install_folder:
        return None
    path = os.path.join(
        install_folder,
        *("Resources/ArcToolBox/Services/routingservices/data/Blank.aprx".split("/")),
    )
    return path if os.path.isfile(path) else None
