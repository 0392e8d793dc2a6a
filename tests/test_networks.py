"""The networks have the shapes of the table, end in logits, and refuse senseless sizes."""

import pytest
import torch
from torch import nn

from vae_utils.networks import conv_decoder, conv_encoder, mlp_decoder, mlp_encoder, small_conv_decoder

ENCODERS = [mlp_encoder, conv_encoder]
DECODERS = [mlp_decoder, conv_decoder, small_conv_decoder]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(("batch", "outputs"), [(1, 1), (3, 20)])
def test_encoders_map_images_to_outputs(encoder, batch, outputs):
    assert encoder(outputs)(torch.rand(batch, 1, 28, 28)).shape == (batch, outputs)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(("batch", "latent_dim"), [(1, 1), (3, 20)])
def test_decoders_map_codes_to_images(decoder, batch, latent_dim):
    assert decoder(latent_dim)(torch.randn(batch, latent_dim)).shape == (batch, 1, 28, 28)


@pytest.mark.parametrize(
    ("network", "x", "shapes"),
    [
        (mlp_encoder(5), torch.rand(2, 1, 28, 28), [(784,), (400,), (5,)]),
        (mlp_encoder(5, hidden=7), torch.rand(2, 1, 28, 28), [(784,), (7,), (5,)]),
        (mlp_decoder(5), torch.rand(2, 5), [(400,), (784,), (1, 28, 28)]),
        (mlp_decoder(5, hidden=7), torch.rand(2, 5), [(7,), (784,), (1, 28, 28)]),
        (mlp_encoder(5, hidden=(7, 6)), torch.rand(2, 1, 28, 28), [(784,), (7,), (6,), (5,)]),
        (mlp_decoder(5, hidden=(7, 6)), torch.rand(2, 5), [(6,), (7,), (784,), (1, 28, 28)]),
        (mlp_decoder(5, hidden=()), torch.rand(2, 5), [(784,), (1, 28, 28)]),
        (conv_encoder(5), torch.rand(2, 1, 28, 28), [(16, 14, 14), (32, 7, 7), (1568,), (128,), (5,)]),
        (conv_decoder(5), torch.rand(2, 5), [(128,), (1568,), (32, 7, 7), (16, 14, 14), (1, 28, 28)]),
        (small_conv_decoder(5), torch.rand(2, 5), [(96,), (784,), (16, 7, 7), (16, 14, 14), (1, 28, 28)]),
    ],
)
def test_what_lies_between_is_as_the_table_says(network, x, shapes):
    seen = []
    for layer in network:
        x = layer(x)
        seen.append(tuple(x.shape[1:]))
    assert [shape for shape, before in zip(seen, [None, *seen], strict=False) if shape != before] == shapes


@pytest.mark.parametrize("network", [*(make(3) for make in ENCODERS), *(make(3) for make in DECODERS)])
def test_outputs_are_not_squashed(network):
    # Logits, means and log variances may be any number: the last layer that computes is linear.
    last = [layer for layer in network if not isinstance(layer, nn.Unflatten)][-1]
    assert isinstance(last, nn.Linear | nn.ConvTranspose2d)
    with torch.no_grad():
        last.weight.mul_(0)
        for value in (-50.0, 50.0):
            last.bias.fill_(value)
            x = torch.rand(2, 1, 28, 28) if network[0].__class__ in (nn.Flatten, nn.Conv2d) else torch.rand(2, 3)
            assert (network(x) == value).all()


@pytest.mark.parametrize("decoder", [mlp_decoder(2), conv_decoder(2), small_conv_decoder(2)])
def test_every_pixel_and_every_code_has_a_gradient(decoder):
    torch.manual_seed(0)
    z = torch.randn(64, 2, requires_grad=True)
    image = decoder(z)
    image.square().sum().backward()
    assert (z.grad != 0).all()
    assert (image.std(0) > 0).all()


@pytest.mark.parametrize("value", [0, -3])
@pytest.mark.parametrize("make", ENCODERS + DECODERS)
def test_sizes_below_one_are_refused_by_name(make, value):
    name = "outputs" if make in ENCODERS else "latent_dim"
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, received {value}"):
        make(value)


@pytest.mark.parametrize("make", [mlp_encoder, mlp_decoder])
def test_a_hidden_layer_without_units_is_refused(make):
    with pytest.raises(ValueError, match="hidden must be .* received 0"):
        make(2, hidden=0)


@pytest.mark.parametrize("value", [2.0, True, "2", None])
def test_sizes_that_are_not_whole_numbers_are_refused(as_a_learner, value):
    with pytest.raises(ValueError, match=f"latent_dim must be a whole number of at least 1, received {value!r}"):
        conv_decoder(value)


@pytest.mark.parametrize("network", [mlp_encoder, mlp_decoder])
def test_the_activation_follows_every_layer_but_the_last(network):
    kinds = [type(layer) for layer in network(5, hidden=(7, 6), activation="tanh") if hasattr(layer, "weight") is False]
    assert [kind for kind in kinds if kind not in (nn.Flatten, nn.Unflatten)] == [nn.Tanh, nn.Tanh]
    with pytest.raises(ValueError, match="activation must be one of 'relu', 'tanh', received 'selu'"):
        network(5, activation="selu")


@pytest.mark.parametrize("hidden", [(200, 0), 2.5, None])
def test_every_hidden_width_is_checked(hidden, as_a_learner):
    with pytest.raises(ValueError, match="hidden must be a whole number of at least 1, received"):
        mlp_encoder(5, hidden)
