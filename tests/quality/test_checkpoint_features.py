"""Features from a tiny ColPali checkpoint, by the same code as `patches`."""

import numpy as np
import pytest

from maxsight.errors import InputError
from maxsight.quality.features import Layer, PagePooling, load_extractor
from page_pictures import page_picture


@pytest.fixture(scope="module")
def folder(tiny_checkpoint):
    return tiny_checkpoint("colpali")


@pytest.fixture(scope="module")
def lengths(folder):
    """Lengths of its vectors and of its hidden states."""
    from maxsight.encoders import load_encoder

    encoder = load_encoder(str(folder))
    return encoder.space.dim, encoder.hidden_dim


@pytest.mark.parametrize("layer", [0, 1], ids=["vectors", "hidden"])
@pytest.mark.parametrize("pooling", [PagePooling.MEAN, PagePooling.MAX, PagePooling.STD, PagePooling.CONCAT])
def test_vectors_and_hidden_states_are_pooled_by_the_same_code(folder, lengths, layer, pooling):
    dim = lengths[layer]
    extractor = load_extractor(f"{folder}:{dim}dim", pooling)
    assert extractor.space.layer is (Layer.VECTORS, Layer.HIDDEN)[layer]
    page = extractor.vectors(page_picture(400, 500))
    assert page.vectors.shape[1] == dim
    pooled = extractor.pool(page.vectors)
    parts = {
        PagePooling.MEAN: page.vectors.mean(axis=0),
        PagePooling.MAX: page.vectors.max(axis=0),
        PagePooling.STD: page.vectors.std(axis=0),
    }
    expected = parts[pooling] if pooling in parts else np.concatenate(list(parts.values()))
    np.testing.assert_allclose(pooled, expected, atol=1e-5)
    assert len(extractor.space.names) == len(pooled)


def test_a_length_the_checkpoint_does_not_have_is_refused(folder):
    with pytest.raises(InputError, match="no vectors of length 77"):
        load_extractor(f"{folder}:77dim", PagePooling.MEAN)


def test_text_weighting_is_refused_for_checkpoints(folder, lengths):
    with pytest.raises(InputError, match="for patches only"):
        load_extractor(f"{folder}:{lengths[0]}dim", PagePooling.CONCAT_TEXT)
