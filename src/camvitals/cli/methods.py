"""`camvitals methods`: what can be asked for by name."""

from __future__ import annotations


def methods() -> None:
    """List the pulse methods and where each comes from."""
    from rich.console import Console
    from rich.table import Table

    from camvitals.waves.ecg import drawers, ecg_network
    from camvitals.waves.learned import shipped
    from camvitals.waves.run import METHODS, find

    table = Table("method", "needs", "seconds", "source", box=None)
    for name in (*METHODS, *shipped()):
        method = find(name)
        table.add_row(name, method.needs, f"{method.minimum:g}", method.source)
    for name in drawers():
        card = ecg_network(name).card
        table.add_row(name, "the pulse of auto", "5", card.source)
    Console().print(table)
