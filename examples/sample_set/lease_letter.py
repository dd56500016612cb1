"""Three pages: a lease letter, printed, signed and scanned. The PDF holds pictures only, so that OCR has to read it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pypdfium2 as pdfium
from fpdf import FPDF
from PIL import Image, ImageFilter

from sample_set.layout import INK, MADE_ON, NAVY, Sheet

SCAN_DPI = 130
JPEG_QUALITY = 45
TILT_DEGREES = (0.6, -0.4, 0.9)
SIZE = 13.0


def make() -> FPDF:
    """Print the letter, then scan it: tilted, grey, grainy pages."""
    scan = FPDF(format="A4")
    scan.set_creation_date(MADE_ON)
    scan.set_title("Lease of the Ness field")
    printed = pdfium.PdfDocument(bytes(print_letter().output()))
    for number, tilt in enumerate(TILT_DEGREES):
        picture = printed[number].render(scale=SCAN_DPI / 72, grayscale=True).to_pil()
        jpeg = BytesIO()
        scanned(picture, tilt, seed=number).save(jpeg, "JPEG", quality=JPEG_QUALITY)
        scan.add_page()
        scan.image(jpeg, 0, 0, scan.w, scan.h)
    printed.close()
    return scan


def scanned(page: Image.Image, tilt: float, seed: int) -> Image.Image:
    """Make a clean page look scanned: a slight turn, soft edges, a shadow along the fold, grain."""
    turned = page.convert("L").rotate(tilt, Image.Resampling.BICUBIC, fillcolor=255)
    soft = np.asarray(turned.filter(ImageFilter.GaussianBlur(0.5)), dtype=np.float32)  # (height, width)
    height, width = soft.shape
    shadow = 26 * np.exp(-np.arange(width) / (width * 0.03))[None, :]
    shade = np.linspace(0, 9, height)[:, None]
    grain = np.random.default_rng(seed).normal(0, 3.0, soft.shape)
    return Image.fromarray(np.clip(soft * 0.94 + 8 - shadow - shade + grain, 0, 255).astype(np.uint8))


def print_letter() -> Sheet:
    """Lay out the letter as it came from the printer."""
    sheet = Sheet("Lease of the Ness field", "Lease 2017/31", accent=INK, family="Times")
    for page in (first, second, third):
        sheet.start_page(bare=True)
        sheet.set_xy(26, 24)
        with sheet.frame(26, 24, 158):
            page(sheet)
        sheet.text_at(26, 280, f"Lease 2017/31, sheet {sheet.page_no()} of 3", size=9, width=158, align="C")
    return sheet


def first(sheet: Sheet) -> None:
    """Sheet 1."""
    sheet.text_at(26, 24, "Drever & Daughters, Solicitors", size=17, style="B")
    sheet.text_at(26, 32, "7 Kirk Wynd, Port Hallin, Great Skerrow", size=10.5)
    sheet.stroke([(26, 38.5), (184, 38.5)], INK, 0.5)
    sheet.set_y(47)
    for line in ("Mr Magnus Isbister", "Ness Farm", "Little Skerrow"):
        sheet.text_at(26, sheet.y, line, size=SIZE, width=100)
        sheet.set_y(sheet.y + 5.5)
    sheet.text_at(26, 47, "12 June 2017", size=SIZE, align="R", width=158)
    sheet.set_xy(26, 72)
    sheet.heading("Lease of the Ness field for two wind turbines", 2)
    for text in (
        "Dear Mr Isbister,",
        """we act for the Skerrow Sound Wind Cooperative. Further to our meeting at your kitchen table on 29 May,
        we set out below the terms on which our client would like to lease part of the Ness field on Gannet Head.
        If you agree, please sign both copies on the last sheet and return one to us before the end of July.""",
        """1. The land. The lease covers 2.4 hectares at the northern end of the Ness field, as marked in red on the
        enclosed map, and a strip six metres wide for a road from the cattle grid to the cliff. The old sheepfold and
        the spring below it are not part of the lease and shall not be touched.""",
        """2. The term. The lease begins on 1 April 2018 and runs for 27 years. Our client may extend it once, by
        eight years, if notice is given in writing no later than 18 months before the end.""",
        """3. The rent. Our client pays a fixed rent of 9,200 pounds per turbine and year, or 2.75 percent of the
        gross income from both machines, whichever is higher. Rent falls due on 11 November, Martinmas, as has
        long been the custom on the island. It rises each year with the index of retail prices, but never by more
        than four percent.""",
        """4. Before building. From the day of signature until the first turbine turns, our client pays 1,500 pounds a
        year to keep the field free. This sum is yours to keep even if nothing is ever built.""",
    ):
        sheet.paragraph(text, size=SIZE)


def second(sheet: Sheet) -> None:
    """Sheet 2."""
    for text in (
        """5. Grazing. You may graze sheep on the whole of the field, right up to the towers, at all times
        except during the weeks of building. For each week in which you cannot, our client pays 340 pounds for fodder.
        Bulls shall not be kept in the field without a day's warning to the control room.""",
        """6. Road and gates. Our client builds the road, keeps it in repair and clears it of snow. You may use it
        free of charge with any vehicle of up to 12 tonnes. Gates are to be left as they were found. A gate left
        open costs our client 50 pounds, to be paid on the spot.""",
        """7. Noise and shadow. Noise at the wall of Ness farmhouse shall not exceed 38 decibels between ten in
        the evening and six in the morning. The turbines will be stopped whenever their moving shadow would fall
        upon the kitchen window for more than eight minutes on any one day.""",
        """8. Damage. Our client makes good all damage to drains, walls and fences within thirty days. Dry stone
        walls are to be rebuilt by hand and without mortar, by a waller whom you approve.""",
        """9. Insurance. Our client holds insurance for public liability of at least ten million pounds and
        sends you the certificate every January.""",
        """10. Taking down. At the end of the lease, our client removes the machines, the road, if you so
        wish, and the foundations to a depth of 1.2 metres below the ground, and restores the turf within
        twelve months. To secure this duty, our client pays 65,000 pounds into a blocked account at the Hallin
        Savings Bank, in ten equal parts, beginning in the fifth year.""",
        """11. Sale of the farm. The lease binds whoever buys or inherits the farm. Should you wish to sell, our
        client has the right to match any offer within six weeks.""",
    ):
        sheet.paragraph(text, size=SIZE)


