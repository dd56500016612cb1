"""Two pages in German: a leaflet about solar panels on balconies and bees beneath solar fields."""

from __future__ import annotations

from sample_set.charts import bar_chart
from sample_set.layout import AMBER, GREEN, MARGIN, NAVY, PALE, TEAL, WHITE, Sheet


def make() -> Sheet:
    """Lay out the leaflet."""
    sheet = Sheet("Strom vom Balkon", "Energiegenossenschaft Lindenau", accent=GREEN, lang="de-DE")
    balcony(sheet)
    bees(sheet)
    return sheet


def balcony(sheet: Sheet) -> None:
    """Page 1."""
    sheet.start_page(bare=True)
    sheet.block(0, 0, sheet.w, 74, (214, 230, 212))
    sheet.set_fill_color(*AMBER)
    sheet.circle(178, 22, 11, style="F")
    sheet.text_at(MARGIN, 18, "Strom vom Balkon", size=30, style="B", color=GREEN)
    sheet.text_at(MARGIN, 33, "Was ein Balkonkraftwerk bringt und wie Sie es anmelden", size=12, color=NAVY)
    sheet.block(MARGIN, 61, 92, 2, NAVY)
    for panel in range(2):
        x = MARGIN + 4 + panel * 43
        sheet.block(x, 45, 40, 22, NAVY)
        for line in range(1, 5):
            sheet.stroke([(x + line * 8, 45), (x + line * 8, 67)], PALE, 0.25)
        sheet.stroke([(x, 56), (x + 40, 56)], PALE, 0.25)
    sheet.set_xy(MARGIN, 82)
    sheet.paragraph(
        """Zwei Solarmodule am Gel\xe4nder, ein Wechselrichter, eine Steckdose: Mehr braucht es nicht, um einen
        Teil des eigenen Stroms selbst zu erzeugen. In Lindenau h\xe4ngen inzwischen 312 solcher Anlagen. Die
        Genossenschaft verleiht Werkzeug, hilft beim Aufh\xe4ngen und hat f\xfcr ihre Mitglieder 150 Sets zum
        Preis von 389 Euro eingekauft."""
    )
    bar_chart(
        sheet, "Ertrag einer Anlage mit 800 Watt, S\xfcdbalkon", "Kilowattstunden pro Monat",
        ("Jan", "Feb", "M\xe4r", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"),
        {"gemessen in der Gartenstra\xdfe 12, 2024": (21, 34, 56, 74, 86, 89, 91, 83, 66, 44, 24, 17)},
        (0, 20, 40, 60, 80, 100), height=44, stacked=True, labels=True,
    )  # fmt: skip
    sheet.heading("Lohnt sich das?", 2)
    sheet.paragraph(
        """Die Anlage in der Gartenstra\xdfe hat im Jahr 2024 genau 685 Kilowattstunden geliefert. Zwei Drittel
        davon hat der Haushalt selbst verbraucht und so 146 Euro gespart. Nach weniger als drei Jahren ist der
        Kaufpreis wieder herein. Ein Ostbalkon bringt etwa ein Viertel weniger, ein Nordbalkon lohnt sich nicht."""
    )
    sheet.heading("In vier Schritten zur eigenen Anlage", 2)
    sheet.bullets(
        (
            "Vermieter fragen: Er darf nur aus wichtigem Grund ablehnen, etwa bei Denkmalschutz.",
            "Gel\xe4nder pr\xfcfen: Es muss 25 Kilogramm je Modul tragen, auch bei Sturm.",
            "Anh\xe4ngen und einstecken: Mehrfachsteckdosen sind verboten, der Wechselrichter "
            "darf h\xf6chstens 800 Watt abgeben.",
            "Anmelden: innerhalb eines Monats im Register. Die Genossenschaft hilft donnerstags von 17 bis 19 Uhr.",
        ),
        numbered=True,
    )
    sheet.text_at(
        MARGIN, sheet.h - 13, "Energiegenossenschaft Lindenau, Seite 1", size=8, color=(105, 114, 124)
    )


def bees(sheet: Sheet) -> None:
    """Page 2."""
    sheet.start_page()
    sheet.heading("Bienen unter Solarmodulen")
    sheet.paragraph(
        """Auf dem Solarfeld am M\xfchlbach m\xe4ht seit drei Jahren niemand mehr vor Ende Juli. Zwischen den
        Reihen bl\xfchen Natternkopf, Wiesensalbei und Flockenblumen. Die Imkerin Hannelore Vogt hat dort zw\xf6lf
        Bienenv\xf6lker aufgestellt. Im vergangenen Sommer hat sie 318 Kilogramm Honig geschleudert, fast doppelt
        so viel wie am alten Standort neben dem Maisfeld."""
    )
    sheet.heading("Was wir gez\xe4hlt haben", 2)
    sheet.data_table(
        ("Art oder Gruppe", "2021", "2022", "2023", "2024"),
        (
            ("Wildbienen, Arten", "19", "31", "44", "57"),
            ("Tagfalter, Arten", "8", "13", "17", "21"),
            ("Feldlerche, Brutpaare", "0", "1", "3", "4"),
            ("Zauneidechsen, gesehen je Rundgang", "2", "5", "9", "14"),
            ("Honig in Kilogramm", "-", "164", "241", "318"),
        ),
        (2.6, 1, 1, 1, 1),
    )
    sheet.heading("So machen Sie Ihren Garten bienenfreundlich", 2)
    sheet.bullets(
        (
            "Eine Ecke wild lassen. Schon zwei Quadratmeter Brennnesseln ern\xe4hren die Raupen des Tagpfauenauges.",
            "Von M\xe4rz bis Oktober soll immer etwas bl\xfchen: Krokus, Obstbaum, Lavendel, Fetthenne, Efeu.",
            "Offenen Boden lassen. Drei Viertel der Wildbienen nisten in der Erde und nicht im Insektenhotel.",
            "Eine flache Schale mit Wasser und Steinen aufstellen, damit die Bienen beim Trinken nicht ertrinken.",
        )
    )
    sheet.callout(
        "F\xfchrung am Solarfeld",
        """Am Sonntag, dem 25. Mai 2025, um 14 Uhr zeigt Hannelore Vogt die Bienenst\xf6cke. Treffpunkt ist die
        Br\xfccke am M\xfchlbach. Bitte feste Schuhe tragen. Kinder bekommen einen Imkerschleier geliehen. Honig
        wird verkauft, das Glas zu 6,50 Euro.""",
        color=AMBER,
    )
    sheet.heading("Mitglied werden", 2)
    sheet.paragraph(
        """Ein Anteil kostet 50 Euro und bringt im Durchschnitt drei Prozent im Jahr. Jedes Mitglied hat eine
        Stimme. Die n\xe4chste Versammlung findet am 3. April 2025 im Gasthaus Zur Linde statt.
        Beitrittserkl\xe4rungen liegen im Rathaus, in der B\xfccherei und bei der B\xe4ckerei Kr\xfcger aus."""
    )
    y = sheet.y + 4
    sheet.block(MARGIN, y, sheet.epw, 24, GREEN)
    sheet.text_at(MARGIN + 6, y + 5.5, "Energiegenossenschaft Lindenau eG", size=13, style="B", color=WHITE)
    sheet.text_at(
        MARGIN + 6,
        y + 14,
        "Marktplatz 4, Lindenau. Sprechstunde donnerstags von 17 bis 19 Uhr",
        size=10,
        color=WHITE,
    )
    for number in range(7):
        x, top = MARGIN + 12 + number * 24, y + 33 + (number % 3) * 3
        sheet.set_fill_color(*(AMBER, TEAL, (178, 90, 130))[number % 3])
        for dx, dy in ((-3, 0), (3, 0), (0, -3), (0, 3)):
            sheet.circle(x + dx, top + dy, 2.1, style="F")
        sheet.set_fill_color(250, 214, 90)
        sheet.circle(x, top, 1.6, style="F")
