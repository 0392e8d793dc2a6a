"""Settings with which nbconvert makes the decks that docs/slides.py makes, in the folder of the repository:

jupyter nbconvert --config docs/jupyter_nbconvert_config.py --to slides --output-dir docs/build notebooks/04*.ipynb
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

c = get_config()  # noqa: F821  nbconvert provides it
c.TemplateExporter.extra_template_basedirs = [str(HERE / "templates")]
c.SlidesExporter.template_name = "deck"
c.SlidesExporter.preprocessors = ["deck.Deck"]
c.SlidesExporter.reveal_url_prefix = "offline"
