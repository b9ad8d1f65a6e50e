"""What a visitor may wish of a measurement: names that ship, and no path of this computer."""

from __future__ import annotations

from functools import cache

from camvitals.app.refusal import Refused

ROIS = ("face", "skin", "frame", "finger")
MASKS = ("otsu", "chroma", "none")


@cache
def methods() -> tuple[str, ...]:
    """Every method by its name."""
    from camvitals.waves.auto import AUTO
    from camvitals.waves.ecg import drawers
    from camvitals.waves.learned import shipped
    from camvitals.waves.run import METHODS

    return (AUTO, *METHODS, *shipped(), *drawers())


def wishes_of(method: str, roi: str, skin: str) -> dict[str, str]:
    """The wishes as settings. Raises Refused for names that are none of ours."""
    given = {"method": (method, methods()), "roi": (roi, ROIS), "skin": (skin, MASKS)}
    for name, (value, known) in given.items():
        if value not in known:
            raise Refused("bad_request", f"no {name} {value[:40]!r}; choose {', '.join(known)}")
    from camvitals.pipeline import Settings
    from camvitals.records import InputError

    wishes = {name: value for name, (value, _) in given.items()}
    try:
        Settings(**wishes)
    except InputError as error:
        raise Refused("bad_request", str(error)) from error
    return wishes
