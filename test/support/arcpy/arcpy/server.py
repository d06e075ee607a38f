"""arcpy.server: staging."""

import os

from . import _scenario
from ._definitions import read_draft, write_definition
from ._messages import Result, ran


def StageService(in_service_definition_draft, out_service_definition=None, staging_version=None):
    draft, target = in_service_definition_draft, out_service_definition
    _scenario.record("StageService", draft=draft, target=target, version=staging_version, cwd=os.getcwd())
    plan = _scenario.scenario().get("staging", {})
    _scenario.misbehave("stage")
    if not os.path.isfile(draft) or not draft.endswith(".sddraft"):
        ran([(2, "ERROR 000732: Service Definition Draft: Dataset %s does not exist or is not supported" % draft)])
    if os.path.exists(target) or not target.endswith(".sd"):
        ran([(2, "ERROR 000725: Output Service Definition: Dataset %s already exists" % target)])
    described = read_draft(draft)
    messages = [(0, "Start Time: Monday"), *map(tuple, plan.get("messages", [])), *described["messages"]]
    try:
        ran([*messages, (0, "Elapsed Time: 0,10 seconds")])
    finally:
        if plan.get("leavesHalf"):
            open(target, "w", encoding="utf-8").close()
    if described["refused"]:
        ran([(2, described["refused"])])
    if plan.get("writes"):
        with open(target, "w", encoding="utf-8") as file:
            file.write(plan["writes"])
    else:
        write_definition(target, described)
    if plan.get("cutsBytes"):
        os.truncate(target, os.path.getsize(target) - plan["cutsBytes"])
    return Result([target], [(severity, text) for severity, text in messages])


def UploadServiceDefinition(*_args, **_kwargs):
    raise AssertionError("Pressroom uploads over REST")
