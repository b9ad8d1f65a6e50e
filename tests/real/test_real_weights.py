"""Released weights of others: imported, exported, and measured with."""

import pytest

from camvitals import measure

pytest.importorskip("torch", reason="weights need torch")

NAMES = {
    "physnet": "UBFC-rPPG_PhysNet_DiffNormalized.pth",
    "factorizephys": "UBFC-rPPG_FactorizePhys_FSAM_Res.pth",
}


@pytest.fixture(scope="module")
def released(real_data, tmp_path_factory):
    """Name -> ONNX file of the released weights."""
    import torch

    from camvitals.models import MODELS
    from camvitals.train.export import export
    from camvitals.train.graph import Reading, card_of
    from camvitals.train.weights import import_weights

    torch.set_num_threads(1)
    folder, made = tmp_path_factory.mktemp("released"), {}
    for name, file in NAMES.items():
        path = real_data / "weights" / file
        if not path.is_file():
            pytest.skip(f"no {path}")
        architecture = MODELS[name]
        module = architecture.build(size=architecture.size)
        import_weights(path, architecture, module)
        card = card_of(architecture, name=name, rate=30.0, crop={"extension": 0.5})
        made[name] = export(Reading(module, architecture), card, folder / f"{name}.onnx")
    return made


def test_released_weights_do_in_onnx_what_they_do_in_torch(released):
    for found in released.values():
        assert max(found.apart.values()) < 1e-4
        assert found.free == ("batch", "time")


def test_a_still_face_has_the_rate_that_colour_methods_agree_on(released, real_data):
    clip = real_data / "face-video" / "bebosudo" / "still.webm"
    heart = measure(clip, method=str(released["factorizephys"].path)).reading("heart_rate")
    assert heart.value is not None, heart.why
    assert 81 <= heart.value <= 86
