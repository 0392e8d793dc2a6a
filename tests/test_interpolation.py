"""Ways between codes: their ends, their lengths against geometry, and the cases in which an arc has no angle."""

import math

import pytest
import torch

from vae_utils.interpolation import interpolate, path, path_length


def test_both_ways_begin_and_end_at_the_codes():
    a, b = torch.randn(2, 7, generator=torch.Generator().manual_seed(0))
    for way in ("lerp", "slerp"):
        torch.testing.assert_close(interpolate(a, b, 0, way), a)
        torch.testing.assert_close(interpolate(a, b, 1, way), b)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.8])
def test_the_arc_turns_evenly_and_keeps_the_length(t):
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    angle = t * math.pi / 2
    torch.testing.assert_close(interpolate(a, b, t, "slerp"), torch.tensor([2 * math.cos(angle), 2 * math.sin(angle)]))
    torch.testing.assert_close(interpolate(a, b, t), torch.tensor([2 * (1 - t), 2 * t]))


def test_codes_without_an_angle_between_them_go_straight():
    a, zero = torch.tensor([1.0, 2.0]), torch.zeros(2)
    for b in (a, 3 * a, zero, -a):
        torch.testing.assert_close(interpolate(a, b, 0.25, "slerp"), 0.75 * a + 0.25 * b)
        torch.testing.assert_close(interpolate(b, a, 0.25, "slerp"), 0.75 * b + 0.25 * a)
    assert torch.equal(interpolate(zero, zero, 0.5, "slerp"), zero)


def test_a_batch_goes_as_each_pair_alone():
    a, b = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    a[3], b[4] = 0, -a[4]
    for way in ("lerp", "slerp"):
        together = interpolate(a, b, 0.3, way)
        assert together.isfinite().all()
        alone = torch.stack([interpolate(first, second, 0.3, way) for first, second in zip(a, b, strict=True)])
        torch.testing.assert_close(together, alone)


def test_lengths_are_those_of_the_chord_and_of_the_arc():
    """An arc of angle θ and radius r is θ r long, and its chord 2 r sin(θ/2)."""
    generator = torch.Generator().manual_seed(2)
    a, b = torch.randn(2, 6, 9, generator=generator, dtype=torch.float64)
    a, b = 3 * a / a.norm(dim=1, keepdim=True), 3 * b / b.norm(dim=1, keepdim=True)
    angle = torch.acos((a * b).sum(1) / 9)
    torch.testing.assert_close(path_length(path(a, b, 7)), 6 * (angle / 2).sin())
    arc = path_length(path(a, b, 400, "slerp"))
    torch.testing.assert_close(arc, 3 * angle, rtol=1e-5, atol=0)
    assert (arc <= 3 * angle).all(), "chords are shorter than their arc"
    torch.testing.assert_close(path(a, b, 5, "slerp").norm(dim=-1), torch.full((6, 6), 3.0, dtype=torch.float64))


def test_a_way_there_and_back_is_twice_as_long():
    there = path(torch.zeros(2), torch.tensor([3.0, 4.0]), 10)
    assert path_length(there).item() == pytest.approx(5)
    assert path_length(torch.cat([there, there.flip(0)])).item() == pytest.approx(10)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="'lerp' or 'slerp', received 'bezier'"):
        interpolate(torch.zeros(2), torch.zeros(2), 0.5, "bezier")
    with pytest.raises(ValueError, match="steps must be at least 1, received 0"):
        path(torch.zeros(2), torch.ones(2), 0)
