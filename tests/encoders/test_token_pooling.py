import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from colour_encoder import ColourEncoder
from maxsight.encoders.fake import FakeEncoder
from maxsight.encoders.token_pooling import PoolingEncoder, pool_tokens
from maxsight.errors import InputError
from maxsight.types import WHOLE_PAGE, PageEmbedding, Regions
from store_pages import make_page


def at(*degrees):
    """Unit vectors in the plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def patches(*places):
    """Boxes of a 10 x 10 grid, by row and column."""
    return np.array([[col / 10, row / 10, (col + 1) / 10, (row + 1) / 10] for row, col in places], np.float32)


def random_page(seed, vectors=90, dim=16):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((vectors, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return PageEmbedding(rows, Regions(patches(*[divmod(index, 10) for index in range(vectors)]), None))


def test_each_vector_is_the_mean_direction_of_vectors_that_say_nearly_the_same():
    """0 and 10 degrees lie together, as do 80 and 100: half of 4 vectors are their means, 5 and 90 degrees."""
    page = PageEmbedding(at(0, 80, 10, 100), Regions(patches((0, 0), (5, 5), (0, 1), (5, 6)), None))
    np.testing.assert_allclose(pool_tokens(page, 2).vectors, at(5, 90), atol=1e-6)


def test_a_cluster_that_lies_together_is_shown_as_a_whole():
    page = PageEmbedding(at(0, 80, 10, 100), Regions(patches((0, 0), (5, 5), (0, 1), (6, 5)), None))
    np.testing.assert_allclose(
        pool_tokens(page, 2).regions.boxes, [[0, 0, 0.2, 0.1], [0.5, 0.5, 0.6, 0.7]], atol=1e-6
    )


def test_a_scattered_cluster_is_shown_where_its_most_typical_member_is():
    """0, 10 and 12 degrees have their mean at 7.3; 10 is nearest. A box around all three would cover the page."""
    page = PageEmbedding(
        at(0, 90, 10, 92, 12, 94),
        Regions(patches((0, 0), (5, 5), (9, 9), (5, 6), (0, 9), (5, 7)), None),
    )
    boxes = pool_tokens(page, 3).regions.boxes
    np.testing.assert_allclose(boxes, [[0.9, 0.9, 1, 1], [0.5, 0.5, 0.8, 0.6]], atol=1e-6)


def test_spans_of_plain_text_are_merged_alike():
    spans = np.array([[0, 3], [40, 45], [4, 9], [90, 95]], np.int32)
    pooled = pool_tokens(PageEmbedding(at(0, 80, 10, 110), Regions(None, spans)), 2)
    assert pooled.regions.boxes is None
    assert pooled.regions.spans.tolist() == [[0, 9], [40, 45]]


def test_vectors_of_the_whole_page_are_kept_as_they_are():
    boxes = np.concatenate([[WHOLE_PAGE], patches((0, 0), (0, 1), (5, 5), (5, 6)), [WHOLE_PAGE]])
    page = PageEmbedding(at(40, 0, 10, 80, 100, 44), Regions(boxes.astype(np.float32), None))
    pooled = pool_tokens(page, 2)
    np.testing.assert_allclose(pooled.vectors, at(5, 90, 40, 44), atol=1e-6)
    assert pooled.regions.whole_page.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("vectors", "factor", "left"), [(90, 3, 30), (91, 3, 30), (5, 2, 2), (2, 3, 1), (1, 3, 1)]
)
def test_a_factor_says_how_many_vectors_are_left(vectors, factor, left):
    pooled = pool_tokens(random_page(1, vectors), factor)
    assert len(pooled.vectors) == left
    assert pooled.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(pooled.vectors, axis=1), 1, atol=1e-6)


def test_a_page_is_pooled_the_same_every_time():
    first, second = (pool_tokens(random_page(7), 3) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, second.vectors)
    np.testing.assert_array_equal(first.regions.boxes, second.regions.boxes)


@pytest.mark.parametrize("factor", [2, 3, 10])
def test_clusters_are_those_of_wards_method_on_the_vectors(factor):
    page = random_page(5)
    labels = fcluster(linkage(page.vectors.astype(float), "ward"), 90 // factor, "maxclust")
    means = np.stack([page.vectors[labels == label].mean(axis=0) for label in range(1, labels.max() + 1)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    pooled = pool_tokens(page, factor).vectors
    np.testing.assert_allclose(pooled[pooled[:, 0].argsort()], means[means[:, 0].argsort()], atol=1e-5)


def test_every_vector_counts_once():
    """The clusters' means, weighted by their members, sum to the vectors' sum: here each cluster has two members."""
    page = PageEmbedding(
        at(0, 90, 180, 270, 2, 92, 182, 272), Regions(patches(*[(0, n) for n in range(8)]), None)
    )
    pooled = pool_tokens(page, 2)
    np.testing.assert_allclose(pooled.vectors, at(1, 91, 181, 271), atol=1e-6)


def test_a_page_without_vectors_and_a_factor_of_one_change_nothing():
    page = random_page(3)
    assert pool_tokens(page, 1) is page
    empty = PageEmbedding(np.empty((0, 2), np.float32), Regions(np.empty((0, 4), np.float32), None))
    assert pool_tokens(empty, 3) is empty


def test_a_factor_below_one_is_refused():
    with pytest.raises(InputError, match="from 1, got 0"):
        pool_tokens(random_page(1), 0)


def test_a_pooling_encoder_pools_pages_and_leaves_queries_alone():
    encoder = FakeEncoder()
    pooling = PoolingEncoder(encoder, 2)
    page = make_page("a.txt", 0, "red apples fall far from old trees today").page
    (pooled,) = pooling.encode_pages([page])
    np.testing.assert_array_equal(pooled.vectors, pool_tokens(encoder.encode_pages([page])[0], 2).vectors)
    np.testing.assert_array_equal(
        pooling.encode_query("red apples").vectors, encoder.encode_query("red apples").vectors
    )


class Capable(ColourEncoder):
    """An encoder that differs from the defaults in all that it can do."""

    encodes_paragraphs = True
    encodes_remotely = True
    devices = ("cuda:1",)
    precision = "bfloat16"

    def encode_phrases(self, phrases):
        return self.encode_query(" ".join(phrases))

    def notice(self, text):
        return "colours only"


@pytest.mark.parametrize(
    "capability",
    ["space", "picture", "batch_size", "encodes_paragraphs", "encodes_remotely", "devices", "precision"],
)
def test_a_pooling_encoder_can_do_what_its_encoder_can(capability):
    value = getattr(Capable(), capability)
    assert getattr(PoolingEncoder(Capable(), 2), capability) == value
    assert getattr(FakeEncoder(), capability) != value, "no default"


def test_a_pooling_encoder_asks_its_encoder_about_queries():
    pooling = PoolingEncoder(Capable(), 2)
    assert pooling.notice("words") == "colours only"
    assert len(pooling.encode_phrases(["red", "green blue"]).vectors) == 4, "3 words and the prompt once"


def test_pooled_pages_have_no_hidden_states():
    assert PoolingEncoder(Capable(), 2).hidden_states is None
