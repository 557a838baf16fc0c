"""The one place where commands and buttons fail: people get a sentence, the log the details."""

from __future__ import annotations

import logging
import math
from typing import Any

import discord
from discord import app_commands

from frontends.discord.asking import answer
from frontends.discord.posting import PostingFailed
from services.domain.errors import AcoreError

logger = logging.getLogger(__name__)

_UNEXPECTED = "Something went wrong inside; the details are in the log. Please try again."


async def tell(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell whoever asked, privately, why it did not work; never raises for Discord's errors."""
    if isinstance(error, PostingFailed) and not interaction.is_expired():
        logger.info("a command met an obstacle", extra={"code": error.code})
    try:
        await answer(interaction, sentence(error))
    except PostingFailed as gone:
        logger.info("nobody could be told", extra={"code": gone.code})


def sentence(error: BaseException) -> str:
    """Return what people are told about ``error``."""
    if isinstance(error, app_commands.CommandInvokeError | app_commands.TransformerError):
        original = error.__cause__ or getattr(error, "original", None)
        if isinstance(original, AcoreError):
            return original.user_message
        if isinstance(error, app_commands.TransformerError):
            return f"{error.value} cannot be used there; choose one of the offered values."
    match error:
        case AcoreError():
            return error.user_message
        case app_commands.CommandOnCooldown():
            return f"That was quick; try again in {math.ceil(error.retry_after)} s."
        case app_commands.NoPrivateMessage():
            return "That works in servers only."
        case app_commands.CheckFailure():
            return "You may not do that here."
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return "That command has changed; wait a minute and try again."
        case _:
            logger.error("a command failed", exc_info=error)
            return _UNEXPECTED
