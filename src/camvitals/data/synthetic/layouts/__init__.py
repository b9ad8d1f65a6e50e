"""Made people laid out as the public corpora are: a stand-in until the real one is granted.

The names are those of data.corpora.CORPORA; every reader is tested on what is written here.
"""

from __future__ import annotations

from camvitals.data.synthetic.layouts.layout import Layout, write_corpus

__all__ = ["LAYOUTS", "Layout", "write_corpus"]

LAYOUTS: dict[str, Layout] = {}
