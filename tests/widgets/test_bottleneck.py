"""What the explorer of lesson 01 shows: the image and both answers from the K numbers that the slider sets."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA

from vae_utils import Autoencoder
from vae_utils.widgets import BottleneckExplorer

IMAGES = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))
TRAIN = torch.rand(60, 784, generator=torch.Generator().manual_seed(1)) ** 2
AUTHORITY = PCA(12, svd_solver="full").fit(TRAIN.numpy())
COMPONENTS, MEAN = (torch.from_numpy(array).float() for array in (AUTHORITY.components_, AUTHORITY.mean_))


def models():
    """Autoencoders as if trained: their pictures are near the mean image."""
    torch.manual_seed(0)
    made = {K: Autoencoder(K, hidden=16) for K in (4, 1, 8)}
    for model in made.values():
        model.decoder[2].bias.data.fill_(0.5)
    return made


@pytest.fixture
def explorer():
    return BottleneckExplorer(models(), COMPONENTS, MEAN, IMAGES, number=3)


def pixels(explorer, name):
    """The picture on the page as (28, 28) ink in [0, 1]."""
    shown = np.asarray(Image.open(io.BytesIO(explorer.pictures[name].value)), dtype=float)
    step = shown.shape[0] // 28
    return 1 - shown[step // 2 :: step, step // 2 :: step] / 255


def told(explorer):
    """(K, PCA's error, the autoencoder's error) as the learner reads them."""
    assert explorer.error.value == ""
    found = re.search(r">(\d+) numbers? for 784 .* PCA ([\d.]+), autoencoder ([\d.]+)\.", explorer.note.value)
    return int(found[1]), float(found[2]), float(found[3])


def pca_by_sklearn(number, K):
    """Reconstruction (28, 28) of a test image from K components."""
    codes = AUTHORITY.transform(IMAGES[number].view(1, -1).numpy())
    codes[:, K:] = 0
    return AUTHORITY.inverse_transform(codes).reshape(28, 28)


@torch.no_grad()
def by_the_model(explorer, number, K):
    """Reconstruction (28, 28) of a test image by the autoencoder."""
    return explorer.models[K](IMAGES[number : number + 1])[0, 0].numpy()


def test_the_slider_goes_through_the_widths_in_order(explorer):
    assert list(explorer.width.options) == [1, 4, 8] and explorer.width.value == 8
    assert BottleneckExplorer({4: models()[4]}, COMPONENTS, MEAN, IMAGES).width.value == 4


@pytest.mark.parametrize("K", [1, 4, 8])
@pytest.mark.parametrize("number", [0, 3, 39])
def test_both_answers_follow_the_controls(explorer, K, number):
    explorer.width.value, explorer.number.value = K, number
    image = IMAGES[number, 0].numpy()
    right = {"pca": pca_by_sklearn(number, K), "autoencoder": by_the_model(explorer, number, K)}
    assert np.abs(pixels(explorer, "original") - image).max() < 0.003
    for name, answer in right.items():
        assert np.abs(pixels(explorer, name) - answer.clip(0, 1)).max() < 0.003
    errors = [((answer - image) ** 2).sum() for answer in right.values()]  # of the answers as they are, not clipped
    assert told(explorer) == (K, pytest.approx(errors[0], abs=0.06), pytest.approx(errors[1], abs=0.06))


def test_the_buttons_find_the_largest_wins_at_each_width(explorer):
    pca_wins, autoencoder_wins = explorer.children[0].children[0].children
    found = []
    for K in (1, 8, 1):
        explorer.width.value = K
        leads = {}
        for number in range(len(IMAGES)):
            explorer.number.value = number
            _, pca, autoencoder = told(explorer)
            leads[number] = autoencoder - pca
        pca_wins.click()
        assert leads[explorer.number.value] == max(leads.values()) and told(explorer)[0] == K
        found.append(explorer.number.value)
        autoencoder_wins.click()
        assert leads[explorer.number.value] == min(leads.values()) and told(explorer)[0] == K
        found.append(explorer.number.value)
    assert found[:2] != found[2:4], "the same images at both widths would not show that each width is searched"


def test_an_error_is_shown_and_the_next_move_works(explorer):
    forward = explorer.models[1].forward
    explorer.models[1].forward = lambda x: 1 / 0
    explorer.width.value = 1
    assert "ZeroDivisionError" in explorer.error.value
    explorer.models[1].forward = forward
    explorer.number.value = 5
    assert told(explorer)[0] == 1


def test_the_static_figure_holds_the_image_through_all_gaps(explorer):
    figure = explorer.snapshot(title="All gaps", alt="A test image through three gaps, by PCA and by autoencoders.")
    texts = [text.get_text() for text in figure.texts]
    assert [text for text in texts if "K =" in text] == ["K = 1", "K = 4", "K = 8"]
    assert {"PCA", "autoencoder", "original"} <= set(texts) and figure.alt.startswith("A test image through")
    top, bottom = (axes.get_images()[0].get_array() for axes in figure.axes)
    assert top.shape == bottom.shape and np.abs(top - bottom).max() > 0.1


def test_what_does_not_fit_is_refused_with_the_cell_to_run(as_a_learner):
    with pytest.raises(ValueError, match="models is empty: run the cell 'Train'"):
        BottleneckExplorer({}, COMPONENTS, MEAN, IMAGES, cell="the cell 'Train'")
    with pytest.raises(ValueError, match=r"models\[8\] is None: run the cell 'Train'"):
        BottleneckExplorer({8: None}, COMPONENTS, MEAN, IMAGES, cell="the cell 'Train'")
    with pytest.raises(ValueError, match="keys are K from 1 to 12 components"):
        BottleneckExplorer({16: models()[8]}, COMPONENTS, MEAN, IMAGES)
    with pytest.raises(ValueError, match=r"received \(12, 784\), \(783,\) and"):
        BottleneckExplorer(models(), COMPONENTS, MEAN[:-1], IMAGES)
    with pytest.raises(ValueError, match="number must be 0 to 39, received 40"):
        BottleneckExplorer(models(), COMPONENTS, MEAN, IMAGES, number=40)
    with pytest.raises(ValueError, match=r"models\[4\] turns an image \(1, 1, 28, 28\) into \(1, 4\)"):
        BottleneckExplorer({4: models()[4].encoder}, COMPONENTS, MEAN, IMAGES)
