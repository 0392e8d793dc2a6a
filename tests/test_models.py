"""The models: what comes out of each method, in which order, and from which random numbers."""

import pytest
import torch

from vae_utils import VAE, Autoencoder, Classifier
from vae_utils.models import ConditionalVAE
from vae_utils.networks import conv_decoder, conv_encoder, mlp_decoder, mlp_encoder, small_conv_decoder

NETWORKS = {
    "mlp": (mlp_encoder, mlp_decoder),
    "conv": (conv_encoder, conv_decoder),
    "conv-small": (conv_encoder, small_conv_decoder),
}
architectures = pytest.mark.parametrize("architecture", ["mlp", "conv", "conv-small"])


def vae(latent_dim=3, architecture="mlp"):
    torch.manual_seed(0)
    return VAE(latent_dim, architecture)


@architectures
@pytest.mark.parametrize("batch", [1, 4])
def test_shapes(architecture, batch):
    x, z = torch.rand(batch, 1, 28, 28), torch.randn(batch, 3)
    model, autoencoder = vae(3, architecture), Autoencoder(3, architecture)
    assert model.latent_dim == autoencoder.latent_dim == 3
    assert [part.shape for part in model.encode(x)] == [(batch, 3)] * 2
    assert [part.shape for part in model(x)] == [x.shape, (batch, 3), (batch, 3), (batch, 3)]
    assert model.decode(z).shape == model.generate(z).shape == x.shape
    assert autoencoder.encode(x).shape == (batch, 3)
    assert autoencoder(x).shape == autoencoder.decode(z).shape == autoencoder.generate(z).shape == x.shape


def test_the_hidden_width_reaches_both_networks():
    for model in (VAE(2, hidden=11), Autoencoder(2, hidden=11)):
        assert model.encoder[1].out_features == model.decoder[0].out_features == 11


@architectures
def test_a_vae_is_the_encoder_and_the_decoder_of_networks(architecture):
    torch.manual_seed(5)
    model = VAE(3, architecture)
    torch.manual_seed(5)
    encoder, decoder = NETWORKS[architecture]
    encoder, decoder = encoder(6), decoder(3)
    x, z = torch.rand(2, 1, 28, 28), torch.randn(2, 3)
    assert torch.equal(torch.cat(model.encode(x), 1), encoder(x))  # the means first, then the log variances
    assert torch.equal(model.decode(z), decoder(z))


def test_means_come_first_and_log_variances_second():
    model = vae(2)
    with torch.no_grad():
        model.encoder[-1].weight.zero_()
        model.encoder[-1].bias.copy_(torch.tensor([3.0, 4.0, -30.0, -40.0]))
    mu, logvar = model.encode(torch.rand(1, 1, 28, 28))
    assert mu.tolist() == [[3.0, 4.0]] and logvar.tolist() == [[-30.0, -40.0]]
    *_, z = model(torch.rand(1, 1, 28, 28))
    torch.testing.assert_close(z, mu, atol=1e-4, rtol=0)  # standard deviations of e^-15 and e^-20


def test_the_forward_pass_decodes_a_sample_and_not_the_mean():
    model, x = vae(), torch.rand(2, 1, 28, 28)
    torch.manual_seed(1)
    logits, mu, logvar, z = model(x)
    torch.manual_seed(1)
    epsilon = torch.randn(2, 3)
    torch.testing.assert_close(z, mu + (logvar / 2).exp() * epsilon)
    assert torch.equal(logits, model.decode(z))
    assert not torch.equal(logits, model(x)[0])
    model.eval()
    assert not torch.equal(model(x)[0], model(x)[0])  # evaluation samples too: with z = mu it would be no ELBO


def test_gradients_reach_the_encoder_through_the_sample():
    model = vae()
    model(torch.rand(2, 1, 28, 28))[0].sum().backward()
    mu_rows, logvar_rows = model.encoder[-1].weight.grad.chunk(2)
    assert (mu_rows.abs().sum(1) > 0).all() and (logvar_rows.abs().sum(1) > 0).all()


