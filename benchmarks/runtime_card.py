"""Networks in half precision on a GPU: one clip, and the batch with the most frames a second."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runtime_call import inputs_of, onnx_call, spent
from runtime_subject import Subject, module_of

from camvitals.card import ModelCard
from camvitals.records import Array, InputError
from camvitals.runtime import load

MOST_ON_CARD = 4096


def on_card(subject: Subject, forms: Mapping[str, str], *, seconds: float) -> Iterator[list[Any]]:
    """Rows of half precision on a GPU: one clip, and the batch with the most frames a second."""
    import torch

    model = load(forms["float32"])
    for form, make in CARD_FORMS.items():
        speeds: dict[int, tuple[float, list[float]]] = {}
        batch = 1
        while batch <= MOST_ON_CARD:
            arrays = inputs_of(model, batch=batch, frames=subject.frames)
            try:
                call = make(subject, model.card, forms, arrays)
                call()
                times = spent(call, seconds / 4)
            except Exception as error:  # no memory, or no such form
                said = str(error).split("\n")[0][:120]
                print(f"{subject.name} {form}, batch {batch}: {said}", file=sys.stderr)
                break
            speeds[batch] = (batch * subject.frames / statistics.median(times), times)
            batch *= 2
        if speeds:
            best = max(speeds, key=lambda b: speeds[b][0])
            for chosen in dict.fromkeys((1, best)):
                speed, times = speeds[chosen]
                middle = 1e3 * statistics.median(times) / (chosen * subject.frames)
                late = 1e3 * sorted(times)[int(0.99 * len(times))] / (chosen * subject.frames)
                yield [subject.name, form, chosen, f"{speed:,.0f}", f"{middle:.4f}", f"{late:.4f}"]
        torch.cuda.empty_cache()


def _eager(subject: Subject, card: ModelCard, _: Any, arrays: Array) -> Callable[[], Any]:
    import torch

    module, state = module_of(subject, card)
    module = module.half().cuda()
    clips = torch.from_numpy(arrays).half().cuda()
    many = tuple(s.half().cuda().repeat(len(clips), *[1] * (s.ndim - 1)) for s in state)

    def call() -> None:
        with torch.inference_mode():
            module(clips, *many)
        torch.cuda.synchronize()

    return call


def _graphed(subject: Subject, card: ModelCard, _: Any, arrays: Array) -> Callable[[], Any]:
    """The same kernels, started all at once."""
    import torch

    module, state = module_of(subject, card)
    module = module.half().cuda()
    clips = torch.from_numpy(arrays).half().cuda()
    many = tuple(s.half().cuda().repeat(len(clips), *[1] * (s.ndim - 1)) for s in state)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(beside):
        for _turn in range(3):
            module(clips, *many)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        module(clips, *many)

    def call() -> None:
        graph.replay()
        torch.cuda.synchronize()

    return call


def _through(device: str) -> Callable[..., Callable[[], Any]]:
    """ONNX Runtime, with the copies to the card and back that a call of `runtime` makes."""

    def make(_: Subject, __: ModelCard, forms: Mapping[str, str], arrays: Array) -> Any:
        return onnx_call(load(forms["float16"], device=device), arrays)

    return make


CARD_FORMS: dict[str, Callable[..., Callable[[], Any]]] = {
    "torch float16": _eager,
    "torch float16, CUDA graph": _graphed,
    "onnx float16, cuda": _through("cuda"),
    "onnx float16, tensorrt": _through("tensorrt"),
}


def check_card() -> str:
    """Name of the GPU. Raises InputError where torch finds none."""
    import torch

    if not torch.cuda.is_available():
        raise InputError(
            "--device cuda needs an NVIDIA GPU and a torch built for it but torch finds none; run "
            "it where there is one, or leave the option out"
        )
    return str(torch.cuda.get_device_name(0))
