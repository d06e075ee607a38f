"""Toolboxes, and two system tools."""

import json
import os
import types
import zipfile

from . import _scenario
from ._messages import Result, ran


def ImportToolbox(input_file, module_name=None):
    _scenario.record("ImportToolbox", path=input_file)
    if not os.path.isfile(input_file):
        raise OSError("Toolbox %s" % input_file)
    toolbox = types.ModuleType(module_name or "toolbox")
    for name in _names_in(input_file):
        setattr(toolbox, name, _tool(name))
    return toolbox


def _names_in(path):
    if path.endswith(".pyt"):
        space = {}
        with open(path, encoding="utf-8") as text:
            exec(compile(text.read(), path, "exec"), space)
        return [each.__name__ for each in space["Toolbox"]().tools]
    try:
        with zipfile.ZipFile(path) as packed:
            return json.loads(packed.read("toolbox.content"))["toolsets"]["<root>"]["tools"]
    except zipfile.BadZipFile as error:
        raise OSError("Toolbox %s" % path) from error


def _tool(name):
    def run(in_features=None, out_features=None, distance="1 Meters"):
        _scenario.record(name, inputs={"in_features": in_features, "out_features": out_features, "distance": distance})
        _scenario.misbehave("tool")
        if not in_features:
            ran([(0, "Executing: " + name), (2, "ERROR 000735: in_features: Value is required")])
        if out_features:
            with open(out_features, "w", encoding="utf-8") as file:
                file.write("made by %s of %s" % (name, distance))
        ran([(0, "Executing: " + name), (1, "WARNING 000117: Empty output"), (0, "Succeeded")])
        return Result([out_features or "memory"], [(0, "Executing: " + name), (1, "WARNING 000117: Empty output")])

    run.__name__ = name
    return run


analysis = types.SimpleNamespace(Buffer=_tool("Buffer"))


def _many(in_features, out_features):
    _scenario.record("ExportMany", inputs={"in_features": in_features, "out_features": out_features})
    os.makedirs(out_features)
    for name in ("a00000001.gdbtable", "a00000001.gdbtablx", "x.sr.lock"):
        with open(os.path.join(out_features, name), "w", encoding="utf-8") as file:
            file.write(name)
    return Result([out_features])


management = types.SimpleNamespace(
    ExportMany=_many, AnalyzeMosaicDataset=lambda in_mosaic_dataset: Result([in_mosaic_dataset])
)
