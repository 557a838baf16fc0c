"""Written sentences as they should be spoken."""

# ruff: noqa: RUF001 - punctuation of every script

from __future__ import annotations

import re
from urllib.parse import urlsplit

from services.conversation.glyphs import EMOJI, EMOJI_JOINERS

_FENCES = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_RULES = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$|^[ \t:|-]*-{3}[ \t:|-]*$", re.MULTILINE)
_IMAGES_AND_LINKS = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_ADDRESSES = re.compile(r"<?\b(https?://[^\s<>]+)>?")
_AFTER_ADDRESS = ".,;:!?)]}\"'”’*_"
_LINE_MARKERS = re.compile(r"^[ \t]*(?:(?:>+|#{1,6}|[-*+•]|\d{1,3}[.)])[ \t]+)+", re.MULTILINE)
_CUSTOM_EMOJI = re.compile(r"<a?:\w{2,32}:\d+>|(?<![\w:]):(?=\w*[a-z])[a-z0-9_+-]{2,32}:(?![\w:])")
_EMOJI = re.compile(rf"[{EMOJI}{EMOJI_JOINERS}]+")
_EMOTICONS = re.compile(r"(?<!\S)(?:[:;][-^o']?[)(\]\[DPpOo3/\\|*]+|[xX]D+|<3+|\^_*\^)(?!\w)")
_HTML = re.compile(r"</?[a-zA-Z][^<>]{0,100}>")
_STRONG = re.compile(r"(\*{2,3}|_{2,3}|~~|\|\|)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_STARRED = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+?)(?<=\S)\*(?![\w*])")
# The first and the last sentence of an action that is several sentences long.
_OPEN_ACTION = re.compile(r"\A[\s\"“(]*\*(?=[^\s*])[^*]*\Z")
_END_OF_ACTION = re.compile(r"\A[^*]*[.!?…][\"”)]*\*\s*\Z")
_UNDERSCORED = re.compile(r"(?<!\w)_(?=\S)([^_]+?)(?<=\S)_(?!\w)")
_GAP_BEFORE_STOP = re.compile(r" +(?=[,.;!?…](?:\s|$))")
_LOOSE_MARKS = re.compile(r"[*`~#|]+|(?<!\w)_+|_+(?!\w)")
_STRESSED_WORDS = 2


def to_speech(sentence: str, *, actions: bool = False) -> str:
    """Return what to say for a sentence; empty if there is nothing in it to say.

    Code fences, pictures of all kinds and, unless ``actions``, what a character does between
    asterisks are left out. Links are read by their label, bare addresses by their host. Stress
    within a sentence, such as ``I *really* mean it``, is read.
    """
    text = _RULES.sub(" ", _FENCES.sub(" ", sentence))
    text = _IMAGES_AND_LINKS.sub(r"\1", text)
    text = _ADDRESSES.sub(_host, text)
    text = _CUSTOM_EMOJI.sub(" ", text)
    text = _HTML.sub(" ", text)
    text = _LINE_MARKERS.sub("", text)
    text = _STRONG.sub(r"\2", text)
    text = _STARRED.sub(r"\1", text) if actions else _without_actions(text)
    text = _UNDERSCORED.sub(r"\1", text)
    text = _EMOTICONS.sub(" ", _EMOJI.sub(" ", text))
    text = " ".join(_LOOSE_MARKS.sub(" ", text.replace("`", "")).split())
    text = _GAP_BEFORE_STOP.sub("", text)
    return text if any(letter.isalnum() for letter in text) else ""


def _without_actions(text: str) -> str:
    text = _STARRED.sub(_stress, text)
    text = _OPEN_ACTION.sub(" ", text)
    return _END_OF_ACTION.sub(" ", text)


def _stress(match: re.Match[str]) -> str:
    """Keep a word or two that lean on the words around them; everything else is an action."""
    before = match.string[: match.start()].rstrip()
    after = match.string[match.end() :].lstrip()
    short = len(match.group(1).split()) <= _STRESSED_WORDS
    led = bool(before) and (before[-1].isalnum() or before[-1] in ",;:—-\"'“‘(")
    followed = after[:1].islower() or (after[:1] in tuple(".,;:!?)\"'”’…"))
    return match.group(1) if short and led and followed and after else " "


def _host(match: re.Match[str]) -> str:
    address = match.group(1)
    bare = address.rstrip(_AFTER_ADDRESS)
    try:
        host = urlsplit(bare).hostname or ""
    except ValueError:
        host = ""
    return host.removeprefix("www.") + address[len(bare) :]
