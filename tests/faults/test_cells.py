"""Cells run out of order: the NameError names the cell that was left out, in real notebooks."""

import json
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from vae_utils.missing_cells import advice

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))

CELLS = [
    {"cell_type": "markdown", "source": ["# A lesson\n", "\n", "## The data\n", "text"]},
    {
        "cell_type": "code",
        "source": ["import torch.nn as nn, os.path\n", "%matplotlib inline\n", "x, (y, *z) = 1, (2, 3)"],
    },
    {"cell_type": "markdown", "source": "## Training\n"},
    {
        "cell_type": "code",
        "source": "\nfor epoch in range(3):\n    with open(os.devnull) as file:\n        model = train()",
    },
    {"cell_type": "code", "source": "def loss(model, batch):\n    inner = 3\n    return [w for w in batch]"},
    {"cell_type": "code", "source": "this is no Python"},
]


@pytest.mark.parametrize(
    ("name", "section", "start"),
    [
        ("nn", "The data", "import torch.nn as nn, os.path"),
        ("os", "The data", "import torch.nn as nn, os.path"),
        ("z", "The data", "import torch.nn as nn, os.path"),
        ("epoch", "Training", "for epoch in range(3):"),
        ("file", "Training", "for epoch in range(3):"),
        ("model", "Training", "for epoch in range(3):"),
        ("loss", "Training", "def loss(model, batch):"),
    ],
)
def test_the_cell_that_makes_a_name_is_found(name, section, start):
    told = advice(name, CELLS)
    assert f"in the section “{section}” that begins with “{start}”" in told and "Run All Above" in told


@pytest.mark.parametrize("name", ["torch", "inner", "batch", "w", "python", ""])
def test_a_name_that_no_cell_makes_is_a_slip_of_the_pen(name):
    assert advice(name, CELLS) == ""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_in_the_lessons_trained_models_and_data_are_found(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert "that begins with" in advice("torch", cells)
    assert (
        "that begins with" in advice("digits", cells)
        or "that begins with" in advice("images", cells)
        or path.stem[:2] in ("03", "04")
    )


def test_a_missing_name_is_told_with_its_cell(tmp_path, offline_environment, monkeypatch):
    """In a kernel, with the notebook's file where the server says it is."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("## Training"),
            new_code_cell("import vae_utils"),
            new_code_cell("vae = vae_utils.VAE(2)"),
            new_code_cell("vae.latent_dim"),
            new_code_cell("vea"),
            new_code_cell("def forgets():\n    if False:\n        local = 1\n    return local\nforgets()"),
        ]
    )
    path = tmp_path / "été.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    for name, value in offline_environment.items():
        monkeypatch.setenv(name, value)
    client = NotebookClient(notebook, kernel_name="python3", timeout=120, allow_errors=True)
    said = {}
    with client.setup_kernel():
        for index in (1, 3, 4, 5):  # the cell that makes the model is left out
            client.execute_cell(notebook.cells[index], index)
            said[index] = [
                output["evalue"] for output in notebook.cells[index].outputs if output.output_type == "error"
            ]
    assert said[1] == []
    assert said[3][0].startswith(
        "name 'vae' is not defined; it is made by the cell in the section “Training” that begins"
    )
    assert "“vae = vae_utils.VAE(2)”" in said[3][0]
    assert said[4] == ["name 'vea' is not defined"]
    assert "local" in said[5][0] and "section" not in said[5][0]
