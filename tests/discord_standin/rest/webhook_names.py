"""Which names a webhook may show."""

from __future__ import annotations

import re
from typing import Final

from tests.discord_standin import errors

_LONGEST: Final = 80
_FORBIDDEN = re.compile(r"clyde|discord", re.IGNORECASE)


def checked_name(name: str, *, field: str) -> str:
    """Return the name if Discord takes it.

    https://discord.com/developers/docs/resources/webhook#create-webhook
    """
    if not 1 <= len(name) <= _LONGEST:
        raise errors.invalid_form(
            field, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {_LONGEST} in length."
        )
    found = _FORBIDDEN.search(name)
    if found:
        raise errors.invalid_form(
            field, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{found[0].lower()}"'
        )
    return name
