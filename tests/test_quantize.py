"""The vector quantizer: nearest entries, gradients that go straight through, and the count of entries in use."""

import pytest
import torch

from vae_utils.quantize import COMMITMENT, VectorQuantizer, perplexity


@pytest.fixture
def quantizer():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VectorQuantizer(7, 3)


def vectors(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_each_vector_becomes_the_nearest_entry(quantizer):
    h = vectors(5, 4, 3)
    entries, indices, _ = quantizer(h)
    brute = torch.cdist(h, quantizer.codebook.expand(5, -1, -1)).argmin(-1)
    assert torch.equal(indices, brute)
    torch.testing.assert_close(entries, quantizer.codebook[brute])


def test_the_decoder_s_gradient_goes_to_the_encoder_unchanged_and_not_to_the_codebook(quantizer):
    h = vectors(5, 4, 3).requires_grad_()
    entries, _, _ = quantizer(h)
    slope = vectors(5, 4, 3, seed=2)
    to_h, to_codebook = torch.autograd.grad((entries * slope).sum(), (h, quantizer.codebook), allow_unused=True)
    torch.testing.assert_close(to_h, slope)
    assert to_codebook is None


def test_the_penalty_draws_entries_fully_and_vectors_by_the_commitment(quantizer):
    h = vectors(5, 4, 3).requires_grad_()
    _, indices, penalty = quantizer(h)
    gap = h - quantizer.codebook[indices]
    torch.testing.assert_close(penalty, (1 + COMMITMENT) * gap.square().sum((1, 2)))
    to_h, to_codebook = torch.autograd.grad(penalty.sum(), (h, quantizer.codebook))
    torch.testing.assert_close(to_h, 2 * COMMITMENT * gap)
    expected = torch.zeros(7, 3).index_add_(0, indices.flatten(), (-2 * gap).reshape(-1, 3))
    torch.testing.assert_close(to_codebook, expected)


def test_perplexity_counts_the_entries_in_use():
    assert perplexity(torch.tensor([[3, 3], [3, 3]]), 5) == pytest.approx(1)
    assert perplexity(torch.arange(8).repeat(3), 8) == pytest.approx(8)
    assert perplexity(torch.tensor([0, 0, 1, 1]), 9) == pytest.approx(2)
    assert perplexity(torch.tensor([0, 0, 0, 1]), 2) == pytest.approx(4 / 3**0.75)


@pytest.mark.parametrize("indices", [torch.tensor([0, 5]), torch.tensor([-1]), torch.empty(0, dtype=torch.int64)])
def test_perplexity_refuses_what_is_no_entry(indices):
    with pytest.raises(ValueError, match="from 0 to 4, received"):
        perplexity(indices, 5)


def test_a_codebook_needs_entries():
    with pytest.raises(ValueError, match="codes"):
        VectorQuantizer(0, 3)
