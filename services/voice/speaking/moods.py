"""The mood an answer is spoken in, read off what is written of it so far."""

# ruff: noqa: RUF001 - punctuation of every script

from __future__ import annotations

import re
from collections.abc import Mapping

_ACTION = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]*)(?:\*(?![\w*])|\n|\Z)")
_AFTER_MARK = " \t\n\"'”’»)]*_~"

# Beginnings of words within actions, in English and German. Characters show how they feel between
# asterisks because cards and role play taught models to; which words stand for which mood is our
# own reading, and so are the emoji.
_ACTED: Mapping[str, str] = {
    "happy": r"smil grins?\b grinn laugh chuckl giggl beam happ[yi]l? joyf lächel lach kicher "
    "grinst strahl fröhlich",
    "excited": "bounc cheer clap jump squeal excite hüpf jubel klatsch aufgeregt begeister",
    "playful": "wink smirk tease teasing playful tongue zwinker neckt frech",
    "surprised": "gasp startl blink surpris überrasch staun",
    "sad": r"sad(?:ly)?\b sobs?\b sobb cry cries weep teary tearful sniff whimper frown mourn "
    "weint weinend schluchz schnief traurig",
    "tired": "sigh yawn slump groan tired weary wearil seufz gähn stöhn müd",
    "angry": r"angr anger glar growl scowl snarl huff shout yells?\b yelling knurr fauch schreit "
    "wüt zorn",
    "afraid": "trembl shiver cower gulp nervous fear scared zitter nervös ängst",
    "tender": r"hugs?\b hugg cuddl kiss caress embrac whisper tender umarm streichel küss flüster "
    "zärtlich",
    "bored": "shrug bored boring zuckt langweil gelangweilt",
    "curious": r"tilt wonders?\b wondering curious neugier",
    "calm": "calm relax entspann ruhig",
}
_SHOWN: Mapping[str, str] = {
    "happy": "😀😃😄😁😆😊🙂😂🤣😍🥰",
    "excited": "🤩🎉🥳",
    "playful": "😉😏😜😝😋",
    "surprised": "😮😯😲😳",
    "sad": "😢😭😞😔🥺☹🙁💔",
    "tired": "😴🥱😪😩",
    "angry": "😠😡🤬😤",
    "afraid": "😨😰😱",
    "tender": "❤💕🤗",
    "bored": "😒🙄😑",
    "curious": "🤔🧐",
    "calm": "😌",
}
_MARKED: Mapping[str, str] = {"?!": "surprised", "!?": "surprised", "!!": "excited"}
_MARK: Mapping[str, str] = {"!": "happy", "?": "curious"}
_WIDE = str.maketrans("！？", "!?")

_WORDS = re.compile(
    r"\b(?:"
    + "|".join(f"(?P<{mood}>{'|'.join(words.split())})" for mood, words in _ACTED.items())
    + r")\w*",
    re.IGNORECASE,
)
_FACES = {face: mood for mood, faces in _SHOWN.items() for face in faces}
_CUES = re.compile(f"(?P<action>{_ACTION.pattern})|(?P<face>[{''.join(_FACES)}])")


def mood_of(text: str) -> str | None:
    """Return the mood to speak the end of ``text`` in, as ``Voice.mood`` has it, if it shows one.

    What a character does between asterisks, and emoji, hold from there to the next of them. Where
    there was none, a sentence that has ended is coloured by its mark of exclamation or question.
    """
    shown = None
    for cue in _CUES.finditer(text):
        face = cue["face"]
        shown = (_FACES[face] if face else _acted(cue["action"])) or shown
    return shown or _marked(text)


def _acted(action: str) -> str | None:
    """Return the mood of an action; of several words the last counts, as in *laughs nervously*."""
    moods = [match.lastgroup for match in _WORDS.finditer(action)]
    return moods[-1] if moods else None


def _marked(text: str) -> str | None:
    end = text.rstrip(_AFTER_MARK)[-2:].translate(_WIDE)
    return _MARKED.get(end) or _MARK.get(end[-1:])
