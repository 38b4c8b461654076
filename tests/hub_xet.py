"""The store of large files that the loopback Hub offers to clients with hf_xet: files as ranges of chunks in xorbs.

Formats after https://huggingface.co/docs/xet: a shard lists files and the chunks that they consist of; a xorb is those
chunks, each with a header of 8 bytes, compressed as the client likes. Nothing is unpacked here.
"""

import struct
import uuid
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

HEADER_SIZE = RECORD_SIZE = 48
LAST_RECORD = b"\xff" * 32
HAS_VERIFICATION, HAS_SHA256 = 1 << 31, 1 << 30


@dataclass(frozen=True)
class Term:
    """The chunks `first` to `last - 1` of a xorb; `size` bytes when they are unpacked."""

    xorb: str
    first: int
    last: int
    size: int


def to_hex(hash_bytes: bytes) -> str:
    """A hash as text: four little-endian numbers of 64 bits."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", hash_bytes))


def find_chunks(xorb: bytes) -> list[int]:
    """Where each chunk of a xorb begins, and where the last one ends."""
    starts = [0]
    while starts[-1] + 8 <= len(xorb) and xorb[starts[-1]] == 0:  # version 0; the footer begins otherwise
        starts.append(starts[-1] + 8 + int.from_bytes(xorb[starts[-1] + 1 : starts[-1] + 4], "little"))
    return starts


@dataclass
class XetStore:
    """Xorbs by hash; files by hash as terms; and which file has which SHA-256.

    Clients remember by a store's address what they sent there. `name` is part of it: ports are used again.
    """

    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    xorbs: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, list[Term]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)  # SHA-256 -> Xet hash

    def add_shard(self, shard: bytes) -> None:
        """Take up the files of a shard."""
        position = HEADER_SIZE
        while shard[position : position + 32] != LAST_RECORD:
            file_hash = to_hex(shard[position : position + 32])
            flags, length = struct.unpack_from("<2I", shard, position + 32)
            position += RECORD_SIZE
            terms = []
            for _ in range(length):
                xorb = to_hex(shard[position : position + 32])
                _, size, first, last = struct.unpack_from("<4I", shard, position + 32)
                terms.append(Term(xorb, first, last, size))
                position += RECORD_SIZE
            if flags & HAS_VERIFICATION:
                position += length * RECORD_SIZE
            if flags & HAS_SHA256:
                self.hashes[to_hex(shard[position : position + 32])] = file_hash
                position += RECORD_SIZE
            self.files[file_hash] = terms

    def describe(self, file_hash: str, address: str, first_byte: int, last_byte: int) -> dict[str, Any] | None:
        """What a client must fetch to have these bytes of a file; None if there are none there."""
        ends = [0]
        for term in self.files[file_hash]:
            ends.append(ends[-1] + term.size)
        wanted = [
            (start, term)
            for (start, end), term in zip(pairwise(ends), self.files[file_hash], strict=True)
            if end > first_byte and start <= last_byte
        ]
        if not wanted:
            return None
        fetches: dict[str, list[dict[str, Any]]] = {}
        for _, term in wanted:
            starts = find_chunks(self.xorbs[term.xorb])
            span = {"start": starts[term.first], "end": starts[term.last] - 1}
            chunks = {"start": term.first, "end": term.last}
            url = f"{address}/{term.xorb}?signed=1"
            fetches.setdefault(term.xorb, []).append({"url": url, "ranges": [{"chunks": chunks, "bytes": span}]})
        return {
            "offset_into_first_range": first_byte - wanted[0][0],
            "terms": [
                {"hash": term.xorb, "unpacked_length": term.size, "range": {"start": term.first, "end": term.last}}
                for _, term in wanted
            ],
            "xorbs": fetches,
        }
