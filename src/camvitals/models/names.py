"""Key maps written as a table of name parts, for networks whose public names are not ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def renamed(table: Mapping[str, str]) -> Callable[[str], str]:
    """Key map from a table: public part of a name -> part of ours.

    A part that begins with a dot is exchanged wherever it stands; any other only at the beginning
    of a name, the longest that fits. What the table does not name stays.

    >>> ours = renamed({"Stem0.": "stem.0.", ".norm1.": ".norm_attention."})
    >>> ours("Stem0.weight"), ours("blocks.3.norm1.bias")
    ('stem.0.weight', 'blocks.3.norm_attention.bias')
    """
    starts = sorted((p for p in table if not p.startswith(".")), key=len, reverse=True)
    inner = [p for p in table if p.startswith(".")]

    def keys(name: str) -> str:
        start = next((p for p in starts if name.startswith(p)), "")
        ours = table.get(start, "") + name[len(start) :]
        for part in inner:
            ours = ours.replace(part, table[part])
        return ours

    return keys
