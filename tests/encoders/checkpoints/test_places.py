"""The place of each vector on the page: a spot of the page is changed, and the vectors there must change."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

from opened import KINDS, page_image, page_of
from PIL import Image

TILED = ("colmodernvbert", "engine-colidefics3")
SPOTS = 10


@pytest.fixture(params=KINDS)
def opened(request, opened_once):
    return opened_once(request.param)


def with_spot(image, box):
    """Paint the inner part of a box over, in the opposite colours."""
    x0, y0, x1, y1 = box * [*image.size, *image.size]
    inner = [x0 + 0.2 * (x1 - x0), y0 + 0.2 * (y1 - y0), x1 - 0.2 * (x1 - x0), y1 - 0.2 * (y1 - y0)]
    left, top, right, bottom = (round(edge) for edge in inner)
    pixels = np.array(image)
    pixels[top : max(bottom, top + 1), left : max(right, left + 1)] ^= 255
    return Image.fromarray(pixels), ((x0 + x1) / 2 / image.width, (y0 + y1) / 2 / image.height)


def contains(box, place):
    return box[0] <= place[0] <= box[2] and box[1] <= place[1] <= box[3]


def patches_of(regions):
    """The vectors with the smallest boxes: those of patches, on a tiled page those of the tiles."""
    areas = np.prod(regions.boxes[:, 2:] - regions.boxes[:, :2], axis=1)
    return np.flatnonzero(np.isclose(areas, areas.min()))


@pytest.mark.parametrize("size", [(425, 550), (700, 250)], ids=["portrait", "landscape"])
def test_the_vector_that_changes_most_is_the_one_whose_region_was_changed(opened, size):
    image, encoder = page_image(7, size), opened.encoder(batch_size=8)
    (before,) = encoder.encode_pages([page_of(image)])
    patches = patches_of(before.regions)
    chosen = np.random.default_rng(0).choice(patches, SPOTS, replace=False)
    spots = [with_spot(image, before.regions.boxes[vector]) for vector in chosen]
    after = encoder.encode_pages([page_of(changed) for changed, _ in spots])
    found = 0
    for vector, embedding, (_, place) in zip(chosen, after, spots, strict=True):
        change = np.linalg.norm(embedding.vectors - before.vectors, axis=1)
        most = patches[change[patches].argmax()]
        assert contains(before.regions.boxes[vector], place)
        found += contains(before.regions.boxes[most], place)
    assert found == SPOTS, f"{found} of {SPOTS}"


@pytest.mark.parametrize("kind", TILED)
def test_the_tile_of_the_whole_page_has_its_own_coarser_regions(kind, opened_once):
    opened = opened_once(kind)
    image, encoder = page_image(7, (425, 550)), opened.encoder(batch_size=8)
    (before,) = encoder.encode_pages([page_of(image)])
    sizes = before.regions.boxes[:, 2:] - before.regions.boxes[:, :2]
    whole = np.flatnonzero(np.isclose(sizes, 0.5).all(axis=1))
    assert len(whole) == 4, "2 x 2 tokens of the tiny checkpoint's last tile"
    spots = [with_spot(image, before.regions.boxes[vector]) for vector in whole]
    after = encoder.encode_pages([page_of(changed) for changed, _ in spots])
    for vector, embedding in zip(whole, after, strict=True):
        change = np.linalg.norm(embedding.vectors - before.vectors, axis=1)
        assert whole[change[whole].argmax()] == vector
