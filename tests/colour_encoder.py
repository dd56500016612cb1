"""An encoder that looks at pages and knows colours: the right answer to every question can be seen."""

import numpy as np

from maxsight.encoders import Encoder
from maxsight.errors import EmptyQueryError
from maxsight.pictures import Fit, PictureFit
from maxsight.types import WHOLE_PAGE, EmbeddingSpace, PageEmbedding, QueryEmbedding, Regions

GRID = 8
COLOURS = ("red", "green", "blue", "white", "black", "prompt")


class ColourEncoder(Encoder):
    """One vector for each of 8 x 8 patches, and one for a prompt that says nothing of the page.

    A query is names of colours; it ends in a token of no word, which finds the prompt.
    """

    space = None
    picture = PictureFit(Fit.STRETCH, height_px=10 * GRID, width_px=10 * GRID)
    batch_size = 4

    def __init__(self, name="colours", revision="1"):
        self.space = EmbeddingSpace(name, revision, dim=16)

    def encode_pages(self, pages):
        return [self._encode(page.picture) for page in pages]

    def encode_query(self, text):
        words = tuple(word for word in text.split() if word in COLOURS)
        if not words:
            raise EmptyQueryError("the query names no colour")
        vectors = np.eye(16, dtype=np.float32)[[*map(COLOURS.index, words), COLOURS.index("prompt")]]
        return QueryEmbedding(text, vectors, words, np.array([*range(len(words)), -1], np.int32))

    def _encode(self, picture):
        patches = picture.reshape(GRID, 10, GRID, 10, 3).mean(axis=(1, 3)).reshape(-1, 3) / 255
        grey = patches.min(axis=1, keepdims=True)
        features = np.concatenate([patches - grey, grey, 1 - patches.max(axis=1, keepdims=True)], axis=1)
        vectors = np.zeros((GRID * GRID + 1, 16), np.float32)
        vectors[:-1, :5] = features / np.linalg.norm(features, axis=1, keepdims=True)
        vectors[-1, COLOURS.index("prompt")] = 1
        rows, cols = np.divmod(np.arange(GRID * GRID), GRID)
        boxes = np.stack([cols, rows, cols + 1, rows + 1], axis=1) / GRID
        return PageEmbedding(vectors, Regions(np.concatenate([boxes, [WHOLE_PAGE]]).astype(np.float32), None))
