"""The loop: one request, its messages, one answer."""

import os
import sys
import traceback

from . import geoprocessing, imagery, locators, maps, probe, staging, tools, unpack
from .channel import Channel
from .faults import Fault, to_document
from .job import Job
from .memory import resident_bytes
from .watch import watch

_OPERATIONS = {
    "probe": probe.probe,
    "unpack": unpack.unpack,
    "import-map": maps.import_map,
    "draft-map": maps.draft_map,
    "draft-image": imagery.draft_image,
    "draft-geoprocessing": geoprocessing.draft_geoprocessing,
    "draft-geocode": locators.draft_geocode,
    "stage": staging.stage,
    "describe-tools": tools.describe_tools,
    "run-tool": tools.run_tool,
}


def serve():
    watch()
    channel = Channel()
    job = Job(channel)
    channel.send(
        {
            "kind": "hello",
            "pid": os.getpid(),
            "python": "%d.%d.%d" % sys.version_info[:3],
            "platform": sys.platform,
        }
    )
    while True:
        request = channel.next_request()
        channel.send(_answer(job, request))


def _answer(job, request):
    answer = {"id": request.get("id")}
    job.answers(request.get("id"))
    try:
        answer.update(kind="result", value=_carry_out(job, request))
    except Exception as error:
        if not isinstance(error, Fault):
            traceback.print_exc()
        answer.update(kind="error", **to_document(error))
    except SystemExit as error:  # a script tool that ends must not end the process
        answer.update(kind="error", code="failed", message="The tool ended Python: %s" % error, facts={})
    answer["residentBytes"] = resident_bytes()
    return answer


def _carry_out(job, request):
    operation = request.get("op")
    arguments = request.get("arguments") or {}
    if operation == "begin":
        return job.begin(arguments["folder"])
    if operation == "end":
        return job.end()
    if operation not in _OPERATIONS:
        raise Fault("unsupported", "There is no operation %r" % operation)
    return _OPERATIONS[operation](job, arguments)
