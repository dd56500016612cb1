"""Four pages in two columns: a research paper about tower lights that spare birds."""

from __future__ import annotations

from sample_set.charts import bar_chart, line_chart
from sample_set.layout import GREY, MARGIN, NAVY, Sheet

SIZE = 11.4


def make() -> Sheet:
    """Lay out the paper."""
    sheet = Sheet(
        "Dark towers: on-demand obstruction lights and nocturnal birds", "Skerrow Journal of Ecology 12 (2025)",
        accent=NAVY, family="Times",
    )  # fmt: skip
    for page in (first, second, third, fourth):
        page(sheet)
    return sheet


def prose(sheet: Sheet, *texts: str) -> None:
    """Write paragraphs of a column."""
    for text in texts:
        sheet.paragraph(text, size=SIZE, align="J")


def first(sheet: Sheet) -> None:
    """Page 1."""
    sheet.start_page()
    sheet.ln(3)
    sheet.heading(
        "Dark towers: on-demand obstruction lights reduce the attraction of nocturnal birds to wind turbines"
    )
    sheet.paragraph("Maren Halvorsen, Callum Drever and Oluwaseun Adeyemi", size=11, style="B")
    sheet.paragraph(
        "Skerrow Bird Observatory, Little Skerrow. Correspondence: M. Halvorsen", size=9, color=GREY
    )
    with sheet.frame(MARGIN + 8, sheet.y + 1, sheet.epw - 16):
        sheet.paragraph(
            """Abstract. Red obstruction lights on wind turbines attract birds that migrate at night, above all in
            fog. We compared three lighting schemes at six coastal turbines over 214 nights: steady red light, red
            light that flashes 20 times per minute, and light that is switched on by radar only when an aircraft
            is near. Thermal cameras counted 41,306 birds. Compared with steady light, flashing light lowered the
            number of birds that circled a tower by 58 percent, and on-demand light by 93 percent. Carcasses fell
            from 19 to 3. Pilots noticed no difference. On-demand lighting is cheap, and we recommend it for all
            coastal sites.""",
            size=10.6, align="J",
        )  # fmt: skip
    top = sheet.y + 3
    with sheet.half(0, top):
        sheet.heading("1  Introduction", 2)
        prose(
            sheet,
            """Two out of three songbirds that cross the northern sea travel at night. They find their way by
            stars, by the magnetic field, and by the faint glow of the horizon. On clear nights a lamp means
            little to them. Under low cloud it becomes the only mark in sight, and birds fly around it for hours,
            until they drop from exhaustion or strike the structure that carries it.""",
            """Lighthouse keepers have known this for two centuries. The log of the Skerrow Light records "a bucket
            of thrushes before breakfast" on 11 October 1887. The keepers hung nets below the lantern, and the
            birds went into pies. When the light was changed from a fixed to a flashing beam in 1913, the pies came to
            an end.""",
            """Wind turbines taller than 150 metres must carry obstruction lights. The rules of most countries ask
            for red lamps of 2,000 candela on the nacelle.""",
        )
    with sheet.half(1, top):
        sheet.ln(3)
        prose(
            sheet,
            """Earlier work suggests that the length of the dark phase matters more than
            the colour. Gauthier and Moen (2016) found fewer calls of migrants around towers with flashing
            light; Pereira (2019) found no difference between red and white lamps when both flashed.""",
            """Since 2020, small radars allow lights to stay off until they are needed. The technique
            was made for the sake of people who live near wind farms. Whether it also helps birds has, to our
            knowledge, not been measured.""",
            """We had the rare chance to switch the lights of a whole wind farm at will. The Skerrow Sound Wind
            Cooperative let us control the lamps of its six turbines at Gannet Head during two autumns and one spring,
            with the consent of the aviation authority, which kept a notice to pilots in force throughout.""",
            """We asked three questions. Do birds circle less when lights flash or are off? Does the effect depend on
            the weather? And do fewer birds die?""",
        )


