"""How each operation passes relevance on; `HANDLERS` finds them by the operation's name.

A handler runs the operation and says what is known of its outcome; its derivative carries relevance
over activation. Reasons and sources are in `propagation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from camvitals.train.explain import operations as op
from camvitals.train.explain.normalise import NORMALISED
from camvitals.train.explain.recurrent import RECURRENT
from camvitals.train.explain.rules import Layer, as_value, through

if TYPE_CHECKING:
    from camvitals.train.explain.propagation import Propagation

Call = Callable[..., Any]
Given = tuple[Any, ...]
Named = dict[str, Any]
Handler = Callable[["Propagation", Call, Given, Named], Any]


def moved(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """Numbers moved about: tracers go the same way."""
    if args and isinstance(args[0], Tensor) and it.trail(args[0]) is None:
        return constant(it, func, args, kwargs)  # laid out as something that is followed
    given = list(op.tensors((args, kwargs)))
    trails = {id(t): trail for t in given if (trail := it.trail(t)) is not None}
    if op.name_of(func) in op.JOINED:  # a constant beside what is followed takes its share

        def counted(value: Tensor) -> Tensor:
            constant = id(value) not in trails and value.is_floating_point()
            return it.absorbing(value) if constant else value

        args, kwargs = op.mapped(args, counted), op.mapped(kwargs, counted)
    told = it.followed(func(*args, **kwargs), given)
    if any(trail.tracer is None for trail in trails.values()):
        return told

    def traced(value: Tensor) -> Tensor:
        if id(value) in trails and (tracer := trails[id(value)].tracer) is not None:
            return tracer
        return torch.zeros_like(value) if value.is_floating_point() else value

    ways = func(*op.mapped(args, traced), **op.mapped(kwargs, traced))
    for tensor, way in zip(op.tensors(told), op.tensors(ways), strict=True):
        it.trace(tensor, way)
    return told


def linear(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """What keeps its derivative: f(s·z) = s·f(z) for every s > 0."""
    kwargs = {key: value for key, value in kwargs.items() if key != "inplace"}
    return it.followed(func(*args, **kwargs), (args, kwargs))


def constant(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """What counts as a number that does not depend on the input."""
    del it
    told = func(*args, **kwargs)
    return op.mapped(told, Tensor.detach) if any(True for _ in op.tensors(told)) else told


def added(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """Sums and differences; what is added and does not depend on the input is a bias."""
    like = next(t for t in op.tensors(args) if it.trail(t) is not None)

    def counted(value: Any) -> Any:
        if it.trail(value) is not None:
            return value
        if isinstance(value, Tensor):
            return it.absorbing(value) if value.is_floating_point() else value
        return it.absorbing(like.new_tensor(float(value)))

    told = it.followed(func(*(counted(a) for a in args), **kwargs), (args, kwargs))
    return _one_to_one(it, told, args)


def _one_to_one(it: Propagation, told: Any, args: Given) -> Any:
    """Where one tensor alone was moved and scaled by constants, its tracer goes on."""
    parts = [t for t in op.tensors(args) if it.trail(t) is not None]
    trail = it.trail(parts[0])
    alone = len(parts) == 1 and told.shape == parts[0].shape
    if alone and trail is not None and trail.tracer is not None:
        it.trace(told, trail.tracer)
    return told


def product(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """Products: gates among the factors are constants, and several others share evenly."""
    factors = [t for t in op.tensors((args, kwargs)) if it.trail(t) is not None]
    gates = {id(t) for t in factors if (trail := it.trail(t)) is not None and trail.gate}
    if gates and any(id(t) not in gates for t in factors):

        def settled(value: Tensor) -> Tensor:
            return value.detach() if id(value) in gates else value

        told = func(*op.mapped(args, settled), **op.mapped(kwargs, settled))
        factors = [t for t in factors if id(t) not in gates]
    else:
        told = func(*args, **kwargs)
    if len(factors) > 1:
        told = as_value(told.detach(), told / len(factors))
    told = it.followed(told, factors)
    return _one_to_one(it, told, args) if op.name_of(func) in op.ELEMENTWISE else told


def quotient(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """A quotient, whose divisor is a constant."""
    below = 0 if op.name_of(func) in ("rtruediv", "rdiv") else 1
    if it.trail(args[1 - below]) is None:
        return constant(it, func, args, kwargs)
    settled = [
        a.detach() if isinstance(a, Tensor) and k == below else a for k, a in enumerate(args)
    ]
    told = it.followed(func(*settled, **kwargs), args[1 - below])
    return _one_to_one(it, told, args)


def activated(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """f(z) = f(0) + slope · z, f element by element."""
    kwargs = {key: value for key, value in kwargs.items() if key != "inplace"}
    z, *rest = args or (kwargs.pop("input"),)

    def f(of: Tensor) -> Tensor:
        told: Tensor = func(of, *rest, **kwargs)
        return told

    with torch.no_grad():
        y, start = f(z), f(torch.zeros_like(z))
        step = torch.full_like(z, 1e-8 if z.dtype == torch.float64 else 1e-3)
        at_step = f(step)
    gate = True if op.name_of(func) in op.GATES else None
    return it.followed(_chord(it, z, y, start, (step, at_step)), z, gate=gate)


def _chord(
    it: Propagation, z: Tensor, y: Tensor, start: Tensor, small: tuple[Tensor, Tensor]
) -> Tensor:
    """The line y = start + slope · z; small: another point of it, for where z is nearly zero.

    Where z is infinite, as in a mask, nothing passes.
    """
    step, at_step = small
    near, finite = z.detach().abs() < step, z.detach().isfinite()
    slope = (torch.where(near, at_step, y) - start) / torch.where(near, step, z.detach())
    path = torch.where(finite, z, 0.0) * torch.where(finite, slope, 0.0)
    if bool((start != 0).any()):
        path = path + it.absorbing(start)
    return as_value(y, path)


def power(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """A power: an activation, unless its exponent is negative; then a constant."""
    exponent = kwargs.get("exponent", args[1] if len(args) > 1 else None)
    if isinstance(exponent, int | float) and exponent > 0:
        return activated(it, func, args, kwargs)
    return constant(it, func, args, kwargs)


def logarithm(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """It has no value at 0, so that its tangent stands for it: log z = z · (1/z) + (log z − 1)."""
    z = args[0]
    with torch.no_grad():
        y = func(*args, **kwargs)
        tangent = (func(z * (1 + 1e-6)) - y) / (1e-6 * z)
    path = z * tangent
    return it.followed(path + it.absorbing(y - path), z)


def softmax(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """A gate; where nothing is multiplied by it, an exponential over a constant."""
    z = args[0] if args else kwargs["input"]
    with torch.no_grad():
        y = func(*args, **kwargs)
        asked = kwargs.get("dim", args[1] if len(args) > 1 else None)
        axis = -1 if asked is None else int(asked)
        start = torch.exp(-torch.logsumexp(z, axis, keepdim=True)).expand_as(z)
        start = torch.where(start.isfinite(), start, y)  # all masked: nothing passes
        step = torch.full_like(z, 1e-8 if z.dtype == torch.float64 else 1e-3)
    return it.followed(_chord(it, z, y, start, (step, start * step.exp())), z, gate=True)


def attention(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """Query, key and value at once: only the value carries relevance."""
    query, key, value, *rest = args
    return it.followed(func(query.detach(), key.detach(), value, *rest, **kwargs), value)


def unit(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """`torch.nn.functional.normalize`: over a constant."""
    z = args[0]
    with torch.no_grad():
        y = func(*args, **kwargs)
        share = torch.where(z == 0, 0.0, y / torch.where(z == 0, 1.0, z))
    return it.followed(as_value(y, z * share), z)


def weighted(it: Propagation, func: Call, args: Given, kwargs: Named) -> Any:
    """Linear layers and convolutions of all kinds: the composite says by which rule."""
    named = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    a, weight, bias = named.pop("input"), named.pop("weight"), named.pop("bias", None)
    trail = it.trail(a)
    if trail is None or it.trail(weight) is not None:
        return product(it, func, args, kwargs)
    rest, dense = args[3:], op.name_of(func) == "linear"

    def apply(given: Tensor, weights: Tensor) -> Tensor:
        told: Tensor = func(given, weights, None, *rest, **named)
        return told

    if bias is not None:
        bias = it.absorbing(bias if dense else bias.reshape(-1, *[1] * (weight.ndim - 2)))
    layer = Layer(apply, weight.detach(), bias)
    told = through(it.rule_of(a, dense=dense), layer, a, trail.tracer)
    return it.followed(told, a, gate=False, deep=True)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(op.MOVED, moved),
    **dict.fromkeys(op.LINEAR, linear),
    **dict.fromkeys(op.SUMS, added),
    **dict.fromkeys(op.PRODUCTS, product),
    **dict.fromkeys(op.QUOTIENTS, quotient),
    **dict.fromkeys(op.ACTIVATIONS, activated),
    **dict.fromkeys(op.SOFTMAX, softmax),
    **dict.fromkeys(op.CONSTANTS, constant),
    **dict.fromkeys(op.WEIGHTED, weighted),
    **dict.fromkeys(("log", "log2", "log10"), logarithm),
    "pow": power,
    "normalize": unit,
    "scaled_dot_product_attention": attention,
    **NORMALISED,
    **RECURRENT,
}
