"""The part of a hit's page with the matches that stand out most, as a picture."""

from __future__ import annotations

import io

from PIL import Image

from maxsight.errors import UnreadableDocumentError
from maxsight.results import Hit, telling_matches

STRONG_SHARE = 0.5
"""Of the largest contrast: the matches that a crop shows."""
MARGIN = 0.05
"""Around a crop, as a share of the page."""
PICTURE_EDGE_PX = 1400
JPEG_QUALITY = 80

Box = tuple[float, float, float, float]


def crop_of(hit: Hit) -> bytes | None:
    """Draw the part of a page that matched, as JPEG; None if it has no place, or the page can't be drawn."""
    boxes = strong_boxes(hit)
    if not boxes:
        return None
    try:
        return as_jpeg(cropped(hit.image(), boxes))
    except UnreadableDocumentError:
        return None


def strong_boxes(hit: Hit) -> list[Box]:
    """Find the places of the matches that stand out most."""
    telling = telling_matches(hit.matches)
    strong = [match for match in telling if match.contrast >= STRONG_SHARE * telling[0].contrast]
    return [match.region.box for match in strong if match.region.box is not None]


def cropped(picture: Image.Image, boxes: list[Box]) -> Image.Image:
    """Cut out the box around some boxes, with a margin."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    x0, y0 = max(min(lefts) - MARGIN, 0) * picture.width, max(min(tops) - MARGIN, 0) * picture.height
    x1, y1 = min(max(rights) + MARGIN, 1) * picture.width, min(max(bottoms) + MARGIN, 1) * picture.height
    return picture.crop((int(x0), int(y0), round(x1), round(y1)))


def as_jpeg(picture: Image.Image) -> bytes:
    """Write a picture as JPEG, large enough for a model to read."""
    picture = picture.convert("RGB")
    picture.thumbnail((PICTURE_EDGE_PX, PICTURE_EDGE_PX), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
