"""acore's command line; ``main.py --help`` lists what it can do."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the command named on the command line and return its exit code."""
    # What imports make stays for good: looking through it less often saves a tenth of the start.
    gc.set_threshold(20_000, 20, 20)
    from services.storage.sqlite import use_modern_sqlite

    use_modern_sqlite()
    from frontends.console.commandline import execute
    from frontends.launcher import launch

    return execute(sys.argv[1:], launch=launch)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