@pytest.mark.parametrize("make", [VAE, Autoencoder])
@architectures
def test_decoders_give_logits_and_generate_gives_their_sigmoid(make, architecture):
    torch.manual_seed(0)
    model, z = make(2, architecture), 50 * torch.randn(200, 2)
    logits, pixels = model.decode(z), model.generate(z)
    assert logits.min() < 0 and logits.max() > 1
    assert pixels.min() >= 0 and pixels.max() <= 1
    torch.testing.assert_close(pixels, 1 / (1 + (-logits).exp()))


def test_samples_are_decoded_draws_from_the_prior():
    model = vae()
    first, second = (model.sample(5, torch.Generator().manual_seed(2)) for _ in range(2))
    assert first.shape == (5, 1, 28, 28) and not first.requires_grad
    assert torch.equal(first, second)
    assert torch.equal(first, model.generate(torch.randn(5, 3, generator=torch.Generator().manual_seed(2))))
    assert not torch.equal(first, model.sample(5, torch.Generator().manual_seed(3)))
    torch.manual_seed(2)
    assert torch.equal(first, model.sample(5))


def test_a_generator_leaves_the_global_state_and_the_mode():
    model = vae()
    before = torch.get_rng_state()
    model.sample(2, torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state()) and model.training


def test_samples_of_a_float64_model_are_float64():
    assert vae().double().sample(2).dtype == torch.float64


def test_a_classifier_classifies_its_features():
    torch.manual_seed(0)
    model, x = Classifier(7), torch.rand(3, 1, 28, 28)
    features = model.features(x)
    assert features.shape == (3, 64) and model(x).shape == (3, 7)
    assert (features >= 0).all() and (features == 0).any()
    torch.testing.assert_close(model(x), model.head[-1](features))
    assert (model(x) < 0).any()  # logits


@pytest.mark.parametrize("make", [VAE, Autoencoder])
@architectures
@pytest.mark.parametrize("latent_dim", [0, -1])
def test_a_latent_space_without_dimensions_is_refused(make, architecture, latent_dim):
    with pytest.raises(ValueError, match=f"latent_dim must be .*received {latent_dim}"):
        make(latent_dim, architecture)


@pytest.mark.parametrize("make", [VAE, Autoencoder])
def test_other_senseless_arguments_are_refused(make):
    with pytest.raises(ValueError, match="architecture must be one of 'mlp', 'conv', 'conv-small', received 'cnn'"):
        make(2, "cnn")
    with pytest.raises(ValueError, match="hidden must be .* received 0"):
        make(2, hidden=0)
    with pytest.raises(ValueError, match="classes must be .* received 0"):
        Classifier(0)
    with pytest.raises(ValueError, match="count must be .* received 0"):
        vae().sample(0)


@architectures
def test_a_conditional_vae_gives_encoder_and_decoder_the_label(architecture):
    torch.manual_seed(0)
    model = ConditionalVAE(3, classes=4, architecture=architecture)
    x, labels = torch.rand(5, 1, 28, 28), torch.tensor([0, 1, 2, 3, 3])
    assert [part.shape for part in model(x, labels)] == [x.shape, (5, 3), (5, 3), (5, 3)]
    other = (labels + 1) % 4
    mu, logvar = model.encode(x, labels)
    z = torch.randn(5, 3)
    for one, two in ((mu, model.encode(x, other)[0]), (model.decode(z, labels), model.decode(z, other))):
        assert (one - two).abs().flatten(1).amax(1).gt(1e-4).all()
    flags = torch.nn.functional.one_hot(labels, 4).float()
    torch.testing.assert_close(model.decode(z, labels), model.decoder(torch.cat([z, flags], 1)))
    torch.testing.assert_close(model.generate(z, labels), model.decode(z, labels).sigmoid())
    for size in ({"latent_dim": 0}, {"latent_dim": 2, "classes": 0}):
        with pytest.raises(ValueError, match="must be a whole number of at least 1, received 0"):
            ConditionalVAE(**size)
