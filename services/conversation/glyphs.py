"""Classes of characters that text filters share."""

from __future__ import annotations

# The ranges of Unicode's emoji-data.txt that are pictures by default or in practice.
EMOJI = (
    "\U0001f000-\U0001faff\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\u231a\u231b\u23e9-\u23fa"
)
# What changes or joins pictures: joiner, keycap, variation selectors, tags.
EMOJI_JOINERS = "\u200d\u20e3\ufe0e\ufe0f\U000e0020-\U000e007f"