def third(sheet: Sheet) -> None:
    """Sheet 3."""
    for text in (
        """12. Birds. No work shall be done within 200 metres of the cliff between 15 April and 31 July, when the
        fulmars and puffins are nesting. The Bird Observatory may enter the field on foot at any hour.""",
        """13. Disputes. Should the parties disagree, they will first talk in the presence of the minister of the
        parish. Only if this fails within two months may either go to the Sheriff Court in Inverbrae.""",
        """14. Costs. Our client bears the cost of this lease, of its registration, and of a solicitor of your own
        choice, up to 1,800 pounds.""",
        """We enclose the map, a stamped envelope and, as promised to Mrs Isbister, the recipe for the lemon cake.""",
        "Yours sincerely,",
    ):
        sheet.paragraph(text, size=SIZE)
    sheet.ln(4)
    signature(sheet, 30, sheet.y + 6)
    sheet.set_y(sheet.y + 16)
    sheet.paragraph("Kirsten Drever, solicitor", size=SIZE)
    sheet.ln(4)
    sheet.heading("Agreed", 2)
    sheet.paragraph(
        "I accept the terms above for myself and my heirs. I ask that the rent be paid to account 4417 at the Hallin "
        "Savings Bank.",
        size=SIZE,
    )  # fmt: skip
    y = sheet.y + 22
    for x, name, wave in (
        (26, "Magnus Isbister, 3 July 2017", 1.0),
        (112, "Witness: Tomas Quoy, shepherd", 1.6),
    ):
        signature(sheet, x + 6, y - 5, wave)
        sheet.stroke([(x, y), (x + 70, y)], INK, 0.3)
        sheet.text_at(x, y + 1.5, name, size=10, width=70)
    sheet.set_y(y + 8)


def signature(sheet: Sheet, x: float, y: float, wave: float = 1.3) -> None:
    """Draw a scrawl that OCR should not read."""
    strokes = np.linspace(0, 1, 90)
    points = [
        (x + 44 * t, y - 5.5 * float(np.sin(31 * wave * t + 3 * t * t)) * (1 - 0.7 * t) - 2 * t)
        for t in strokes.tolist()
    ]
    sheet.stroke(points, NAVY, 0.5)
