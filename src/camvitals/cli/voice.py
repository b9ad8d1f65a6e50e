"""How every command speaks when something is wrong: one line on standard error, one exit code."""

from __future__ import annotations

import sys

WRONG_INPUT = 2
INTERRUPTED = 130


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"camvitals: {' '.join(text.split())}", file=sys.stderr)
