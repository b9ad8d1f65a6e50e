"""RhythmFormer: regions, the choice among them, and public names."""

import pytest
import torch

from camvitals.models import MODELS
from camvitals.models.rhythmformer import RhythmFormer, SparseAttention, clip_of, regions_of


def test_regions_are_cut_and_put_together_again():
    x = torch.arange(2 * 3 * 8 * 4 * 6).reshape(2, 3, 8, 4, 6)
    cut = regions_of(x, (2, 1, 3))
    assert cut.shape == (2, 32, 6, 3)
    assert torch.equal(cut[1, 0, :, 2], x[1, 2, :2, :1, :3].flatten())
    assert torch.equal(cut[0, -1, :, 0], x[0, 0, -2:, -1:, -3:].flatten())
    assert torch.equal(clip_of(cut, (2, 1, 3), (8, 4, 6)), x)


def attended(layer, x):
    """Attention to every place, by the plain formula."""
    query, key, values = (
        y.flatten(2).unflatten(1, (4, 16)).transpose(-2, -1)
        for y in (layer.query(x), layer.key(x), layer.value(x))
    )
    out = torch.nn.functional.scaled_dot_product_attention(query, key, values, scale=64**-0.5)
    near = layer.near(layer.value(x))
    return layer.project(out.transpose(-2, -1).reshape(x.shape) + near)


@pytest.mark.parametrize(("frames", "all_chosen"), [(2, True), (12, False)])
def test_with_all_regions_chosen_it_is_plain_attention(frames, all_chosen):
    torch.manual_seed(0)
    layer = SparseAttention(2).eval()
    x = torch.randn(2, 64, frames, 4, 8)  # 16 regions in two frames, 96 in twelve
    with torch.no_grad():
        assert torch.allclose(layer(x), attended(layer, x), atol=1e-5) == all_chosen


@pytest.mark.parametrize(
    ("public", "ours"),
    [
        ("Fusion_Stem.stem22.0.bias", "stem.change_again.0.bias"),
        ("patch_embedding.weight", "tubes.weight"),
        ("stages.2.downsample_layers.2.0.running_var", "stages.2.2.0.running_var"),
        ("stages.0.blocks.1.attn.proj_q.0.conv.weight", "stages.0.2.attention.query.0.conv.weight"),
        ("stages.1.blocks.0.attn.proj_v.0.weight", "stages.1.2.attention.value.weight"),
        ("stages.1.blocks.0.attn.output_linear.bias", "stages.1.2.attention.project.bias"),
        ("stages.0.blocks.0.mlp.3.weight", "stages.0.1.forward_part.3.weight"),
        ("stages.2.upsample_layers.1.1.weight", "stages.2.6.1.weight"),
        ("ConvBlockLast.bias", "head.bias"),
    ],
)
def test_public_names_find_their_place(public, ours):
    assert MODELS["rhythmformer"].keys(public) == ours
    with torch.device("meta"):
        assert ours in RhythmFormer().state_dict()


def test_what_nothing_uses_has_no_place():
    assert MODELS["rhythmformer"].keys("stages.0.blocks.0.attn.qkv_linear.weight") is None
