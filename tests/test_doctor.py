"""The doctor finds what is missing or too old, says how to mend it, and names no folder of this machine."""

import subprocess
import sys
from importlib import metadata

import pytest

from vae_utils import doctor


def pretend(monkeypatch, versions=None, requires=("torch>=2.4", "ipywidgets>=7.7,<9"), python=">=3.10", needs=None):
    """Let the metadata say what we like; a version of None means that the package is missing."""
    versions = {"torch": "2.5.0", "ipywidgets": "8.1.0", **(versions or {})}

    def version(name):
        if versions.get(name) is None:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(
        metadata, "requires", lambda package: list(requires) if package == "vae-utils" else (needs or {}).get(package)
    )
    monkeypatch.setattr(metadata, "metadata", lambda package: {"Requires-Python": python})


def test_here_all_is_well_and_no_path_is_named():
    result = subprocess.run([sys.executable, "-m", "vae_utils.doctor"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1] == "all is well"
    assert [line.split()[0] for line in lines[:-1]] == [
        "python",
        "torch",
        "ipywidgets",
        "jupyterlab",
        "cores",
        "accelerator",
    ]
    assert "/" not in result.stdout and "\\" not in result.stdout


@pytest.mark.parametrize("package", ["torch", "numpy", "jaxtyping"])
def test_where_a_package_is_missing_that_the_doctor_needs_too_the_remedy_is_told(package):
    program = f"import sys; sys.modules['{package}'] = None; import vae_utils"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = result.stderr.splitlines()[-1]
    assert result.returncode == 1 and last.startswith(f"ModuleNotFoundError: {package} is missing: run ")
    assert last.endswith("-m pip install -e .` in the folder of the course")


def test_good_versions_pass(monkeypatch):
    pretend(monkeypatch, {"torch": "2.14.0+cpu"})
    assert doctor.examine()[1] == []


@pytest.fixture(autouse=True)
def in_a_terminal(monkeypatch):
    """Other tests have loaded ipykernel here."""
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        ({"torch": "1.13.1"}, ["torch 1.13.1", "2.4", '/bin/python -m pip install "torch>=2.4"', "restart"]),
        ({"ipywidgets": "9.0.0"}, ["ipywidgets 9.0.0", "<9"]),
        ({"ipywidgets": None}, ["ipywidgets is missing", "/bin/python -m pip install -e ."]),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(monkeypatch, capsys, versions, words):
    pretend(monkeypatch, versions)
    monkeypatch.setattr(sys, "executable", "/bin/python")
    (problem,) = doctor.examine()[1]
    assert all(word in problem for word in words), problem
    assert doctor.main() == 1 and problem in capsys.readouterr().out


def test_the_pip_that_mends_is_that_of_this_python(monkeypatch):
    """In a terminal `pip` may be the system's, in a notebook anybody's."""
    monkeypatch.setattr(sys, "executable", "/my course/bin/python")
    assert 'run `"/my course/bin/python" -m pip install -e .`' in doctor.examine("no-such-package-as-this")[1][0]
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert "run `%pip install -e ..` in a cell" in doctor.examine("no-such-package-as-this")[1][0]
    pretend(monkeypatch, {"torch": "1.13.1"})
    assert 'run `%pip install "torch>=2.4"`' in doctor.examine()[1][0]


def test_inside_a_notebook_jupyterlab_is_not_missed(monkeypatch):
    pretend(monkeypatch, {"jupyterlab": None}, requires=["torch>=2.4", "jupyterlab>=4"])
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert "jupyterlab is missing" in doctor.examine()[1][0]
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert doctor.examine()[1] == []


def test_inside_a_notebook_an_old_jupyterlab_is_no_reason_to_stop(monkeypatch, recwarn):
    """Which one shows the notebook is not known there, and the lessons work with JupyterLab 3, too."""
    pretend(monkeypatch, {"jupyterlab": "3.6.8"}, requires=["torch>=2.4", "jupyterlab>=4.2.5"])
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert "jupyterlab 3.6.8 is installed, >=4.2.5 is needed" in doctor.examine()[1][0] and not recwarn
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with pytest.warns(UserWarning, match="jupyterlab 3.6.8 is installed: the lessons work .* not >=4.2.5 have known"):
        assert doctor.examine()[1] == []
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    recwarn.clear()
    assert doctor.examine()[1] == [] and not recwarn


@pytest.mark.parametrize(
    ("versions", "needs", "words"),
    [
        ({"torch": "2.7.0", "torchvision": "0.21.0"}, {"torchvision": ["torch==2.6.0"]}, "torch==2.6.0, and 2.7.0 is"),
        (
            {"ipywidgets": "8.1.0", "jupyterlab_widgets": "1.1.1"},
            {"ipywidgets": ["jupyterlab_widgets~=3.0"]},
            "1.1.1 is",
        ),
        ({}, {"ipywidgets": ["widgetsnbextension~=4.0"]}, "widgetsnbextension, which is missing"),
    ],
)
def test_packages_that_do_not_fit_each_other(monkeypatch, versions, needs, words):
    pretend(monkeypatch, versions, needs=needs)
    (problem,) = doctor.examine()[1]
    assert words in problem and "-m pip install --upgrade " in problem, problem


def test_packages_that_fit_each_other(monkeypatch):
    versions = {"torch": "2.6.0+cpu", "torchvision": "0.21.0+cpu", "jupyterlab_widgets": "3.0.15"}
    needs = {"torchvision": ["torch==2.6.0", 'gdown; extra == "gdown"'], "ipywidgets": ["jupyterlab_widgets~=3.0.15"]}
    pretend(monkeypatch, versions, needs=needs)
    assert doctor.examine()[1] == []


def test_colab_shows_widgets_without_jupyterlab(monkeypatch):
    pretend(monkeypatch, {"jupyterlab_widgets": "3.0.15"}, needs={"ipywidgets": ["jupyterlab_widgets<3"]})
    assert len(doctor.examine()[1]) == 1
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    assert doctor.examine()[1] == []


def test_damaged_digits_are_found(monkeypatch, tmp_path):
    (tmp_path / "data_files").mkdir()
    monkeypatch.setattr(doctor, "files", lambda package: tmp_path)
    assert "cannot be read" in doctor.examine()[1][0]
    (tmp_path / "data_files" / doctor.DIGITS).write_bytes(b"half of it")
    assert "are damaged" in doctor.examine()[1][0]


def test_a_data_folder_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv(doctor.FOLDER, str(tmp_path / "a file" / "below"))
    (problem,) = doctor.examine()[1]
    assert "set VAE_UTILS_DATA to another one" in problem and str(tmp_path) not in problem
    monkeypatch.setenv(doctor.FOLDER, str(tmp_path / "new"))
    assert doctor.examine()[1] == []


def test_an_old_python_is_named(monkeypatch):
    pretend(monkeypatch, python=">=3.99")
    (problem,) = doctor.examine()[1]
    assert "python 3" in problem and ">=3.99" in problem


def test_extras_are_not_needed(monkeypatch):
    pretend(monkeypatch, {"pytest": None}, requires=["torch>=2.4", 'pytest>=8; extra == "test"'])
    assert doctor.examine()[1] == []


def test_a_package_that_is_not_installed():
    found, problems = doctor.examine("no-such-package-as-this")
    assert found and "not installed" in problems[0] and "pip install -e ." in problems[0]


def test_without_the_packages_nothing_breaks(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert "not installed" in doctor.examine()[1][0]
