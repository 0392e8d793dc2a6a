"""Settings with which `jupyter nbconvert --to slides`, started in this folder, makes the decks of docs/slides.py."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

c = get_config()  # noqa: F821  nbconvert provides it
c.TemplateExporter.extra_template_basedirs = [str(HERE / "templates")]
c.SlidesExporter.template_name = "deck"
c.SlidesExporter.preprocessors = ["deck.Deck"]
c.SlidesExporter.reveal_url_prefix = "offline"
