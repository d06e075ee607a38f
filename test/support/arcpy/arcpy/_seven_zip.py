"""Writes a 7-Zip archive that is not solid: each member in a block of its own, stored as it is."""

import struct
import zlib


def write_seven_zip(path, members):
    files = [(name, content.encode("utf-8") if isinstance(content, str) else content) for name, content in members.items()]
    body = b"".join(content for _, content in files)
    header = _header(files)
    start = struct.pack("<QQL", len(body), len(header), zlib.crc32(header))
    with open(path, "xb") as archive:
        archive.write(b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<L", zlib.crc32(start)) + start + body + header)


def _header(files):
    count = _number(len(files))
    sizes = b"".join(_number(len(content)) for _, content in files)
    digests = b"\x0a\x01" + b"".join(struct.pack("<L", zlib.crc32(content)) for _, content in files)
    packed = b"\x06" + _number(0) + count + b"\x09" + sizes + b"\x00"
    folders = b"\x07\x0b" + count + b"\x00" + b"\x01\x01\x00" * len(files) + b"\x0c" + sizes + digests + b"\x00"
    streams = b"\x04" + packed + folders + b"\x08\x00\x00"
    names = b"\x00" + b"".join(name.encode("utf-16-le") + b"\x00\x00" for name, _ in files)
    listed = b"\x05" + count + b"\x11" + _number(len(names)) + names + b"\x00"
    return b"\x01" + streams + listed + b"\x00"


def _number(value):
    """The packed numbers of the format: as many leading ones as there are bytes to follow."""
    for extra in range(8):
        if value < 1 << (7 * (extra + 1)):
            first = (0xFF << (8 - extra)) & 0xFF | (value >> (8 * extra))
            return bytes([first]) + (value & ((1 << (8 * extra)) - 1)).to_bytes(extra, "little")
    return b"\xff" + value.to_bytes(8, "little")
