"""Where an explorer's parts stand on the page: controls in a column, its pictures beside or below."""

import html
from collections.abc import Mapping, Sequence

import ipywidgets

from vae_utils.widgets.canvas import SliderNames
from vae_utils.widgets.shown import ShownImage

UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
UNSPACED = {"height": "0", "margin": "0", "padding": "0"}


def unseen(text: str) -> ipywidgets.HTML:
    """Text for screen readers only: an image widget takes no alt text, so it stands before the pictures."""
    return ipywidgets.HTML(f"<span style='{UNSEEN}'>{html.escape(text)}</span>", layout=UNSPACED)


def framed(pictures: Mapping[str, ShownImage], captions: Mapping[str, str]) -> ipywidgets.HBox:
    """Pictures in a row, which wraps, each below its caption if it has one."""
    frames = []
    for name, image in pictures.items():
        image.caption = captions.get(name, "")
        parts = [ipywidgets.HTML(f"<b>{html.escape(image.caption)}</b>"), image] if image.caption else [image]
        # Visible: an image as wide as its box gets a scroll bar for its margins otherwise.
        layout = ipywidgets.Layout(flex="0 1 auto", min_width="0", margin="0 16px 0 0", overflow="visible")
        frames.append(ipywidgets.VBox(parts, layout=layout))
    return ipywidgets.HBox(frames, layout=ipywidgets.Layout(flex_flow="row wrap", overflow="visible"))


def arranged(
    controls: Sequence[ipywidgets.Widget],
    above: Sequence[ipywidgets.Widget],
    shown: Sequence[ipywidgets.Widget],
    beside: bool,
) -> list[ipywidgets.Widget]:
    """Controls in a column that scrolls when it is long, and what is shown beside them or below.

    Args:
        controls: labelled ones get a common width for their labels.
        above: rows over the controls; buttons among them share one row.
        shown: pictures, notes, errors.
        beside: or else below.
    """
    labelled = [control for control in controls if not isinstance(control, ipywidgets.Checkbox)]
    longest = max((len(control.description) for control in labelled), default=0)
    for control in labelled:
        control.style.description_width = f"{longest + 1}ch"
    scroll = {"max_height": "500px", "overflow": "auto"} if len(controls) > 16 else {}
    column = ipywidgets.VBox([*controls], layout=ipywidgets.Layout(flex="0 0 auto", width="100%", **scroll))
    buttons = [widget for widget in above if isinstance(widget, ipywidgets.Button)]
    rows = [ipywidgets.HBox(buttons), *(widget for widget in above if widget not in buttons)]
    panel = ipywidgets.VBox(
        [*(rows if buttons else rows[1:]), column],
        layout=ipywidgets.Layout(flex="0 1 400px", min_width="300px", margin="0 24px 8px 0"),
    )
    panel.add_class("vae-controls")
    pictures = ipywidgets.VBox(
        [*shown, SliderNames(layout=UNSPACED)],
        layout=ipywidgets.Layout(flex="1 1 320px", min_width="0", overflow="visible"),  # Tab stops at what scrolls
    )
    if not beside:
        panel.layout.margin, panel.layout.width = "0 0 8px 0", "min(100%, 560px)"
        panel.layout.flex = pictures.layout.flex = "0 0 auto"  # in a column these would be heights
        return [panel, pictures]
    return [ipywidgets.HBox([panel, pictures], layout=ipywidgets.Layout(flex_flow="row wrap", width="100%"))]
