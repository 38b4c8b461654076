"""JPEG and PNG with nothing but what decides their pixels, and the EXIF tag that turns them.

A decoder reads everything else, too, and refuses the picture where that is broken or unpacks to too much.
"""

import math
import re
import struct
import zlib

# Of JPEG.
START_OF_SCAN, COMMENT, APPLICATION = 0xDA, 0xFE, range(0xE0, 0xF0)
# Beginnings of segments that a decoder needs, with the bytes that it expects: how colours are stored, and EXIF.
NEEDED_SEGMENTS = {0xE0: (b"JFIF\0", 14), 0xE1: (b"Exif\0", 6), 0xEE: (b"Adobe", 12)}
PNG_START = b"\x89PNG\r\n\x1a\n"
CRITICAL_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
# Before the pixels a decoder looks at these, too, and expects so many bytes; of transparency by the type of colours.
ANCILLARY_CHUNKS = {b"acTL": 8, b"fcTL": 26}
COLOR_TYPE, TRANSPARENCY_BYTES = 25, {0: 2, 2: 6}
MAX_EXIF_BYTES = 1_000_000
# The entry for EXIF in the list at the beginning of an AVIF.
EXIF_ITEM = re.compile(rb"(infe.{8,10})Exif", re.DOTALL)
MAX_LIST_BYTES = 1_000_000


def keep_pixels(content: bytes) -> bytes:
    """Leave out the metadata of a JPEG, PNG or AVIF; other files stay as they are.

    Raises:
        ValueError: A checksum of a PNG's pixels is wrong, or the file ends before they do.
    """
    if content.startswith(b"\xff\xd8"):
        return _keep_segments(content)
    if content.startswith(PNG_START):
        return _keep_chunks(content)
    if content[4:8] == b"ftyp":  # which is turned by properties of its own
        return EXIF_ITEM.sub(rb"\1skip", content[:MAX_LIST_BYTES]) + content[MAX_LIST_BYTES:]
    return content


def _keep_segments(content: bytes) -> bytes:
    kept: list[bytes | memoryview] = [content[:2]]
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker, end = content[position + 1], position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        if marker == START_OF_SCAN:
            return b"".join([*kept, memoryview(content)[position:]])
        start, length = NEEDED_SEGMENTS.get(marker, (b"", 0))
        is_needed = start and content.startswith(start, position + 4) and end - position - 4 >= length
        if is_needed or (marker != COMMENT and marker not in APPLICATION):
            kept.append(content[position:end])
        position = end
    return content  # no segments one after the other: the decoder may find its way


def _keep_chunks(content: bytes) -> bytes:
    view, position = memoryview(content), len(PNG_START)
    kept: list[bytes | memoryview] = [PNG_START]
    color_type = int.from_bytes(content[COLOR_TYPE : COLOR_TYPE + 1], "big")
    wanted = ANCILLARY_CHUNKS | {b"tRNS": TRANSPARENCY_BYTES.get(color_type, 1)}
    while position + 12 <= len(content):
        length = struct.unpack_from(">I", content, position)[0]
        kind, end = content[position + 4 : position + 8], position + 12 + length
        is_exif = kind == b"eXIf" and length <= MAX_EXIF_BYTES
        if kind in CRITICAL_CHUNKS or is_exif or length >= wanted.get(kind, math.inf):
            told = int.from_bytes(content[end - 4 : end], "big")
            if end <= len(content) and zlib.crc32(view[position + 4 : end - 4]) == told:
                kept.append(view[position:end])
            elif kind in CRITICAL_CHUNKS:
                raise ValueError("the file ends too early" if end > len(content) else "a checksum is wrong")
        if kind == b"IDAT":
            wanted = {}
        position = end
        if kind == b"IEND":
            break
    return b"".join(kept)
