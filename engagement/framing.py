"""Where a request ends, found in its bytes while they arrive. It says nothing about what the request says.

gunicorn's parser reads the same bytes after this and alone decides what they mean; where it wants more of
them than were found here, the connection ends.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from gunicorn.http.errors import InvalidChunkExtension, InvalidChunkSize, LimitRequestHeaders

HEAD_MAX = 32_768
"""Bytes of a request's line and headers; more than any browser or proxy sends."""
LINE_MAX = 8_192
"""Bytes of a chunk's size line, or of all trailers; just above what gunicorn takes of the former."""
READ_AHEAD = 16_384
"""Bytes past a body's limit with which it is over it for sure: a chunk's unfinished line may be among them,
and gunicorn reads a little more than it is asked for."""

END = b"\r\n\r\n"
# In a head in lower case, with its last line end.
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n")
CODING = re.compile(rb"\r\ntransfer-encoding:([^\r\n]*)")
EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")
CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class Stage(Enum):
    """How far a request has come. Only of the last two is there anything for a thread to do."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
    WHOLE = auto()
    REFUSABLE = auto()
    """Broken, or larger than the application takes: it can be refused by what is there."""


class Framing:
    """Finds the end of one request in the bytes so far; each byte is looked at about once."""

    def __init__(self, body_max: int) -> None:
        self.stage = Stage.NOTHING
        self.continue_expected = False
        self.fault: Exception | None = None
        """What gunicorn's parser is told, should it ask for more than is there."""
        self._body_max = body_max
        self._length: int | None = None  # None: chunked
        self._start = 0  # of the body; 0: not found yet
        self._at = 0  # where to look on: for the head's end, then for the line of the next chunk
        self._lines = 0  # bytes of the chunks' lines
        self._trailers = 0  # where they start; 0: not found yet

    def look(self, data: bytearray) -> Stage:
        """The stage, by all the bytes of the request (and of those behind it) that have come."""
        if not self._start:
            self.stage = self._head(data)
        if self._start and self.stage is not Stage.REFUSABLE:
            self.stage = self._chunks(data) if self._length is None else self._counted(data, self._length)
        return self.stage

    def _head(self, data: bytearray) -> Stage:
        end = data.find(END, self._at)
        if end < 0:
            self._at = max(0, len(data) - 3)
            if len(data) > HEAD_MAX:
                return self._refuse(LimitRequestHeaders("limit request headers size"))
            if data.count(b"\n") != data.count(b"\r\n"):
                return Stage.REFUSABLE  # a bare LF: the head will never end
            return Stage.HEAD if data else Stage.NOTHING
        head = bytes(data[: end + 2]).lower()
        self._start = self._at = end + len(END)
        if head.find(b" http/1.1\r\n") == head.find(b"\r\n", 2) - len(b" http/1.1"):
            self.continue_expected = EXPECT.search(head) is not None
        if coding := CODING.search(head):
            # What gunicorn takes has `chunked` in it; the rest it refuses by the head.
            return Stage.BODY if b"chunked" in coding[1] else Stage.REFUSABLE
        length = LENGTH.search(head)
        digits = length[1] if length else b"0"
        self._length = int(digits) if len(digits) < 19 else 10**19
        return Stage.BODY

    def _counted(self, data: bytearray, length: int) -> Stage:
        if len(data) - self._start >= length:
            return Stage.WHOLE
        return Stage.REFUSABLE if length > self._body_max else Stage.BODY

    def _chunks(self, data: bytearray) -> Stage:
        while not self._trailers and self._at <= len(data):
            if data[self._at - 2 : self._at] != b"\r\n":
                return Stage.REFUSABLE  # the chunk is longer than it said
            end = data.find(b"\r\n", self._at)
            if end < 0:
                if len(data) - self._at > LINE_MAX:
                    return Stage.REFUSABLE
                break
            chunk = CHUNK.fullmatch(data, self._at, end)
            if chunk is None:
                return Stage.REFUSABLE
            self._lines += end - self._at + len(END)
            if self._lines > self._body_max:
                return self._refuse(InvalidChunkSize(b"more lines than content"))
            size = int(chunk[1], 16)
            if size:
                self._at = end + 2 + size + 2
            else:
                self._trailers = end
        if self._trailers:
            if data.find(END, self._trailers) >= 0:
                return Stage.WHOLE
            if len(data) - self._trailers > LINE_MAX:
                return self._refuse(InvalidChunkExtension("trailers too long"))
        elif len(data) - self._start - self._lines > self._body_max + READ_AHEAD:
            return Stage.REFUSABLE
        return Stage.BODY

    def _refuse(self, fault: Exception) -> Stage:
        self.fault = fault
        return Stage.REFUSABLE