def second(sheet: Sheet) -> None:
    """Page 2."""
    sheet.start_page()
    top = sheet.y
    with sheet.half(0, top):
        sheet.heading("2  Methods", 2)
        sheet.heading("2.1  Site", 3)
        prose(
            sheet,
            """Gannet Head is a peninsula of red sandstone at the northern end of Little Skerrow, with cliffs of
            70 metres. The six turbines stand in a line along the cliff, 420 metres apart. Their hubs are 105
            metres above ground, the tips of the blades reach 173 metres.""",
        )
        sheet.heading("2.2  Treatments", 3)
        prose(
            sheet,
            """Each night was drawn by lot to one of three schemes. Steady: all lamps on from dusk to dawn.
            Flashing: 20 flashes of 0.5 seconds per minute, all towers in step. On demand: lamps off unless the
            radar saw an aircraft within six kilometres and below 1,200 metres. The lot was drawn at noon by the
            observatory's cook, who knew nothing of the forecast.""",
        )
        sheet.heading("2.3  Counting birds", 3)
        prose(
            sheet,
            """Two thermal cameras looked upward at turbines G2 and G5. A bird was called circling
            if its track turned by more than 360 degrees within 120 metres of the tower. Two observers judged a sample
            of 1,500 tracks by eye and agreed with the software in 94.2 percent of cases.""",
            """Dogs and their handlers searched a circle of 90 metres around all six towers at first light. With
            planted quail, they found 81 percent of what lay on grass and 64 percent of what lay in heather;
            counts were corrected for both.""",
        )
        sheet.heading("2.4  Statistics", 3)
        prose(
            sheet,
            """We fitted a negative binomial mixed model of the number of circling birds per night, with scheme,
            fog and their interaction as fixed effects and date as a random effect.""",
        )
    with sheet.half(1, top):
        sheet.heading("Table 1", 3)
        sheet.caption("Nights and birds by lighting scheme")
        sheet.data_table(
            ("", "Steady", "Flashing", "On demand"),
            (
                ("Nights", "70", "71", "73"),
                ("of these with fog", "19", "17", "20"),
                ("Birds seen", "15,122", "12,890", "13,294"),
                ("Circling birds", "3,478", "1,482", "243"),
                ("Share circling", "23.0%", "11.5%", "1.8%"),
                ("Carcasses found", "19", "9", "3"),
                ("Lamps on, share of night", "100%", "100%", "2.1%"),
            ),
            (1.9, 1, 1.1, 1.3), size=8.3,
        )  # fmt: skip
        sheet.heading("3  Results", 2)
        prose(
            sheet,
            """The cameras recorded 41,306 birds in 214 nights. Most were thrushes, among them redwings (38
            percent), followed by starlings, robins and storm petrels. Traffic peaked between 22:00 and 01:00 and
            was four times as strong with a tailwind as with a headwind.""",
        )
        bar_chart(
            sheet, "Fig. 1. Circling birds per night", "mean", ("Clear", "Cloud", "Fog"),
            {"Steady": (8, 31, 122), "Flashing": (5, 14, 49), "On demand": (2, 3, 6)}, (0, 30, 60, 90, 120, 150),
            height=46,
        )  # fmt: skip
        prose(
            sheet,
            """Under steady light, 23 percent of all birds circled a tower at least once. Flashing light lowered the
            count by 58 percent, on-demand light by 93 percent (both p < 0.001).""",
        )


def third(sheet: Sheet) -> None:
    """Page 3."""
    sheet.start_page()
    top = sheet.y
    with sheet.half(0, top):
        prose(
            sheet,
            """The difference was greatest in fog (Fig. 1). On the worst night, 17 October 2023, with steady light
            and a cloud base at 90 metres, 611 birds flew around the two towers, one redwing for four hours and
            ten minutes. The lamps were switched off by hand at 02:40, with leave of the tower at Hallin airfield.
            Fourteen minutes later, the air around the turbines was empty.""",
            """Birds did not take long to react. In 46 of 51 events in which the radar switched the lights on for
            a passing aircraft, no bird had begun to circle before they went out again after, on average, three
            minutes and twenty seconds.""",
        )
        line_chart(
            sheet, "Fig. 2. Birds near the towers after lights-out", "count", ("0", "4", "8", "12", "16", "20"),
            {"17 October 2023": (611, 402, 188, 51, 9, 4), "3 November 2023": (240, 131, 62, 20, 7, 2)},
            (0, 100, 200, 300, 400, 500, 600, 700), height=48,
        )  # fmt: skip
        sheet.caption("Horizontal axis: minutes since the lamps were switched off.")
        prose(
            sheet,
            """Searchers found 31 carcasses: 19 after nights with steady light, 9 after flashing and 3 after
            on-demand nights. Corrected for what dogs overlook, this is 26.4, 12.1 and 4.0. No storm petrel was
            found dead under dark towers.""",
        )
    with sheet.half(1, top):
        sheet.heading("4  Discussion", 2)
        prose(
            sheet,
            """Light that is off attracts nobody. The result is no surprise, but its size is: the rarest lighting
            was not merely somewhat better than flashing, it was six times better. The reason may be that even
            short flashes, at three-second intervals, suffice to renew the attraction in fog, where each flash
            lights up the whole cloud around the nacelle.""",
            """Our study has limits. It was made at one site, with six machines, in a region without large cities,
            where a lamp has no rivals. Next to a harbour or an oil terminal, dark towers might gain little. We
            also cannot say whether birds which no longer circle strike the blades without warning; the low number
            of carcasses speaks against it.""",
        )
        sheet.heading("4.1  Cost", 3)
        prose(
            sheet,
            """The radar, its mast and the switches cost 148,000 pounds, or 24,700 pounds per turbine, and 9,000
            pounds a year to maintain. A single replacement blade costs 210,000 pounds. The lamps now last longer:
            they are lit for some 90 hours a year instead of 4,300.""",
        )
        sheet.heading("4.2  Safety of aviation", 3)
        prose(
            sheet,
            """The system fails to the safe side: if the radar sends no heartbeat for five seconds, all lamps come
            on. This happened eleven times, mostly because of lightning. We sent a form to the 34 pilots who fly
            to Hallin at night. Of the 29 who replied, 27 had noticed no change, and two praised the absence of
            glare on approach.""",
        )
        sheet.heading("5  Recommendations", 2)
        sheet.bullets(
            (
                "Fit on-demand lights wherever turbines stand within 10 km of the coast.",
                "Until then, use the longest dark phase the rules allow.",
                "Never use steady light in fog during migration.",
                "Keep lamps below the nacelle roof shielded downward.",
            ),
            size=SIZE, numbered=True,
        )  # fmt: skip


