"""Grids of grey pictures, dark on light, every image pixel the same whole number of screen pixels."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from vae_utils.arguments import check_pictures
from vae_utils.plots.codes import Z1, Z2
from vae_utils.plots.figures import LessonFigure
from vae_utils.plots.layout import Number, text_width, words, wrap
from vae_utils.plots.style import DPI, LABEL_SIZE, MARGIN, SMALL_SIZE, STYLE, TEXT, WIDTH
from vae_utils.signatures import checked

FRAME = 0.16  # grey of the line around a picture
GAP = 12  # device pixels between pictures
LABEL_ROOM = 280  # device pixels for the labels of rows, before they are broken
LARGEST = 8  # device pixels an image pixel, at most


@checked(strict=False)
def mosaic(
    images: Float[Tensor, "N 1 H W"],
    columns: int,
    *,
    scale: int = 1,
    gap: tuple[int, int] = (0, 0),
    frame: bool = False,
) -> np.ndarray:
    """Put pictures row by row on one light sheet.

    Args:
        images: (N, 1, H, W) pixels in [0, 1].
        columns: pictures a row.
        scale: screen pixels an image pixel.
        gap: screen pixels between pictures, (across, down).
        frame: draw a thin line around each picture.

    Returns:
        The sheet, (rows * (scale * H + gap), columns * (scale * W + gap)) without the last gap, values in [0, 1].
    """
    pixels = images.detach().cpu().float().numpy()[:, 0].clip(0, 1)
    tiles = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width = tiles.shape
    if frame:
        for edge in (np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]):
            tiles[edge] = np.maximum(tiles[edge], FRAME)
    rows, (across, down) = -(-count // columns), gap
    sheet = np.zeros((rows * (height + down) - down, columns * (width + across) - across), dtype=np.float32)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + down), (index % columns) * (width + across)
        sheet[top : top + height, left : left + width] = tile
    return sheet


@checked(strict=False)
def draw_images(axes: Axes, images: Float[Tensor, "N 1 H W"], columns: int = 1) -> None:
    """Draw pictures into axes of a figure that holds other panels too; for pictures alone take `show_images`.

    Args:
        axes: where to draw; its ticks go away.
        images: (N, 1, H, W) pixels in [0, 1].
        columns: pictures a row.

    Raises:
        ValueError: a pixel is not finite, or far out of range as bytes and logits are.
    """
    check_pictures(images)
    sheet = mosaic(images, columns, scale=4, gap=(6, 6), frame=True)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, interpolation="antialiased")
    axes.set_axis_off()


def _rows(images: Tensor | Sequence[Tensor], columns: int | None) -> tuple[list[Tensor], int]:
    """The pictures row by row, and the number of columns."""
    single = isinstance(images, Tensor)
    for tensor in [images] if single else images:
        if not isinstance(tensor, Tensor) or tensor.ndim != 4 or tensor.shape[1] != 1 or not len(tensor):
            received = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ValueError(f"images must be (N, 1, H, W) with N >= 1, received {received}")
        check_pictures(tensor)
    if single:
        columns = columns or min(len(images), 10)
        return list(images.split(columns)), columns
    if not images:
        raise ValueError("images is an empty list: give one tensor (N, 1, H, W) a row")
    longest = max(len(row) for row in images)
    if columns is not None and columns < longest:
        raise ValueError(f"a row holds {longest} pictures, and columns is {columns}: take at least {longest}")
    return list(images), columns or longest


@checked(strict=False)
def show_images(
    images: Float[Tensor, "N 1 H W"] | Sequence[Tensor],
    *,
    title: str | None,
    alt: str,
    titles: Sequence[str] | None = None,
    row_labels: Sequence[str] | None = None,
    columns: int | None = None,
) -> LessonFigure:
    """Show grey pictures in rows, dark on light.

    Args:
        images: (N, 1, H, W) pixels in [0, 1], or a list of such tensors, one a row. What is a little out of range, as
            reconstructions by PCA are, is cut off.
        title: the message of the figure; None for a bare strip.
        alt: the figure's text alternative.
        titles: a caption above each picture; for a list of rows, above each column.
        row_labels: a label to the left of each row.
        columns: pictures a row; by default 10 or fewer.

    Returns:
        The figure.

    Raises:
        ValueError: pictures of another shape, pixels that are not finite or far out of range as bytes and logits are,
            a wrong number of captions or labels, or more columns than fit.
    """
    heads_columns = not isinstance(images, Tensor)
    rows, columns = _rows(images, columns)
    expected = columns if heads_columns else sum(map(len, rows))
    for name, texts, number in (("titles", titles, expected), ("row_labels", row_labels, len(rows))):
        if texts is not None and len(texts) != number:
            raise ValueError(f"{name} has {len(texts)} entries, expected {number}")
    high, wide = rows[0].shape[2:]
    figure = LessonFigure(title=title, alt=alt, size=(WIDTH, 4.0), layout=None)  # the height follows below
    pixel = DPI / 72
    margin, line = round(MARGIN * DPI), round(1.3 * SMALL_SIZE * pixel)

    labels = [wrap(figure, text, LABEL_ROOM, SMALL_SIZE) for text in row_labels or []]
    label_room = round(max((_width(figure, text) for text in labels), default=0))
    left = margin + (label_room + GAP if labels else 0)
    widest = max(
        (text_width(figure, word, SMALL_SIZE) for text in titles or [] for word in words(text.replace("\n", " "))),
        default=0,
    )
    room = (WIDTH * DPI - left - margin + GAP) / columns  # from one picture to the next
    scale = min(LARGEST, int((room - GAP) // wide))
    pitch = max(scale * wide, round(widest)) + GAP
    if scale < 1 or pitch > room + 1:
        raise ValueError(f"{columns} columns do not fit into {WIDTH} inches with these titles: take fewer columns")
    captions = [wrap(figure, text, pitch - GAP, SMALL_SIZE) for text in titles or []]

    # Heights, from the top down, in device pixels.
    header = 0
    if title is not None:
        header = round(figure._suptitle.get_window_extent(figure.canvas.get_renderer()).height) + round(0.1 * DPI)
    tops, bottom = [], margin + header
    for index in range(len(rows)):
        over = captions[index * columns : (index + 1) * columns] if not heads_columns or index == 0 else []
        lines = max((text.count("\n") + 1 for text in over), default=0)
        bottom += lines * line + (4 if lines else 0)
        tops.append(bottom)
        bottom += scale * high + GAP
    height = bottom - GAP + margin
    width = WIDTH * DPI if title is not None else left + columns * pitch - GAP + margin
    figure.set_size_inches(width / DPI, height / DPI)
    if title is not None:
        figure._suptitle.set_position((margin / width, 1 - margin / height))

    def write(x: Number, y: Number, text: str, **style) -> None:
        figure.text(x / width, 1 - y / height, text, fontsize=SMALL_SIZE, color=TEXT, linespacing=1.15, **style)

    for index, (row, top) in enumerate(zip(rows, tops, strict=True)):
        across = pitch - scale * wide
        sheet = mosaic(row, len(row), scale=scale, gap=(across, 0), frame=True)
        place = (left + across // 2 - GAP // 2, top)
        _pixel_axes(figure, *place, *sheet.shape[::-1]).imshow(sheet, cmap="gray_r", vmin=0, vmax=1, aspect="auto")
        if labels:
            write(margin + label_room, top + scale * high / 2, labels[index], ha="right", va="center")
        over = captions[index * columns : index * columns + len(row)] if not heads_columns or index == 0 else []
        for column, text in enumerate(over):
            write(left + column * pitch + (pitch - GAP) / 2, top - 4, text, ha="center", va="bottom")
    return figure


def _width(figure: LessonFigure, text: str) -> Number:
    return max(text_width(figure, line, SMALL_SIZE) for line in text.split("\n"))


def _pixel_axes(figure: LessonFigure, left: int, top: int, width: int, height: int) -> Axes:
    """Axes without ticks whose corners lie on device pixels; `top` counts from the top of the figure."""
    full_width, full_height = (round(side * DPI) for side in figure.get_size_inches())
    place = (left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height)
    axes = figure.add_axes(place)
    axes.set_axis_off()
    return axes


@checked(strict=False)
def show_manifold(
    generate: Callable[[Float[Tensor, "B 2"]], Float[Tensor, "B 1 H W"]],
    *,
    title: str,
    alt: str,
    steps: int = 12,
) -> LessonFigure:
    """Decode a grid over a two-dimensional latent plane that holds equal prior mass between neighbours.

    Args:
        generate: codes (B, 2) to pixels in [0, 1], (B, 1, H, W); for example `model.generate`.
        title, alt: the message of the figure and its text alternative.
        steps: pictures along each side.

    Returns:
        The figure.

    Raises:
        ValueError: fewer than 2 steps, or a pixel is not finite, or far out of range as logits are.

    Source: the inverse CDF of the normal distribution as in Kingma & Welling (2014), arXiv:1312.6114, figure 4.
    """
    if steps < 2:
        raise ValueError(f"steps must be at least 2, received {steps}")
    values = torch.special.ndtri((torch.arange(steps) + 0.5) / steps)
    down, across = torch.meshgrid(values.flip(0), values, indexing="ij")  # the largest z₂ on top
    with torch.no_grad():
        images = generate(torch.stack([across, down], dim=-1).reshape(-1, 2))
    check_pictures(images)
    scale = max(1, round(960 / (steps * images.shape[-1])))
    sheet = mosaic(images, steps, scale=scale)
    high, wide = sheet.shape

    figure = LessonFigure(title=title, alt=alt, size=(WIDTH, 4.0), layout=None)
    header = round(figure._suptitle.get_window_extent(figure.canvas.get_renderer()).height) + round(0.12 * DPI)
    margin, left, below = round(MARGIN * DPI), round(0.75 * DPI), round(0.55 * DPI)
    width, height = round(WIDTH * DPI), margin + header + high + below
    figure.set_size_inches(width / DPI, height / DPI)
    figure._suptitle.set_position((margin / width, 1 - margin / height))
    axes = _pixel_axes(figure, left, margin + header, wide, high)
    axes.set_axis_on()
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, aspect="auto", extent=(-0.5, steps - 0.5, -0.5, steps - 0.5))
    nice = torch.arange(-6, 7) / 2  # every half standard deviation that lies on the sheet
    nice = nice[nice.abs() <= float(values[-1]) + 0.1]
    marks = (torch.special.ndtr(nice) * steps - 0.5).tolist()
    names = [f"{value:g}".replace("-", "−") for value in nice.tolist()]
    axes.set_xticks(marks, names, fontsize=SMALL_SIZE)
    axes.set_yticks(marks, names, fontsize=SMALL_SIZE)
    axes.tick_params(color=STYLE["xtick.color"], labelcolor=TEXT, length=3)
    axes.spines[:].set_color(STYLE["axes.edgecolor"])
    axes.set_xlabel(f"{Z1} (prior standard deviations)", fontsize=LABEL_SIZE, color=TEXT)
    axes.set_ylabel(f"{Z2} (prior standard deviations)", fontsize=LABEL_SIZE, color=TEXT)
    return figure
