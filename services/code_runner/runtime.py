"""Where the interpreter is."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from services.domain.errors import Refused

_PACKAGE = "pydantic_monty"
_PROGRAM = "monty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The folder of packages and the interpreter's program."""

    packages: Path
    program: Path


def found_runtime() -> Runtime:
    """Return where the interpreter is without loading it; raises ``Refused`` where it is not."""
    if sys.platform != "linux":
        raise Refused("code_unavailable", "Code is run on Linux only; set code.enabled to false.")
    spec = importlib.util.find_spec(_PACKAGE)
    program = Path(sysconfig.get_path("scripts")) / _PROGRAM
    if spec is None or spec.origin is None or not program.is_file():
        raise Refused(
            "code_unavailable",
            "Code cannot be run: the package pydantic-monty is missing; install it or set "
            "code.enabled to false.",
        )
    return Runtime(packages=Path(spec.origin).parents[1], program=program)
