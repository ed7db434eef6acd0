"""Any text stream as UTF-8 bytes, with offsets of the original."""

import codecs
import io
from typing import BinaryIO, Final

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Utf8Stream:
    """Reads `stream`, drops a byte order mark at its start and turns UTF-16 into UTF-8.

    Bytes without a mark pass as they are. `encoding` is known after the first read; it must be given when reading
    goes on in the middle of a stream. Broken UTF-16 becomes U+FFFD.
    """

    def __init__(self, stream: BinaryIO, encoding: str = "") -> None:
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None
        self.mark_bytes = 0
        self.encoding = encoding
        if encoding.startswith("utf-16"):
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(self, size: int) -> bytes:
        """About `size` bytes of UTF-8, fewer only before an error of the stream; empty at its end.

        One call of the stream at a time, so that nothing that was read is lost when a later call raises.
        """
        if not self.encoding:
            return self._first(size)
        piece = self._next(size)
        if self._decoder is None:
            return piece
        while piece:
            text = self._decoder.decode(piece)
            if text:
                return text.encode("utf-8", "replace")
            piece = self._next(size)
        return self._decoder.decode(b"", final=True).encode("utf-8", "replace")

    def raw_length(self, content: bytes) -> int:
        """Bytes that `content` took in the original stream."""
        if self._decoder is None:
            return len(content)
        return len(content.decode("utf-8", "replace").encode("utf-16-le"))

    def _first(self, size: int) -> bytes:
        head = b""
        while len(head) < 3 and (piece := self._next(size)):
            head += piece
        self.encoding = "utf-8"
        for mark, encoding in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                self.mark_bytes = len(mark)
                self.encoding = encoding
                head = head[len(mark) :]
                break
        if self.encoding == "utf-8":
            return head or self._next(size)
        self._decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        text = self._decoder.decode(head)
        return text.encode("utf-8", "replace") or self.read(size)

    def _next(self, size: int) -> bytes:
        if isinstance(self._stream, io.BufferedReader | io.BytesIO):
            return self._stream.read1(size)
        return self._stream.read(size)
