"""A model's decoder as data that a web page can run: a description of its layers, and its weights as bytes.

`decoder.js`, beside this file, runs it. What this is not: a general exporter. It knows the layers of the series'
decoders.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.widgets.decoding import decode

TOLERANCE = 0.5 / 255  # pixels: half a grey level
ACTIVATIONS = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}
KNOWN = "Linear, ConvTranspose2d, Unflatten, ReLU, Tanh and Sigmoid"


class NotExportable(ValueError):
    """The browser cannot run this model; the message says why."""


@dataclass(frozen=True)
class ExportedDecoder:
    """What `decoder.js` needs.

    layers: one description a layer, ready for JSON; places of weights count numbers from the start.
    weights: all weights, one after the other, little-endian.
    precision: "float16", or "float32" where half precision would be seen in the pictures.
    """

    layers: list[dict]
    weights: bytes
    precision: str


def export_decoder(model: nn.Module, codes: Float[Tensor, "B K"] | None = None) -> ExportedDecoder:
    """Describe a model's decoder for the browser, and check on some codes that it shows what the model shows.

    Args:
        model: has `decoder`, an nn.Sequential from codes (B, K) to logits or pixels (B, 1, H, W), and `generate`.
        codes: (B, K) codes to check; by default 64 draws of three times the prior's width.

    Returns:
        Layers and weights; with weights of 16 bits if that changes no pixel by half a grey level, else of 32.

    Raises:
        NotExportable: a layer that the browser cannot run, or pictures that would not be those of `model.generate`.
    """
    decoder = getattr(model, "decoder", None)
    if not isinstance(decoder, nn.Sequential):
        found = "no decoder" if decoder is None else f"a decoder of type {type(decoder).__name__}"
        raise NotExportable(f"{type(model).__name__} has {found}; an nn.Sequential is needed")
    flat = copy.deepcopy(decoder).cpu().float().eval()
    layers, tensors = _describe(flat)
    if codes is None:
        codes = 3 * torch.randn(64, layers[0]["inputs"], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = _wanted(model, codes)
        if wanted.ndim != 4 or wanted.shape[1] != 1:
            raise NotExportable(f"its pictures have the shape {tuple(wanted.shape)}; (B, 1, H, W) is needed")
        plain, squashed = flat(codes), flat(codes).sigmoid()
        if _apart(squashed, wanted) <= TOLERANCE:
            layers.append({"type": "sigmoid"})
        elif _apart(plain, wanted) > TOLERANCE:
            raise NotExportable("model.generate does more than its decoder and a sigmoid")
        for precision, kind in (("float16", np.float16), ("float32", np.float32)):
            with np.errstate(over="ignore"):
                arrays = [tensor.detach().numpy().astype(kind) for tensor in tensors]
            rounded = copy.deepcopy(flat)
            for tensor, array in zip(_weights(rounded), arrays, strict=True):
                tensor.copy_(torch.from_numpy(array.astype(np.float32)))
            shown = rounded(codes).sigmoid() if layers[-1] == {"type": "sigmoid"} else rounded(codes)
            if _apart(shown, wanted) <= TOLERANCE:
                data = b"".join(array.astype(array.dtype.newbyteorder("<")).tobytes() for array in arrays)
                return ExportedDecoder(layers, data, precision)
    raise NotExportable("its weights are not finite or too large")


def _wanted(model: nn.Module, codes: Tensor) -> Tensor:
    try:
        return decode(model, codes).float()
    except (TypeError, RuntimeError) as problem:
        raise NotExportable(f"model.generate failed for codes {tuple(codes.shape)}: {problem}") from None


def _apart(shown: Tensor, wanted: Tensor) -> float:
    """The largest difference of a pixel; infinite if the shapes differ or a pixel is not a number."""
    if shown.shape != wanted.shape or not torch.isfinite(shown).all():
        return float("inf")
    return float((shown - wanted).abs().max())


def _weights(network: nn.Sequential) -> list[Tensor]:
    """The weights in the order in which they are written."""
    layers = (layer for layer in network if isinstance(layer, nn.Linear | nn.ConvTranspose2d))
    return [tensor for layer in layers for tensor in (layer.weight, layer.bias) if tensor is not None]


def _describe(network: nn.Sequential) -> tuple[list[dict], list[Tensor]]:
    described, place = [], 0
    for index, layer in enumerate(network):
        if type(layer) in ACTIVATIONS:
            described.append({"type": ACTIVATIONS[type(layer)]})
        elif type(layer) is nn.Unflatten and layer.dim == 1:
            described.append({"type": "unflatten", "shape": [int(length) for length in layer.unflattened_size]})
        elif type(layer) is nn.Linear or (type(layer) is nn.ConvTranspose2d and layer.groups == 1):
            if type(layer) is nn.Linear:
                entry = {"type": "linear", "inputs": layer.in_features, "outputs": layer.out_features}
            else:
                entry = {"type": "conv_transpose", "inputs": layer.in_channels, "outputs": layer.out_channels}
                entry["kernel"] = list(layer.kernel_size)
                for name in ("stride", "padding", "output_padding", "dilation"):
                    entry[name] = list(getattr(layer, name))
            entry["weight"], place = place, place + layer.weight.numel()
            entry["bias"] = None if layer.bias is None else place
            place += 0 if layer.bias is None else layer.bias.numel()
            described.append(entry)
        else:
            raise NotExportable(f"layer {index} of its decoder is {layer}; the browser runs {KNOWN}")
    if not described or described[0]["type"] != "linear":
        raise NotExportable("its decoder does not begin with a Linear layer")
    return described, _weights(network)
