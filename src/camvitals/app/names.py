"""Names that others give to their files, made harmless; no file here is ever called by one."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
IDENTITY = re.compile(r"[0-9a-f]{32}")


def safe_name(given: str) -> str:
    """The last part of a path in anybody's way of writing it, without what cannot be printed."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    shown = "".join(c for c in last if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF)
    shown = shown.strip(". ")
    if len(shown) > LONGEST:
        stem, dot, ending = shown.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        shown = shown[: LONGEST - len(ending)] + ending
    return shown or "video"


def is_identity(text: str) -> bool:
    """Whether a text can be the number of a job."""
    return IDENTITY.fullmatch(text) is not None