def fourth(sheet: Sheet) -> None:
    """Page 4."""
    sheet.start_page()
    top = sheet.y
    with sheet.half(0, top):
        sheet.heading("6  Conclusion", 2)
        prose(
            sheet,
            """Switching lights off until an aircraft needs them removed nearly all of the attraction that wind
            turbines had for nocturnal migrants on Gannet Head, at a price far below that of other measures such
            as stopping the rotors. What began as a favour to sleepless neighbours may be the most useful thing
            that can be done for birds at wind farms by the sea.""",
        )
        sheet.heading("Acknowledgements", 2)
        prose(
            sheet,
            """We thank the dogs Bonxie and Tirrick, their handlers, the air traffic controllers of Hallin, and the
            observatory's cook, Moira Linklater, for 214 fair draws. The Skerrow Sound Wind Cooperative paid for the
            radar but had no part in the analysis. The thermal cameras were lent by the lifeboat station.""",
        )
        sheet.heading("Data", 2)
        prose(
            sheet,
            """All tracks, weather records and the code of the model can be had from the observatory. Video is
            kept for five years; it takes up 38 terabytes.""",
        )
        sheet.heading("Ethics", 2)
        prose(
            sheet,
            """Nights with steady light were ended early if more than 500 birds circled. This rule was applied
            once. No bird was caught for this study. Quail used to test the dogs had died of natural causes at a
            farm in Brae.""",
        )
    with sheet.half(1, top):
        sheet.heading("References", 2)
        for entry in (
            "Gauthier L, Moen T (2016) Calls of migrants at communication towers. Northern Ornithology 41: 112-125.",
            "Halvorsen M (2021) Storm petrels and street lamps on Little Skerrow. Skerrow Journal of Ecology 8: 3-17.",
            "Keepers of the Skerrow Light (1887) Log book no. 14. Harbour archive, Port Hallin.",
            "Linklater M, Drever C (2022) How many carcasses do dogs miss? Field Methods in Ecology 5: 60-71.",
            "Pereira J (2019) Colour does not matter when lamps blink. Journal of Lighting and Wildlife 2: 201-215.",
            "Sorley A, Quoy B (2020) Radar for obstruction lights: a year of false alarms. Wind Practice 17: 88-94.",
        ):
            sheet.paragraph(entry, size=10.5)
        sheet.heading("Table 2", 3)
        sheet.caption("Species among the 31 carcasses")
        sheet.data_table(
            ("Species", "Steady", "Flashing", "On demand"),
            (
                ("Redwing", "9", "4", "1"), ("Starling", "4", "2", "1"), ("Robin", "3", "2", "1"),
                ("Storm petrel", "2", "1", "0"), ("Goldcrest", "1", "0", "0"), ("All", "19", "9", "3"),
            ),
            (1.8, 1, 1.1, 1.3), size=8.5, last_is_total=True,
        )  # fmt: skip
