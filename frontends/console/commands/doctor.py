"""Look for what is wrong with this installation, and say what to do about it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from frontends.console.invocation import Invocation
from services.domain.clock import SystemClock
from services.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from services.doctor.check import Case, Models


def configure(parser: argparse.ArgumentParser) -> None:
    """Add how far it goes and how it is shown."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    parser.add_argument(
        "--fix", action="store_true", help="put right what can be put right, then look again"
    )
    parser.add_argument(
        "--live", action="store_true", help="also ask the model and try the keys, for real"
    )


async def execute(call: Invocation) -> int:
    """Examine, repair when asked to, show what was found."""
    from frontends.console.diagnosis import Diagnosis, as_json, as_table, exit_code
    from services.doctor.examination import examine, repair

    case, live = _case(call), call.arguments.live
    findings, repairs = await examine(case, live=live), None
    if call.arguments.fix:
        repairs = await repair(case, findings)
        if any(each.done for each in repairs):
            findings = await examine(case, live=live)
    diagnosis = Diagnosis(findings=findings, repairs=repairs)
    if call.arguments.as_json:
        sys.stdout.write(json.dumps(as_json(diagnosis), ensure_ascii=True) + "\n")
    else:
        sys.stdout.write(as_table(diagnosis, out=sys.stdout, environ=os.environ))
    return exit_code(findings)


def _case(call: Invocation) -> Case:
    from services.doctor.check import Case
    from services.doctor.salvage import salvaged_storage

    source, loaded = call.source, call.loaded
    usable = not isinstance(loaded, ConfigurationError)
    if not usable and not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())  # there is no log to write to
    return Case(
        settings=loaded,
        storage=salvaged_storage(
            data=call.arguments.data,
            config=source.config,
            environ=source.environ,
            cwd=source.cwd,
        )
        if isinstance(loaded, ConfigurationError)
        else loaded.storage,
        environ=source.environ,
        cwd=source.cwd,
        config=source.config,
        clock=SystemClock(),
        models=(lambda: _models(call)) if usable else None,
    )


@asynccontextmanager
async def _models(call: Invocation) -> AsyncIterator[Models]:
    from services.factory import ServiceFactory

    async with ServiceFactory(settings=call.settings).models() as models:
        yield models
