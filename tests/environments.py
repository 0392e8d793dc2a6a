"""Virtual environments: a bare one, and one like Colab's with its ipywidgets 7.7.1 and IPython 7.34.

`python -m tests.environments FOLDER` makes the latter in FOLDER, if it is not there yet, and runs with it the tests of
the widgets, of the setup cell with a whole lesson, and of the explorers and all lessons' widgets in JupyterLab 3, whose
pages can show ipywidgets 7. It needs an index of packages, which other tests do not: these run there if the variable
VAE_UTILS_COLAB names the folder.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "VAE_UTILS_COLAB"
VERSIONS = {"ipywidgets": "7.7.1", "ipython": "7.34.0", "ipykernel": "6.17.1", "numpy": "2.1.3"}  # Colab's
# Colab has a page of its own, which cannot be had; these are the last that show ipywidgets 7. Later releases of
# widgetsnbextension 3 do not work with the last Notebook 6.
PAGES = ("jupyterlab==3.6.8", "notebook==6.5.7", "jupyterlab_widgets<2", "widgetsnbextension==3.6.1")
IN_THIS_PYTHON = ["tests/test_colab.py", "tests/browser/test_lessons.py", "tests/browser/test_charts.py"]
IN_THIS_PYTHON += ["tests/browser/test_drawing.py", "tests/browser/test_training_panel.py"]
IN_THIS_PYTHON += ["tests/browser/test_latent_explorer.py"]


def python_of(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def packages_of(python: Path | str) -> str:
    """The folder in which a Python has its packages."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def bare_python(folder: Path, *first: str) -> Path:
    """A virtual environment that sees packages in `first`, then this Python's, but not this repository; its Python."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = python_of(folder)
    # Folders named in a .pth come after the environment's own, and their own .pth (an editable install) is not read.
    seen = [path for path in sys.path if path and Path(path).name in ("site-packages", "dist-packages")]
    Path(packages_of(python), "seen.pth").write_text("\n".join([*first, *seen]), encoding="utf-8")
    return python


def colab() -> str | None:
    """The Python of the environment that VAE_UTILS_COLAB names; None if it names none."""
    folder = os.environ.get(VARIABLE)
    return str(python_of(Path(folder).absolute())) if folder else None


def make(folder: Path) -> Path:
    """Make the environment; PyTorch and all else that has no fixed version is seen where it is. Returns its Python."""
    python = bare_python(folder)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    exact = [f"{name}=={version}" for name, version in VERSIONS.items()]
    subprocess.run([*install, *exact, *PAGES, "jupyter_client<8"], check=True)
    # Seen where it is, too, but then JupyterLab would not find its page.
    subprocess.run([*install, "--no-deps", "--force-reinstall", "anywidget"], check=True)
    return python


def main(folder: Path) -> int:
    """Make the environment, unless it is there, and run the tests that need it; 0 if they pass."""
    python = python_of(folder) if folder.exists() else make(folder)
    environment = {**os.environ, VARIABLE: str(folder)}
    tests = [[python, "tests/widgets"], [sys.executable, *IN_THIS_PYTHON]]
    ran = [subprocess.run([start, "-m", "pytest", *names], cwd=ROOT, env=environment) for start, *names in tests]
    return max(done.returncode for done in ran)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).absolute()))
