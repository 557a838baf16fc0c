"""Tokens of the model's own notation, and memory blocks, taken out of a stream."""

from __future__ import annotations

import re

_FENCE = "```"
_BLOCKS = {"<memory>": "</memory>", "```memory\n": _FENCE}
_TURN_STARTS = (
    "<|im_start|>assistant\n",
    "<|im_start|>",
    "<|start_header_id|>assistant<|end_header_id|>",
    "<|start_header_id|>",
    "<start_of_turn>model\n",
    "<start_of_turn>",
)
_LONE = ("<START>", "</s>", "<s>", "<bos>", "<eos>", "<end_of_turn>")
_LITERALS = sorted((*_BLOCKS, *_TURN_STARTS, *_LONE), key=len, reverse=True)
_TOKEN = re.compile(r"<\|[A-Za-z0-9_]{1,32}\|>")
_TOKEN_SO_FAR = re.compile(r"<(?:\|(?:[A-Za-z0-9_]{1,32}\|?)?)?")
_TELLING = 5  # so much of a marker at the very end is one that was cut off
_CANDIDATE = re.compile("[<`]")


class MarkerFilter:
    """Drops control tokens and memory blocks; ends where the model starts another turn."""

    def __init__(self) -> None:
        self._held = ""
        self._closing: str | None = None
        self._begun = False
        self.finished = False

    def feed(self, text: str) -> str:
        """Take more text and return what is neither token nor possibly the start of one."""
        return self._take(text, final=False)

    def close(self) -> str:
        """Return what was held back; an open memory block is dropped."""
        return self._take("", final=True)

    def _take(self, text: str, *, final: bool) -> str:
        self._held += text
        shown: list[str] = []
        while self._held and not self.finished:
            if self._closing is not None:
                if not self._skip(self._closing):
                    break
                continue
            candidate = _CANDIDATE.search(self._held)
            plain = candidate.start() if candidate else len(self._held)
            self._show(shown, plain)
            if not self._held:
                break
            marker = _marker(self._held, final=final)
            if marker is None:
                break
            if marker:
                self._drop(marker)
            else:
                self._show(shown, 1)
        if self.finished:
            self._held = ""
        return "".join(shown)

    def _show(self, shown: list[str], length: int) -> None:
        words, self._held = self._held[:length], self._held[length:]
        shown.append(words)
        self._begun = self._begun or bool(words.strip())

    def _drop(self, marker: str) -> None:
        self._held = self._held[len(marker) :]
        self._closing = _BLOCKS.get(marker)
        self.finished = self._begun and marker in _TURN_STARTS

    def _skip(self, closing: str) -> bool:
        end = self._held.find(closing)
        if end < 0:
            self._held = self._held[-(len(closing) - 1) :]
            return False
        self._held = self._held[end + len(closing) :]
        self._closing = None
        return True


def _marker(text: str, *, final: bool) -> str | None:
    """Return the marker ``text`` begins with, ``""`` for none, ``None`` if that is still open."""
    for literal in _LITERALS:
        if text.startswith(literal):
            return literal
        if literal.startswith(text):
            if not final:
                return None
            if len(text) >= _TELLING:
                return text
    if _TOKEN_SO_FAR.fullmatch(text):
        if not final:
            return None
        if len(text) >= _TELLING:
            return text
    token = _TOKEN.match(text)
    return token.group() if token else ""
