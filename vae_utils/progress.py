"""A progress bar that is right in JupyterLab, Colab, VS Code, plain terminals and stored notebooks.

In a notebook it is one display that is updated in place, so nothing is left behind but its last state; elsewhere
it is tqdm's text bar. In a notebook it never shows a time, so that one run twice stores the same text.
"""

import html
import sys


class Progress:
    """A bar with a line of text beside it.

    Args:
        total: the value at which the bar is full.
        label: what is under way, in one word.
        visible: False shows nothing.
    """

    def __init__(self, total: int, label: str, visible: bool = True) -> None:
        self.total, self.label = total, label
        self.done, self.text = 0, ""
        self._handle = self._bar = None
        if not visible:
            return
        if _in_notebook():
            from IPython.display import display

            self._handle = display(self, display_id=True)
        elif sys.stderr is not None:  # as it is in programs without a console on Windows
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=label, file=sys.stderr)

    def update(self, done: int, text: str) -> None:
        """Move the bar to `done` of `total` and replace the text beside it."""
        advance = done - self.done
        self.done, self.text = done, text
        if self._handle is not None:
            self._handle.update(self)
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(advance)

    def close(self) -> None:
        """Leave the last state where it is."""
        if self._bar is not None:
            self._bar.close()

    def __repr__(self) -> str:
        return f"{self.label}: progress bar"

    def _repr_html_(self) -> str:
        bar = f'<progress value="{self.done}" max="{self.total}" aria-label="{html.escape(self.label)}"></progress>'
        return f"<div>{bar} {html.escape(f'{self.label} {self.done}/{self.total} {self.text}')}</div>"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
