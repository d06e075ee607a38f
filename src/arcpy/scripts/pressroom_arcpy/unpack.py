"""The data that come along with a document, in a ZIP. It is a stranger's: nothing in it is believed."""

import os
import stat
import zipfile

from .faults import Fault

_CHUNK = 1 << 20


def unpack(job, arguments):
    """Unpacks below a folder of the job, within limits that are counted while it is written."""
    root = os.path.realpath(job.path(arguments["folder"]))
    limits = arguments["limits"]
    job.progress("unpack", "Unpacking the data")
    try:
        with zipfile.ZipFile(job.path(arguments["archive"])) as archive:
            members = archive.infolist()
            if len(members) > limits["members"]:
                raise _refused("it has more than %d members" % limits["members"])
            written, seen = 0, set()
            for member in members:
                target = _target(root, member, seen)
                if member.is_dir():
                    os.makedirs(target, exist_ok=True)
                    continue
                written = _write(archive, member, target, written, limits["bytes"])
    except zipfile.BadZipFile as error:
        raise _refused("it is no whole ZIP: %s" % error) from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or a method that Python lacks
        raise _refused(str(error)) from error
    return {"members": len(members), "bytes": written}


def _target(root, member, seen):
    name = member.filename.replace("\\", "/")
    parts = name.rstrip("/").split("/")
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise _refused("%r is a link" % name)
    if name.startswith("/") or ":" in name or any(part in ("", ".", "..") for part in parts):
        raise _refused("%r leads out of its folder" % name)
    if any(ord(letter) < 32 for letter in name):
        raise _refused("a name has control characters")
    target = os.path.join(root, *parts)
    if not member.is_dir():
        if target.lower() in seen or os.path.lexists(target):
            raise _refused("%r is there already" % name)
        seen.add(target.lower())
    return target


def _write(archive, member, target, written, limit):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with archive.open(member) as source, open(target, "xb") as sink:
        while True:
            chunk = source.read(_CHUNK)
            if not chunk:
                return written
            written += len(chunk)
            if written > limit:
                raise _refused("unpacked it is larger than %d bytes" % limit)
            sink.write(chunk)


def _refused(reason):
    return Fault("archive_rejected", "The data are not unpacked: %s" % reason, input="data")
