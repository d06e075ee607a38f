"""Geoprocessing messages, of a result or of the last tool that ran."""

import re

from .faults import Fault, first_id

_SEVERITIES = {0: "info", 1: "warning", 2: "error"}
_BEGINS_WITH_ID = re.compile(r"^\D{0,30}\b\d{6}\b")


def of_result(result):
    """A result keeps its messages when the next tool runs."""
    try:
        count = int(result.messageCount)
        return [_message(result.getSeverity(i), result.getMessage(i)) for i in range(count)]
    except (AttributeError, TypeError, ValueError):
        return []


def of_last_tool(arcpy, error=None):
    found = _one_by_one(arcpy) or _by_severity(arcpy)
    if not any(each["severity"] == "error" for each in found) and error is not None:
        found.extend(_message(2, text) for text in _split(str(error)))
    return found


def tool_failure(arcpy, error, what):
    """A tool that refused, with all it said; the first number of the chain is the cause."""
    said = of_last_tool(arcpy, error)
    errors = [each for each in said if each["severity"] == "error"]
    tool_id = next((each["id"] for each in errors if each["id"]), None)
    text = errors[0]["text"] if errors else str(error)
    return Fault("tool_failed", text, tool=what, toolId=tool_id, messages=said)


def _one_by_one(arcpy):
    try:
        count = int(arcpy.GetMessageCount())
        return [_message(arcpy.GetSeverity(i), arcpy.GetMessage(i)) for i in range(count)]
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return []


def _by_severity(arcpy):
    found = []
    for severity in (0, 1, 2):
        try:
            text = arcpy.GetMessages(severity)
        except (AttributeError, TypeError, RuntimeError):
            continue
        found.extend(_message(severity, each) for each in _split(text))
    return found


def _split(text):
    """Messages are joined by line ends; a line without a number belongs to the one before, if that had one."""
    parts = []
    for line in (text or "").splitlines():
        begins = bool(_BEGINS_WITH_ID.match(line))
        if parts and not begins and parts[-1].rstrip()[-1:] in ("", "[", "{", ",", "("):
            parts[-1] += "\n" + line
        elif line.strip():
            parts.append(line)
    return parts


def _message(severity, text):
    text = "" if text is None else str(text)
    return {"severity": _SEVERITIES.get(severity, "info"), "id": first_id(text), "text": text}
