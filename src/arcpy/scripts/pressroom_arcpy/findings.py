"""Analysis as data: the dict of the drafting functions, and the messages of staging in every form."""

import ast
import json
import re

from .faults import first_id

#: Analyzer errors and warnings of StageService.
_ANALYSIS_IDS = {"001272": "error", "002893": "warning"}
_CODES = re.compile(r"(?<![\d.])\d{1,7}(?![\d.])")
_GROUPS = {"errors": "error", "warnings": "warning", "messages": "message"}


def code_text(code):
    """Five digits, as Esri's pages print them; one page prints seven, and those stay."""
    text = str(code).strip()
    return text.zfill(5) if text.isdigit() else text


def finding(severity, code, text, layer=None):
    return {
        "severity": severity,
        "code": code_text(code) if code not in (None, "") else None,
        "text": "" if text is None else str(text),
        "layer": layer,
    }


def from_analysis(analysis):
    """The dict of ``Create…SDDraft``: ``{'errors': {(text, code): [layer, …]}}``; lists may be None."""
    found = []
    for group, severity in _GROUPS.items():
        for key, layers in ((analysis or {}).get(group) or {}).items():
            text, code = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
            for layer in _names(layers) or [None]:
                found.append(finding(severity, code, text, layer))
    return found


def from_messages(messages):
    """What the analysis inside staging said. Other messages are none of it."""
    found = []
    for message in messages:
        text = message["text"]
        severity = _ANALYSIS_IDS.get(first_id(text) or "")
        if severity is None:
            continue
        parsed = _from_text(text, severity)
        found.extend(parsed or [finding(severity, first_id(text), text)])
    return found


def _from_text(text, severity):
    for opening, closing in (("(", ")"), ("[", "]"), ("{", "}")):
        start, end = text.find(opening), text.rfind(closing)
        if start < 0 or end <= start:
            continue
        inside = text[start + 1 : end] if opening == "(" else text[start : end + 1]
        value = _parse(inside)
        if value is not None:
            found = _from_value(value, severity)
            if found:
                return found
    return _from_codes(text, severity)


def _parse(text):
    """JSON; or the same as Python writes it."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(value, (list, tuple, dict)):
            return value
    return None


def _from_value(value, severity):
    if isinstance(value, dict):
        if any(group in value for group in _GROUPS):
            return _from_groups(value)
        value = [value]
    found = []
    for each in value:
        if isinstance(each, dict):
            layers = _names(each.get("object", each.get("layer")))
            text = each.get("message", each.get("text", each.get("description")))
            for layer in layers or [None]:
                found.append(finding(severity, each.get("code"), text, layer))
        elif isinstance(each, (int, str)) and str(each).strip().isdigit():
            found.append(finding(severity, each, ""))
    return found


def _from_groups(value):
    if any(isinstance(group, dict) for group in value.values()):
        return from_analysis(value)
    found = []
    for name, severity in _GROUPS.items():
        found.extend(_from_value(value.get(name) or [], severity))
    return found


def _from_codes(text, severity):
    """ArcMap tells only numbers, one for each time: ``(codes = 147, 147)``."""
    start, end = text.find("("), text.rfind(")")
    if start < 0 or end <= start:
        return []
    codes = _CODES.findall(text[start + 1 : end])
    return [finding(severity, code, "") for code in dict.fromkeys(codes)]


def _names(layers):
    if layers is None:
        return []
    if isinstance(layers, (str, int)):
        return [str(layers)] if str(layers) else []
    if not isinstance(layers, (list, tuple)):
        layers = [layers]
    return [name_of(layer) for layer in layers]


def name_of(layer):
    """The long name has the groups in it; some layers have none."""
    for attribute in ("longName", "name"):
        try:
            name = getattr(layer, attribute, None)
        except Exception:  # ArcPy raises whatever it likes for layers that do not support it
            continue
        if name:
            return str(name)
    return str(layer)
