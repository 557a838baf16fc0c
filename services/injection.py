"""The container library, without the web frameworks it would load on sight.

Its wiring module imports FastAPI wherever that is installed, a tenth of a second at every start;
acore does not use wiring.
"""

from __future__ import annotations

import sys

_UNWANTED = [name for name in ("fastapi", "starlette", "flask") if name not in sys.modules]
for _name in _UNWANTED:
    sys.modules[_name] = None  # type: ignore[assignment] # makes their import fail
try:
    from dependency_injector import containers as containers
    from dependency_injector import providers as providers
finally:
    for _name in _UNWANTED:
        del sys.modules[_name]
