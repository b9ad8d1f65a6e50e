"""Operations of torch by what relevance propagation makes of them, and values nested in them."""

# ruff: noqa: SIM905  (names in rows are read better than quoted)
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

MOVED = frozenset(
    """view reshape flatten unflatten permute transpose swapaxes movedim moveaxis contiguous getitem
    cat concat concatenate stack split chunk tensor_split unbind unsqueeze squeeze expand expand_as
    repeat tile repeat_interleave clone select narrow index_select gather take_along_dim flip roll
    pad to float double type type_as dropout dropout1d dropout2d dropout3d alpha_dropout
    feature_alpha_dropout unfold broadcast_to t rot90 view_as reshape_as pixel_shuffle
    pixel_unshuffle property_T property_mT""".split()
)
JOINED = frozenset({"cat", "concat", "concatenate", "stack"})
LINEAR = frozenset(
    """sum mean diff cumsum neg avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d interpolate upsample where masked_fill tril triu
    relu leaky_relu rrelu prelu abs max min amax amin maximum minimum topk sort median
    max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d
    adaptive_max_pool3d""".split()
)
SUMS = frozenset("add radd sub rsub subtract".split())
PRODUCTS = frozenset(
    "mul rmul multiply matmul rmatmul bmm mm mv dot outer einsum inner tensordot".split()
)
ELEMENTWISE = frozenset("mul rmul multiply".split())
QUOTIENTS = frozenset("div truediv rtruediv rdiv divide true_divide".split())
# Activations that make a gate of what they give.
GATES = frozenset("sigmoid softplus exp hardsigmoid logsigmoid".split())
ACTIVATIONS = GATES | frozenset(
    """tanh gelu elu selu celu silu mish relu6 hardtanh hardswish softsign tanhshrink softshrink
    hardshrink clamp clamp_min clamp_max clip square sin asinh atan sqrt log1p expm1 erf""".split()
)
SOFTMAX = frozenset(["softmax"])
# What stands below a fraction, or does not depend on the values at all.
CONSTANTS = frozenset(
    """detach zeros_like ones_like full_like empty_like rand_like randn_like new_tensor new_zeros
    new_ones new_full new_empty std var norm vector_norm rsqrt reciprocal sign round
    floor ceil property_data item tolist numpy bernoulli logsumexp log_softmax""".split()
)
WEIGHTED = frozenset(
    """linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d""".split()
)
# Written in place, but used for what they return.
OUT_OF_PLACE: dict[str, tuple[str, Callable[..., Any]]] = {
    "iadd": ("add", torch.add),
    "isub": ("sub", torch.sub),
    "imul": ("mul", torch.mul),
    "itruediv": ("div", torch.div),
}


def name_of(func: Callable[..., Any]) -> str:
    """The bare name of an operation: "add" of `torch.add` and `Tensor.__add__`; in-place: "add_".

    A property is "property_" and its name.
    """
    name: str = getattr(func, "__name__", str(func))
    if name == "__get__":
        owner = getattr(func, "__self__", None)
        return f"property_{getattr(owner, '__name__', '')}"
    if name.endswith("_") and not name.endswith("__"):
        return name
    return name.strip("_")


def has_slope(tensor: Tensor) -> bool:
    """Whether a derivative can be taken of it: real or complex, no whole numbers."""
    return tensor.is_floating_point() or tensor.is_complex()


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part)


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same nest with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(part, change) for key, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [mapped(part, change) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value
