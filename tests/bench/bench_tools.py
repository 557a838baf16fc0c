"""Tools: the loop's own cost, choosing among many, and how well the built-in model uses them."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ValidationError

from services.domain.calls import ToolCall
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError
from services.domain.ids import ConversationId
from services.domain.replies import (
    ConfirmationRequested,
    ReplyEvent,
    TextDelta,
    ToolStarted,
)
from services.factory import ServiceFactory
from services.llm.embedded.supervisor import EmbeddedServer
from services.llm.model import ChatModel
from services.llm.ollama import OllamaModel
from services.llm.priority import ProviderLane
from services.settings import EmbeddedSettings, LlmSettings
from services.toolbox.selection import ToolSelection
from services.toolbox.spec import Cost, Effect, ToolContext, ToolSpec
from tests.bench.results import Figure, median, percentile, report
from tests.bench.tool_requests import CONFIRMING, TUNING, Asked
from tests.fakes.app import opened_app, settings_in
from tests.fakes.recording import RecordingDelivery, RecordingSink
from tests.fakes.scripted_model import Script, ScriptedModel

UNLIMITED = {"user_limit": 10**9, "channel_limit": 10**9}
ROUNDS = 5
ANSWERS = 60
LONGEST_ANSWER = 32
"""Tokens of an answer that are waited for; whether it is a call is known by then."""
