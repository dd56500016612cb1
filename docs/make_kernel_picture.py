"""Draws docs/images/kernels.svg for docs/kernels.md. Run it from the root: ``python docs/make_kernel_picture.py``."""

from pathlib import Path

PICTURE = Path(__file__).parent / "images" / "kernels.svg"
WIDTH, HEIGHT = 960, 884
INK, FAINT, PAPER = "#1f2933", "#7b8794", "#ffffff"
BLUE, ORANGE, GREEN = ("#d9e8fb", "#5b93d6"), ("#fde5cf", "#e08a3c"), ("#d8f0df", "#4ba36b")
PLAIN = ("#f4f6f8", "#cbd2d9")

parts: list[str] = []


def box(x: float, y: float, width: float, height: float, colors: tuple[str, str] = PLAIN) -> None:
    """Draw a rectangle with a fill and a stroke."""
    fill, stroke = colors
    parts.append(
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{fill}" stroke="{stroke}"/>'
    )


def text(x: float, y: float, words: str, *, size: int = 13, color: str = INK, anchor: str = "middle") -> None:
    """Write a line of text."""
    weight = ' font-weight="600"' if size > 14 else ""
    parts.append(
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}" text-anchor="{anchor}"{weight}>{words}</text>'
    )


def line(x: float, y: float, to_x: float, to_y: float, *, arrow: bool = False) -> None:
    """Draw a line, with an arrow at its end if wanted."""
    end = ' marker-end="url(#arrow)"' if arrow else ""
    parts.append(f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{FAINT}"{end}/>')


def brace(x: float, width: float, y: float, words: str) -> None:
    """Mark a width from below."""
    for edge in (x, x + width):
        line(edge, y, edge, y + 6)
    line(x, y + 6, x + width, y + 6)
    text(x + width / 2, y + 23, words, size=12, color=FAINT)


def draw_signs(top: float) -> None:
    """Draw where the signs of a page lie."""
    text(30, top, "1  Pooled sign codes of a page", size=16, anchor="start")
    text(
        30,
        top + 22,
        "128 signs a vector, as two words of 64 bits. Here is a page of n vectors.",
        anchor="start",
    )
    names = ["v0", "v1", "v2", "…", "v15", "v16", "…", "last"]
    size, y = 54, top + 40
    for half, colors in enumerate((BLUE, ORANGE)):
        left = 30 + half * (len(names) * size + 18)
        for number, name in enumerate(names):
            box(left + number * size, y, size, 40, colors if number < 5 else PLAIN)
            text(left + (number + 0.5) * size, y + 25, name)
        text(left + 4 * size, y + 92, f"word {half}: dimensions {64 * half} to {64 * half + 63}", color=FAINT)
        brace(left, 5 * size, y + 46, "a block of 16 vectors: 128 bytes")


def draw_four_bit(top: float) -> None:
    """Draw a block of 4-bit codes."""
    text(30, top, "2  4-bit codes of a block of 16 vectors", size=16, anchor="start")
    text(30, top + 22, "Here with 128 dimensions: 16 lines of 64 bytes, 1 KB a block.", anchor="start")
    left, y, width, height = 100, top + 62, 34, 24
    for column in range(16):
        text(left + (column + 0.5) * width, y - 8, f"v{column}", size=12, color=FAINT)
    for row, name in enumerate(("line 0", "line 1", "line 2", "…", "line 15")):
        text(left - 10, y + row * height + 17, name, size=12, color=FAINT, anchor="end")
        for column in range(16):
            chosen = row == 1 and column == 2
            box(left + column * width, y + row * height, width, height, GREEN if chosen else PLAIN)
    line(left + 16 * width + 6, y + 1.5 * height, 694, y + 1.5 * height, arrow=True)
    zoom = 700
    text(zoom + 112, y - 8, "line 1, v2: four bytes", size=12, color=FAINT)
    for number in range(4):
        x = zoom + number * 56
        box(x, y + 12, 56, 30, ORANGE)
        box(x, y + 42, 56, 30, BLUE)
        text(x + 28, y + 32, f"{68 + number}")
        text(x + 28, y + 62, f"{4 + number}")
    text(zoom + 112, y + 92, "high half: dimensions 68 to 71", size=12, color=FAINT)
    text(zoom + 112, y + 110, "low half: dimensions 4 to 7", size=12, color=FAINT)


def tile(x: float, y: float, title: str, below: str) -> None:
    """Draw a tile of 16 lines of 64 bytes, with a title and its sizes."""
    text(x + 104, y - 12, title)
    for square in range(256):
        box(x + 13 * (square % 16), y + 13 * (square // 16), 13, 13)
    text(x + 104, y + 228, below, size=12, color=FAINT)


def draw_product(top: float) -> None:
    """Draw how a tile of tokens meets a tile of codes."""
    text(30, top, "3  One tile product: 16 tokens meet 16 vectors, in 64 dimensions", size=16, anchor="start")
    y, token, vector = top + 60, 4, 9
    a, b, c = 30, 370, 710
    tile(a, y, "query tokens", "a line: 64 dimensions of a token")
    tile(b, y, "codes, unpacked to bytes", "a line: 4 dimensions of 16 vectors")
    tile(c, y, "added to sums, 32 bits each", "a line: a token with 16 vectors")
    for column in range(16):
        box(a + 13 * column, y + 13 * token, 13, 13, BLUE)
        box(b + 13 * vector, y + 13 * column, 13, 13, ORANGE)
    box(c + 13 * vector, y + 13 * token, 13, 13, GREEN)
    text((a + 208 + b) / 2, y + 112, "&#215;", size=26)
    text((b + 208 + c) / 2, y + 112, "→", size=22)
    text(a + 104, y + 248, "blue: token 4", size=12, color=BLUE[1])
    text(b + 104, y + 248, "orange: vector 9", size=12, color=ORANGE[1])
    text(c + 104, y + 248, "green: their sum of products", size=12, color=GREEN[1])
    text(
        480, y + 292,
        "Each small square is 4 bytes: 4 dimensions, or one sum. The blue squares meet the orange ones in pairs.",
    )  # fmt: skip
    text(
        480,
        y + 316,
        "More products add the other dimensions. Then each token keeps its largest sum over all blocks.",
    )


def main() -> None:
    """Draw the picture."""
    draw_signs(46)
    draw_four_bit(250)
    draw_product(486)
    arrow = (
        '<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{FAINT}"/></marker>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="system-ui, Helvetica, Arial, sans-serif">'
    )
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
    PICTURE.write_text("\n".join([head, f"<defs>{arrow}</defs>", paper, *parts, "</svg>"]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
