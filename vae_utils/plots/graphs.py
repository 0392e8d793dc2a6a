"""Small computation graphs: what is computed from what, and how far the gradient comes back."""

from collections.abc import Collection, Mapping

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vae_utils.plots.style import PRIOR, SMALL_SIZE, TEXT, VAE, WRONG
from vae_utils.signatures import checked

Point = tuple[float | int, float | int]
NODE = 30.0  # diameter in points
BEND = 0.32  # how far a gradient's arrow bows away from the edge it follows


@checked(strict=False)
def draw_graph(
    axes: Axes,
    nodes: Mapping[str, Point],
    edges: Collection[tuple[str, str]],
    *,
    dice: Collection[str] = (),
    gradient: Collection[tuple[str, str]] = (),
    blocked: Collection[tuple[str, str]] = (),
) -> None:
    """Draw a computation graph with its gradient.

    Args:
        axes: where to draw; its scales are made equal and its frame is taken off.
        nodes: the text of each node -> where it stands.
        edges: (from, to): the second is computed from the first.
        dice: nodes that are drawn at random, shown as squares; the others are circles.
        gradient: edges along which the gradient comes back.
        blocked: edges along which it does not, although it is needed.

    Raises:
        ValueError: an edge of the gradient is none of the graph's.
    """
    for edge in (*gradient, *blocked):
        if edge not in edges:
            raise ValueError(f"the gradient follows edges of the graph, received {edge}; the edges are {list(edges)}")
    axes.set_aspect("equal")
    axes.axis("off")
    for name, (x, y) in nodes.items():
        marker, colour = ("s", "#fff3dc") if name in dice else ("o", "white")
        axes.plot(x, y, marker, markersize=NODE, color=colour, markeredgecolor=TEXT, markeredgewidth=1.2, zorder=3)
        axes.text(x, y, name, ha="center", va="center", fontsize=12, zorder=4)
    for start, end in edges:
        _arrow(axes, nodes[start], nodes[end], PRIOR, 0.0, linewidth=1.4)
    for start, end in gradient:
        _arrow(axes, nodes[end], nodes[start], VAE, _bend(nodes[end], nodes[start]), linewidth=2.2)
    for start, end in blocked:
        (x0, y0), (x1, y1) = nodes[end], nodes[start]
        bend = _bend(nodes[end], nodes[start])
        _arrow(axes, nodes[end], nodes[start], WRONG, bend, linewidth=1.6, linestyle=(0, (3, 2)))
        middle = (x0 + x1) / 2 + bend / 2 * (y1 - y0), (y0 + y1) / 2 - bend / 2 * (x1 - x0)
        axes.plot(*middle, "x", color=WRONG, markersize=11, markeredgewidth=3, zorder=5)
    axes.margins(0.22)
    handles = [Line2D([], [], color=PRIOR, linewidth=1.4, label="computed from")]
    handles += [Line2D([], [], color=VAE, linewidth=2.2, label="gradient")] * bool(gradient)
    handles += [Line2D([], [], color=WRONG, linewidth=1.6, linestyle=(0, (3, 2)), label="blocked")] * bool(blocked)
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3, fontsize=SMALL_SIZE)


def _bend(start: Point, end: Point) -> float:
    """Outwards: an arrow that leads down bows below its edge, any other above."""
    return -BEND if end[1] < start[1] else BEND


def _arrow(axes: Axes, start: Point, end: Point, colour: str, bend: float, **line: object) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "mutation_scale": 13, "connectionstyle": f"arc3,rad={bend}"}
    room = NODE / 2 + 2
    axes.annotate("", xy=end, xytext=start, arrowprops={**style, "shrinkA": room, "shrinkB": room, **line})
