"""The small computation graphs: edges of the gradient are the graph's, and everything can be read."""

import pytest

from vae_utils.plots import draw_graph, figure, layout_problems

NODES = {"μ": (0, 1), "z": (2, 0), "f": (4, 0)}
EDGES = [("μ", "z"), ("z", "f")]


def panel():
    return figure(title="A graph", alt="A small computation graph, drawn to test that all of it can be read.")


def test_every_node_is_named_and_every_edge_is_drawn():
    shown, axes = panel()
    draw_graph(axes, NODES, EDGES, dice=["z"], gradient=[("z", "f")], blocked=[("μ", "z")])
    assert {text.get_text() for text in axes.texts} - {""} == set(NODES)
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 4  # two edges, one gradient, one blocked
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["computed from", "gradient", "blocked"]
    squares = [line for line in axes.get_lines() if line.get_marker() == "s"]
    assert [tuple(line.get_xydata()[0]) for line in squares] == [NODES["z"]]
    assert layout_problems(shown) == []


def test_a_gradient_off_the_graph_is_refused():
    with pytest.raises(ValueError, match=r"received \('μ', 'f'\)"):
        draw_graph(panel()[1], NODES, EDGES, gradient=[("μ", "f")])
