"""Layer-wise relevance propagation through any network in torch, operation by operation.

While a `Propagation` is active every operation on what depends on the input is given a derivative
that carries relevance over activation back. Layers with weights follow the rules of a composite.
Elsewhere:

* what is linear, and what picks the largest, keeps its derivative;
* an activation f has the slope of its chord, (f(z) − f(0))/z; f(0) acts as a bias;
* of a product one factor may be a gate (it went through a sigmoid, a softmax, a softplus or an
  exponential, and nothing with weights since): it counts as a constant, and so does what divides
  (Arras et al., EMNLP workshop 2017; Ali et al., ICML 2022). Two factors that are no gates get half
  each (Achtibat et al., ICML 2024);
* batch, layer, group and instance normalisation divide by a constant.

Whatever acts as a bias keeps its share; those shares are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from camvitals.records import InputError
from camvitals.train.explain import operations as op
from camvitals.train.explain.handlers import HANDLERS
from camvitals.train.explain.rules import Composite, Rule


@dataclass(frozen=True, slots=True)
class Trail:
    """What is known of a tensor that depends on the input.

    gate: it is a factor between others' activations.   deep: a layer with weights lies before it.
    tracer: zeros that went the way of the input, while that only moved numbers about.
    """

    gate: bool = False
    deep: bool = False
    tracer: Tensor | None = None


class Propagation(TorchFunctionMode):
    """A network's operations with the derivatives of relevance propagation.

    Raises InputError, while active, at an operation that has no rule.
    """

    def __init__(self, module: nn.Module, composite: Composite) -> None:
        super().__init__()
        self.composite = composite
        self.biases: list[Tensor] = []  # leaves: value times derivative is what each absorbs
        self._module, self._where = module, ["the network"]
        self._trails: MutableMapping[Tensor, Trail] = WeakTensorKeyDictionary()

    @contextmanager
    def watching(self, x: Tensor, tracer: Tensor) -> Iterator[None]:
        """Follow the input x (a leaf) and zeros of its shape, and know which layer is at work."""
        self._trails[x] = Trail(tracer=tracer)
        hooks = []
        for name, part in self._module.named_modules():
            hooks.append(part.register_forward_pre_hook(self._entered(name)))
            hooks.append(part.register_forward_hook(self._left, always_call=True))
        try:
            with self:
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _entered(self, name: str) -> Callable[[nn.Module, Any], None]:
        def enter(_part: nn.Module, _given: Any) -> None:
            self._where.append(name or "the network")

        return enter

    def _left(self, _part: nn.Module, _given: Any, _told: Any) -> None:
        self._where.pop()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one operation, with its own derivative or another."""
        del types
        kwargs = kwargs or {}
        followed = any(t in self._trails for t in op.tensors((args, kwargs)))
        if not followed or not torch.is_grad_enabled():
            return func(*args, **kwargs)
        name = op.name_of(func)
        name, func = op.OUT_OF_PLACE.get(name, (name, func))
        handler = HANDLERS.get(name)
        if handler is not None:
            return handler(self, func, args, kwargs)
        written = name == "setitem" or name.endswith("_")
        told = None if written else func(*args, **kwargs)
        if written or any(op.has_slope(t) for t in op.tensors(told)):
            raise InputError(
                f"relevance propagation has no rule for {name} in {self._where[-1]}; use "
                "integrated-gradients or occlusion"
            )
        return told

    def trail(self, value: Any) -> Trail | None:
        """What is known of a value; None where it does not depend on the input."""
        return self._trails.get(value) if isinstance(value, Tensor) else None

    def followed(
        self, told: Any, given: Any, *, gate: bool | None = None, deep: bool = False
    ) -> Any:
        """What came out, its trail taken from what went in; no tracer goes further."""
        trails = [self._trails[t] for t in op.tensors(given) if t in self._trails]
        gates = all(t.gate for t in trails) if gate is None else gate
        trail = Trail(gates, deep or any(t.deep for t in trails))
        for tensor in op.tensors(told):
            if tensor.is_floating_point():
                self._trails[tensor] = trail
        return told

    def trace(self, tensor: Tensor, tracer: Tensor) -> None:
        """Say which tracer went the way of a tensor that is followed."""
        trail = self._trails.get(tensor)
        if trail is not None:
            self._trails[tensor] = replace(trail, tracer=tracer)

    def absorbing(self, bias: Tensor) -> Tensor:
        """A constant that takes part as a bias does, as a leaf that is counted."""
        leaf = bias.detach().clone().requires_grad_()
        self.biases.append(leaf)
        return leaf

    def rule_of(self, a: Tensor, *, dense: bool) -> Rule:
        """Which rule a layer with weights that takes `a` follows."""
        trail = self.trail(a)
        if trail is None or not trail.deep:
            return self.composite.first
        return self.composite.dense if dense else self.composite.convolution
