"""Write the numbers that the browser's engine shares with this package: one source for both.

Every constant in capitals of the modules named here, the heart model and the cards of the networks
go to web/src/engine/constants.json, which the TypeScript reads instead of having its own.

    python tools/web_constants.py            writes the file
    python tools/web_constants.py --check    fails when it is not up to date
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import camvitals
from camvitals.runtime import load

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "web" / "src" / "engine" / "constants.json"
PACKAGE = ROOT / "src" / "camvitals"
MODULES = (
    *("dsp.clean", "dsp.spectrum", "dsp.spline"),
    *("face.average", "face.backdrop", "face.coarse", "face.collect", "face.crop", "face.detect"),
    *("face.follow", "face.lattice", "face.mesh", "face.picture", "face.regions", "face.skin"),
    "face.track",
    *("waves.auto", "waves.classical", "waves.evidence", "waves.guide", "waves.inputs"),
    *("waves.lamps", "waves.learned", "waves.subspace", "waves.view"),
    *("vitals.beats", "vitals.breath", "vitals.heart", "vitals.posterior", "vitals.quality"),
    *(
        "vitals.variability",
        "vitals.variability_clock",
        "report.capture",
        "report.light",
        "report.json_file",
        "pipeline",
    ),
)
CARDS = {
    "blazeface_short": "face/models/blazeface_short.json",
    "facemesh468": "face/models/facemesh468.json",
    "regionpulse": "waves/models/regionpulse.json",
}


class Unshared(TypeError):
    """Something that is no number, word or collection of these."""


def plain(value: Any) -> Any:
    """A constant in JSON's types. Raises Unshared for functions, paths and the like."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.astype(float).tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, frozenset | set):
        return sorted(plain(entry) for entry in value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | np.floating) and np.isfinite(value):
        return float(value)
    raise Unshared(type(value).__name__)


def constants_of(name: str) -> dict[str, Any]:
    """The constants in capitals that a module defines itself or takes over."""
    found = {}
    for key, value in vars(import_module(f"camvitals.{name}")).items():
        if not key.isupper() or key.startswith("_"):
            continue
        try:
            found[key] = plain(value)
        except Unshared:
            continue
    return found


def document() -> str:
    """The whole file."""
    out: dict[str, Any] = {
        "about": "Written by tools/web_constants.py; change the Python modules, not this file.",
        "version": camvitals.__version__,
        "heart_model": json.loads((PACKAGE / "vitals" / "heart_model.json").read_text()),
        "cards": {name: card(PACKAGE / path) for name, path in CARDS.items()},
        "random": random_state(),
    }
    out |= {name: constants_of(name) for name in MODULES}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in out.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def card(path: Path) -> dict[str, Any]:
    """A network's card, its inputs, and the shapes of the state it carries from call to call."""
    model = load(path.with_suffix(".onnx"))
    shapes = {name: list(array.shape) for name, array in model.state.items()}
    return json.loads(path.read_text()) | {"inputs": list(model.inputs), "state_shapes": shapes}


def random_state() -> dict[str, str]:
    """Where numpy's generator begins with seed 0, as the bootstrap of variability draws from it."""
    state: Any = np.random.default_rng(0).bit_generator.state["state"]
    return {name: str(state[name]) for name in ("state", "inc")}


def main() -> int:
    """Write the file, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    checking = parser.parse_args().check
    text = document()
    if checking:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text
        print("up to date" if same else f"{TARGET} is old; run python tools/web_constants.py")
        return 0 if same else 1
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET}: {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
