"""Messages and results of tools."""

_last = []


class ExecuteError(Exception):
    pass


class Result:
    def __init__(self, outputs, messages=()):
        self._outputs, self._messages = list(outputs), list(messages)
        self.status = 4
        self.messageCount = len(self._messages)

    def getOutput(self, index):
        return self._outputs[index]

    def getMessage(self, index):
        return self._messages[index][1]

    def getSeverity(self, index):
        return self._messages[index][0]

    def getMessages(self, severity=None):
        return _joined(self._messages, severity)


def ran(messages):
    """Keeps the messages of the last tool; raises when one is an error."""
    _last[:] = [(int(severity), text) for severity, text in messages]
    if any(severity == 2 for severity, _ in _last):
        raise ExecuteError(_joined(_last, None))


def GetMessages(severity=None):
    return _joined(_last, severity)


def GetMessageCount():
    return len(_last)


def GetMessage(index):
    return _last[index][1]


def GetSeverity(index):
    return _last[index][0]


def GetMaxSeverity():
    return max([severity for severity, _ in _last] or [0])


def _joined(messages, severity):
    return "\n".join(text for each, text in messages if severity is None or each == severity)
