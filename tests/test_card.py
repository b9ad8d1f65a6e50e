import json
from dataclasses import replace
from pathlib import Path

import pytest

from camvitals.card import ModelCard, digest
from camvitals.records import InputError

CARD = ModelCard(
    name="tiny",
    version="1",
    task="pulse",
    size=(36, 36),
    colour="RGB",
    scale=(0.0, 1.0),
    rate=30.0,
    outputs={"wave": "(T,) pulse, arbitrary unit"},
    training_data="none",
    licence="Apache-2.0",
    operating_range="none",
    source="made here",
    sha256="0" * 64,
    state={"state_out": "state_in"},
    golden={"wave": (0.25, -1.0)},
)


def test_a_card_survives_its_file(tmp_path: Path) -> None:
    CARD.save(tmp_path / "tiny.json")
    assert ModelCard.load(tmp_path / "tiny.json") == CARD


def test_a_card_without_pictures_survives_its_file(tmp_path: Path) -> None:
    card = replace(CARD, size=None, rate=None, colour="")
    card.save(tmp_path / "tiny.json")
    assert ModelCard.load(tmp_path / "tiny.json") == card


def test_an_incomplete_card_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    CARD.save(path)
    given = json.loads(path.read_text())
    del given["licence"]
    path.write_text(json.dumps(given | {"license": "MIT"}))
    with pytest.raises(InputError, match=r"lacks \['licence'\], has unknown \['license'\]"):
        ModelCard.load(path)


@pytest.mark.parametrize("text", ["", "[1, 2]"])
def test_other_files_are_not_cards(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(text)
    with pytest.raises(InputError, match="model card"):
        ModelCard.load(path)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model card in .*tiny\.json"):
        ModelCard.load(tmp_path / "tiny.json")


def test_only_the_very_weights_belong_to_a_card(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"weights")
    card = replace(CARD, sha256=digest(path))
    card.verify(path.read_bytes(), "tiny.onnx")
    with pytest.raises(InputError, match=r"tiny\.onnx has sha256"):
        card.verify(b"weighty", "tiny.onnx")
