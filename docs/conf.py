"""Sphinx's configuration of the website. Build it with `python docs/website.py`, which prepares the pages first."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from offline import MATHJAX_SETTINGS  # noqa: E402

project = "Variational autoencoders"
author = "the authors of the course"
copyright = "the authors. Text and figures: CC BY 4.0; code: MIT"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton", "sphinx.ext.mathjax"]
exclude_patterns = ["**.ipynb_checkpoints"]

# The outputs are those that the repository stores; nothing runs here.
nb_execution_mode = "off"
nb_merge_streams = True
# Text that a cell prints is shown as it is: no colours are guessed.
nb_render_text_lexer = "none"
nb_code_prompt_show = "Show the code of this cell"
nb_code_prompt_hide = "Hide the code of this cell"
myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "Variational autoencoders"
html_static_path = [str(HERE / "static")]
html_css_files = ["website.css"]
html_copy_source = False
html_use_index = False  # of functions and classes, which have no pages here
html_show_sourcelink = False
# A page that is opened from disk may not read other pages, which the summaries would need.
html_show_search_summary = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5cad", "color-brand-content": "#0b5cad"},
    "dark_css_variables": {"color-brand-primary": "#79b8ff", "color-brand-content": "#79b8ff"},
    "footer_icons": [],
}
pygments_style = "default"
pygments_dark_style = "github-dark"
copybutton_selector = "div.cell_input pre, div.highlight-bash pre, div.highlight-powershell pre"

# The pages share MathJax with the slides, which website.py writes first.
mathjax_path = "../slides/offline/mathjax.js"
mathjax3_config = MATHJAX_SETTINGS
