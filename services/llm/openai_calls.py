"""Puts tool calls together that a server streams in pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping

from services.llm.answer import NativeCall
from services.llm.byte_lines import MalformedLine
from services.llm.tool_text import read_arguments

MAX_CALLS = 64
MAX_CHARACTERS = 65_536
_LONGEST_ID = 256


class _Slot:
    """One call while its pieces arrive."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments = ""

    @property
    def whole(self) -> bool:
        """Whether the arguments are a complete JSON object, after which nothing can follow."""
        return self.arguments.rstrip().endswith("}") and _object(self.arguments) is not None

    def is_other(self, piece: _Piece) -> bool:
        """Say whether ``piece`` begins another call although it claims to continue this one."""
        if piece.id and self.id and piece.id != self.id:
            return True
        return bool(piece.name and piece.arguments.strip() and self.whole)

    def add(self, piece: _Piece) -> None:
        self.id = self.id or piece.id
        self.name = self.name or piece.name
        self.arguments += piece.arguments


class _Piece:
    """One entry of a ``tool_calls`` list; raises ``MalformedLine``."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise MalformedLine
        function = value.get("function") or {}
        if not isinstance(function, Mapping):
            raise MalformedLine
        index, arguments = value.get("index"), function.get("arguments")
        self.index = index if isinstance(index, int) else None
        self.id = _text(value.get("id"))[:_LONGEST_ID]
        self.name = _text(function.get("name"))
        if isinstance(arguments, Mapping):
            arguments = json.dumps(arguments)
        self.arguments = _text(arguments)


class CallPieces:
    """Takes the ``tool_calls`` lists of one answer; calls come out in the order they began.

    Pieces belong together by their index, else by their id, else by their order. A server may cut
    arguments anywhere, interleave calls, repeat names or ids, or send calls whole.
    """

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._by_index: dict[int, _Slot] = {}
        self._characters = 0

    def take(self, pieces: object) -> bool:
        """Take the next list and say whether there was anything in it.

        Raises ``MalformedLine`` for another shape, or beyond ``MAX_CALLS`` or ``MAX_CHARACTERS``.
        """
        if not pieces:
            return False
        if not isinstance(pieces, list):
            raise MalformedLine
        for value in pieces:
            piece = _Piece(value)
            self._slot(piece).add(piece)
            self._characters += len(piece.name) + len(piece.arguments)
        if len(self._slots) > MAX_CALLS or self._characters > MAX_CHARACTERS:
            raise MalformedLine
        return True

    def finished(self, *, cut: bool) -> list[NativeCall]:
        """Return the calls and forget them.

        Broken arguments are repaired once; beyond repair they raise ``MalformedLine``. Where the
        answer was ``cut`` for its length, a call that is not whole is dropped instead: its repair
        would be another call than the one meant.
        """
        slots, self._slots = self._slots, []
        self._by_index.clear()
        calls = []
        for slot in slots:
            arguments = _object(slot.arguments) if cut else read_arguments(slot.arguments.strip())
            if slot.name and arguments is not None:
                calls.append(NativeCall(name=slot.name, arguments=arguments, id=slot.id))
            elif not cut:
                raise MalformedLine
        return calls

    def _slot(self, piece: _Piece) -> _Slot:
        """Return the slot of the call that ``piece`` belongs to."""
        if piece.index is not None:
            slot = self._by_index.get(piece.index)
        elif piece.id:
            slot = next((each for each in self._slots if each.id == piece.id), None)
        else:
            slot = self._slots[-1] if self._slots else None
        if slot is None or slot.is_other(piece):
            slot = _Slot()
            self._slots.append(slot)
        if piece.index is not None:
            self._by_index[piece.index] = slot
        return slot


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedLine
    return value


def _object(text: str) -> Mapping[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
