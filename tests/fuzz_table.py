"""The public functions with good arguments for each, from which the fuzzer starts."""

import torch

from vae_utils import (
    aggregate,
    autoregressive,
    collapse,
    compression,
    disentanglement,
    distributions,
    evaluation,
    gaps,
    grey_pixels,
    importance,
    interpolation,
    likelihoods,
    linear,
    log_likelihood,
    models,
    networks,
    objectives,
    quantize,
    rate_distortion,
    scorecard,
    shapes,
    toy,
    training,
)
from vae_utils.data import Images, load_images, validate_images


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def binary(count: int = 4, seed: int = 0) -> torch.Tensor:
    return (torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) < 0.3).float()


def grey(count: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def made(maker: type, *args: object, **options: object) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return maker(*args, **options)


VAE = made(models.VAE, 3, hidden=8)
AUTOENCODER = made(models.Autoencoder, 3, hidden=8)
CONDITIONAL = made(models.ConditionalVAE, 3, 4)
CLASSIFIER = made(models.Classifier, 4)
PIXELS = made(models.VAE, 3, hidden=8, likelihood=likelihoods.DiscretizedLogistic())
QUANTIZER = made(quantize.VectorQuantizer, 5, 3)
READER = made(autoregressive.AutoregressiveVAE, 2, side=4, hidden=8)
LABELS = torch.tensor([0, 1, 2, 3])
FEW = Images("few", grey(130), torch.arange(130) % 4, grey(4, 1), LABELS, tuple("abcd"))
LINEAR = linear.LinearGaussian(0.1 * normal(784, 2), normal(784, seed=1), 0.5)
MIXTURE = aggregate.AggregatedPosterior(normal(6, 2), normal(6, 2, seed=1))
CONTEXTS = compression.ContextModel(binary(20))
TOY = toy.ToyModel()
LEVELS = torch.stack([torch.arange(4) % 3, torch.arange(4), torch.arange(4), torch.arange(4), torch.arange(4)], 1)


def pair(rows: int = 4, columns: int = 3) -> dict[str, torch.Tensor]:
    return {"mu": normal(rows, columns), "logvar": 0.5 * normal(rows, columns, seed=1)}


def generate(z: torch.Tensor) -> torch.Tensor:
    return VAE.generate(z).detach()


def features_of(x: torch.Tensor) -> torch.Tensor:
    return CLASSIFIER.features(x).detach()


TABLE = {
    "reparameterize": (distributions.reparameterize, pair),
    "kl_to_standard_normal": (distributions.kl_to_standard_normal, pair),
    "kl_between_gaussians": (
        distributions.kl_between_gaussians,
        lambda: {name: normal(4, 3, seed=seed) for seed, name in enumerate(("mu_q", "logvar_q", "mu_p", "logvar_p"))},
    ),
    "bernoulli_log_likelihood": (
        distributions.bernoulli_log_likelihood,
        lambda: {"logits": normal(4, 1, 28, 28), "x": binary()},
    ),
    "gaussian_log_likelihood": (
        distributions.gaussian_log_likelihood,
        lambda: {"mean": normal(4, 3), "logvar": normal(4, 3, seed=1), "x": normal(4, 3, seed=2)},
    ),
    "standard_normal_log_density": (distributions.standard_normal_log_density, lambda: {"z": normal(4, 3)}),
    "log_mean_weight": (importance.log_mean_weight, lambda: {"log_weights": normal(5, 4)}),
    "effective_sample_size": (importance.effective_sample_size, lambda: {"log_weights": normal(5, 4)}),
    "log_likelihood": (
        log_likelihood.log_likelihood,
        lambda: {"model": VAE, "x": binary(), "samples": 3, "seed": 0, "at_a_time": 8},
    ),
    "reconstruction_error": (objectives.reconstruction_error, lambda: {"model": AUTOENCODER, "x": binary()}),
    "negative_elbo": (objectives.negative_elbo, lambda: {"model": VAE, "x": binary(), "beta": 1.0}),
    "negative_conditional_elbo": (
        objectives.negative_conditional_elbo,
        lambda: {"model": CONDITIONAL, "x": binary(), "labels": LABELS, "beta": 1.0},
    ),
    "log_weights": (objectives.log_weights, lambda: {"model": VAE, "x": binary(), "samples": 3}),
    "negative_iwae_bound": (objectives.negative_iwae_bound, lambda: {"model": VAE, "x": binary(), "samples": 3}),
    "cross_entropy": (objectives.cross_entropy, lambda: {"model": CLASSIFIER, "x": binary(), "labels": LABELS}),
    "validate_images": (validate_images, lambda: {"images": binary()}),
    "load_images": (load_images, lambda: {"name": "shapes"}),
    "Images": (
        Images,
        lambda: {
            "name": "few",
            "train": grey(),
            "train_labels": LABELS,
            "test": grey(4, 1),
            "test_labels": LABELS,
            "classes": ("a", "b", "c", "d"),
        },
    ),
    "evaluate": (
        training.evaluate,
        lambda: {"model": VAE, "x": binary(), "loss": objectives.negative_elbo, "batch_size": 2, "seed": 0},
    ),
    "fit": (
        training.fit,
        lambda: {
            "model": made(models.VAE, 2, hidden=4),
            "images": binary(),
            "loss": objectives.negative_elbo,
            "epochs": 1,
            "batch_size": 2,
            "learning_rate": 1e-3,
            "seed": 0,
            "device": "cpu",
            "progress": False,
        },
    ),
    "interpolate": (
        interpolation.interpolate,
        lambda: {"start": normal(4, 3), "end": normal(4, 3, seed=1), "t": 0.3, "way": "slerp"},
    ),
    "path": (
        interpolation.path,
        lambda: {"start": normal(4, 3), "end": normal(4, 3, seed=1), "steps": 4, "way": "slerp"},
    ),
    "path_length": (interpolation.path_length, lambda: {"points": normal(5, 4, 3)}),
    "rate_distortion": (rate_distortion.rate_distortion, lambda: {"model": VAE, "x": binary(), "beta": 1.0, "seed": 0}),
    "features": (evaluation.features, lambda: {"classifier": CLASSIFIER, "x": binary()}),
    "density_and_coverage": (
        evaluation.density_and_coverage,
        lambda: {"real": normal(9, 3), "generated": normal(9, 3, seed=1), "k": 2},
    ),
    "path_smoothness": (
        evaluation.path_smoothness,
        lambda: {
            "generate": generate,
            "features_of": features_of,
            "start": normal(4, 3),
            "end": normal(4, 3, seed=1),
            "steps": 4,
        },
    ),
    "local_stretch": (evaluation.local_stretch, lambda: {"generate": VAE.generate, "z": normal(4, 3)}),
    "kl_per_dimension": (evaluation.kl_per_dimension, lambda: {"model": VAE, "x": binary()}),
    "active_units": (evaluation.active_units, lambda: {"mu": normal(6, 3), "threshold": 0.01}),
    "train_classifier": (
        evaluation.train_classifier,
        lambda: {"images": FEW, "seed": 0, "epochs": 1},
    ),
    "AggregatedPosterior": (aggregate.AggregatedPosterior, pair),
    "AggregatedPosterior.sample": (MIXTURE.sample, lambda: {"count": 3, "temperature": 1.0}),
    "AggregatedPosterior.log_prob": (
        MIXTURE.log_prob,
        lambda: {"z": normal(4, 2), "leave_out": torch.tensor([0, 1, 2, 3])},
    ),
    "AggregatedPosterior.log_prob_per_dimension": (MIXTURE.log_prob_per_dimension, lambda: {"z": normal(4, 2)}),
    "AggregatedPosterior.log_prob_of_sources": (
        MIXTURE.log_prob_of_sources,
        lambda: {"z": normal(4, 2), "index": torch.tensor([0, 1, 2, 3])},
    ),
    "kl_parts": (aggregate.kl_parts, lambda: {**pair(), "samples": 5}),
    "best_gaussian": (
        gaps.best_gaussian,
        lambda: {"model": VAE, "x": binary(), "steps": 2, "draws": 2, "learning_rate": 0.05, "seed": 0},
    ),
    "inference_gaps": (
        gaps.inference_gaps,
        lambda: {"model": VAE, "x": binary(), "samples": 3, "steps": 2, "draws": 2, "seed": 0},
    ),
    "weighted_draws": (
        lambda model, x, mu, logvar, samples, seed: gaps.weighted_draws(
            model, x, (mu, logvar), samples=samples, seed=seed
        ),
        lambda: {"model": VAE, "x": binary(), **pair(), "samples": 3, "seed": 0},
    ),
    "LinearGaussian": (
        linear.LinearGaussian,
        lambda: {"weight": 0.1 * normal(784, 2), "offset": normal(784, seed=1), "noise_variance": 0.5},
    ),
    "LinearGaussian.fit": (linear.LinearGaussian.fit, lambda: {"x": grey(6), "latent_dim": 2}),
    "LinearGaussian.turned": (LINEAR.turned, lambda: {"rotation": torch.tensor([[0.6, 0.8], [-0.8, 0.6]])}),
    "LinearGaussian.decode": (LINEAR.decode, lambda: {"z": normal(4, 2)}),
    "LinearGaussian.encode": (LINEAR.encode, lambda: {"x": grey()}),
    "LinearGaussian.log_marginal": (LINEAR.log_marginal, lambda: {"x": grey()}),
    "NoisyPixels": (linear.NoisyPixels, lambda: {"variance": 0.3}),
    "VectorQuantizer": (quantize.VectorQuantizer, lambda: {"codes": 4, "dim": 3}),
    "VectorQuantizer.nearest": (QUANTIZER.nearest, lambda: {"h": normal(4, 2, 3)}),
    "VectorQuantizer.forward": (QUANTIZER, lambda: {"h": normal(4, 2, 3)}),
    "perplexity": (quantize.perplexity, lambda: {"indices": torch.tensor([[0, 1], [2, 2]]), "codes": 3}),
    "mutual_information_gap": (
        disentanglement.mutual_information_gap,
        lambda: {**pair(6), "factors": torch.tensor([[0, 1], [1, 0]] * 3), "cells": 10},
    ),
    "latent_information": (
        disentanglement.latent_information,
        lambda: {**pair(6), "factors": torch.tensor([[0, 1], [1, 0]] * 3), "cells": 10},
    ),
    "annealing": (collapse.annealing, lambda: {"warmup": 0.5, "highest": 1.0}),
    "cyclical": (collapse.cyclical, lambda: {"cycles": 4, "rise": 0.5, "highest": 1.0}),
    "a schedule": (collapse.cyclical(4), lambda: {"done": 0.3}),
    "free_bits": (collapse.free_bits, lambda: {"model": VAE, "x": binary(), "nats": 0.25}),
    "png_bits": (compression.png_bits, lambda: {"x": binary()}),
    "zlib_bits": (compression.zlib_bits, lambda: {"x": binary()}),
    "ContextModel": (compression.ContextModel, lambda: {"x": binary()}),
    "ContextModel.bits": (CONTEXTS.bits, lambda: {"x": binary()}),
    "continuous_bernoulli_log_normalizer": (
        grey_pixels.continuous_bernoulli_log_normalizer,
        lambda: {"logits": normal(4, 3)},
    ),
    "continuous_bernoulli_log_likelihood": (
        grey_pixels.continuous_bernoulli_log_likelihood,
        lambda: {"logits": normal(4, 1, 28, 28), "x": grey()},
    ),
    "continuous_bernoulli_mean": (grey_pixels.continuous_bernoulli_mean, lambda: {"logits": normal(4, 3)}),
    "discretized_logistic_log_likelihood": (
        grey_pixels.discretized_logistic_log_likelihood,
        lambda: {"mean": normal(4, 1, 28, 28), "log_scale": normal(4, 1, 28, 28, seed=1), "x": grey()},
    ),
    "dequantize": (grey_pixels.dequantize, lambda: {"x": grey()}),
    "bits_per_dimension": (grey_pixels.bits_per_dimension, lambda: {"nats": 100.0, "dimensions": 784, "levels": 256}),
    "Gaussian": (likelihoods.Gaussian, lambda: {"sigma": 0.2, "learned": False}),
    "PixelGaussian": (likelihoods.PixelGaussian, lambda: {"smallest_sigma": 1e-3}),
    **{
        f"{type(likelihood).__name__}.log_prob": (
            likelihood.log_prob,
            lambda channels=likelihood.channels: {"outputs": normal(4, channels, 28, 28), "x": binary()},
        )
        for likelihood in (
            likelihoods.Bernoulli(),
            likelihoods.ContinuousBernoulli(),
            likelihoods.Gaussian(0.2),
            likelihoods.PixelGaussian(),
            likelihoods.DiscretizedLogistic(),
        )
    },
    "draw_shapes": (shapes.draw_shapes, lambda: {"levels": LEVELS}),
    "ToyModel": (toy.ToyModel, lambda: {"noise": 0.3, "curve": "wave"}),
    "ToyModel.decode": (TOY.decode, lambda: {"z": normal(5)}),
    "ToyModel.log_joint": (TOY.log_joint, lambda: {"x": 0.3, "z": normal(5)}),
    "ToyModel.log_marginal": (TOY.log_marginal, lambda: {"x": 0.3}),
    "ToyModel.marginal": (TOY.marginal, lambda: {"x": normal(3)}),
    "ToyModel.posterior": (TOY.posterior, lambda: {"x": 0.3}),
    "ToyModel.posterior_moments": (TOY.posterior_moments, lambda: {"x": 0.3}),
    "ToyModel.elbo": (TOY.elbo, lambda: {"x": 0.3, "mu": 0.1, "logvar": -1.0}),
    "ToyModel.gap": (TOY.gap, lambda: {"x": 0.3, "mu": 0.1, "logvar": -1.0}),
    "Scorecard": (scorecard.Scorecard, lambda: {"classifier": CLASSIFIER, "images": grey(8)}),
    "mlp_encoder": (networks.mlp_encoder, lambda: {"outputs": 3, "hidden": 4, "activation": "relu"}),
    "mlp_decoder": (networks.mlp_decoder, lambda: {"latent_dim": 3, "hidden": 4, "activation": "relu", "channels": 1}),
    "conv_encoder": (networks.conv_encoder, lambda: {"outputs": 3}),
    "conv_decoder": (networks.conv_decoder, lambda: {"latent_dim": 3, "channels": 1}),
    "widths_of": (networks.widths_of, lambda: {"hidden": 4}),
    "Autoencoder": (models.Autoencoder, lambda: {"latent_dim": 3, "architecture": "mlp", "hidden": 4}),
    "VAE": (
        models.VAE,
        lambda: {"latent_dim": 3, "architecture": "mlp", "hidden": 4, "likelihood": likelihoods.Bernoulli()},
    ),
    "VAE.encode": (VAE.encode, lambda: {"x": binary()}),
    "VAE.forward": (VAE, lambda: {"x": binary()}),
    "VAE.decode": (VAE.decode, lambda: {"z": normal(4, 3)}),
    "VAE.generate": (VAE.generate, lambda: {"z": normal(4, 3)}),
    "Autoencoder.encode": (AUTOENCODER.encode, lambda: {"x": binary()}),
    "Autoencoder.generate": (AUTOENCODER.generate, lambda: {"z": normal(4, 3)}),
    "ConditionalVAE.encode": (CONDITIONAL.encode, lambda: {"x": binary(), "labels": LABELS}),
    "ConditionalVAE.generate": (CONDITIONAL.generate, lambda: {"z": normal(4, 3), "labels": LABELS}),
    "Classifier.features": (CLASSIFIER.features, lambda: {"x": binary()}),
    "VAE.sample": (VAE.sample, lambda: {"count": 3}),
    "ConditionalVAE": (models.ConditionalVAE, lambda: {"latent_dim": 3, "classes": 4}),
    "Classifier": (models.Classifier, lambda: {"classes": 4}),
    "AutoregressiveVAE": (autoregressive.AutoregressiveVAE, lambda: {"latent_dim": 2, "side": 4, "hidden": 8}),
    "AutoregressiveVAE.generate": (READER.generate, lambda: {"z": normal(3, 2)}),
}
# Formulas, element by element or row by row: NaN, infinities and overflow come out as they went in, which `fit` sees.
ARITHMETIC = {
    "reparameterize",
    "kl_to_standard_normal",
    "kl_between_gaussians",
    "bernoulli_log_likelihood",
    "gaussian_log_likelihood",
    "standard_normal_log_density",
    "log_mean_weight",
    "effective_sample_size",
    "interpolate",
    "path",
    "path_length",
    "free_bits",
    "continuous_bernoulli_log_normalizer",
    "continuous_bernoulli_log_likelihood",
    "continuous_bernoulli_mean",
    "discretized_logistic_log_likelihood",
    "dequantize",
    "Bernoulli.log_prob",
    "ContinuousBernoulli.log_prob",
    "Gaussian.log_prob",
    "PixelGaussian.log_prob",
    "DiscretizedLogistic.log_prob",
    "LinearGaussian.decode",
    "ToyModel.decode",
    "ToyModel.log_joint",
    "ToyModel.marginal",
    "VAE.decode",
    "VAE.generate",
    "Autoencoder.generate",
    "ConditionalVAE.generate",
}

# Names that the messages of a function use for its argument: of what it computes from it, or hands it on to.
ALSO = {
    "load_images": {"name": ("data set",)},
    "Images": {"classes": ("labels",), "train": ("labels",), "test": ("labels",)},
    "rate_distortion": {"x": ("images", "mu")},
    "Scorecard": {"images": ("x = ",)},
    "free_bits": {"x": ("outputs",)},
    "evaluate": {"x": ("images",)},
    "negative_conditional_elbo": {"x": ("labels",), "model": ("forward()",)},
    "cross_entropy": {"x": ("labels",)},
    "ConditionalVAE.encode": {"x": ("labels",)},
    "ConditionalVAE.generate": {"z": ("labels",)},
    "log_weights": {"model": ("encode()",)},
    "negative_iwae_bound": {"model": ("encode()",)},
}
# Each training step calls these, so nothing is wrapped around them: a model of another size fails in torch's words.
PLAIN = {
    "reconstruction_error",
    "negative_elbo",
    "negative_conditional_elbo",
    "log_weights",
    "negative_iwae_bound",
    "cross_entropy",
    "evaluate",
    "fit",
    "VAE.encode",
    "VAE.forward",
    "VAE.decode",
    "VAE.generate",
    "Autoencoder.encode",
    "Autoencoder.generate",
    "ConditionalVAE.encode",
    "ConditionalVAE.generate",
    "Classifier.features",
}
# Not for a wrong kind of object: only a person who means to would pass it.
LEFT_OUT = {("Images", "name"), ("Images", "classes"), ("fit", "device"), ("fit", "progress"), ("fit", "loss")}
LEFT_OUT |= {("evaluate", "loss"), ("load_images", "name")}
