"""Ten pages: the annual report of a wind-power cooperative, with tables, charts and one rotated page."""

from __future__ import annotations

from sample_set.charts import bar_chart, line_chart
from sample_set.layout import AMBER, GREEN, GREY, MARGIN, NAVY, PALE, TEAL, WHITE, Sheet
from sample_set.shapes import hills, turbine

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SITE_GWH = {
    "Kittiwake Ridge": (17.0, 14.5, 14.5, 11.0, 9.1, 7.7, 7.5, 8.4, 11.4, 13.3, 13.2, 14.3),
    "Hallin Moor": (6.4, 5.6, 5.5, 4.8, 3.9, 3.2, 2.9, 3.0, 4.1, 5.5, 5.3, 6.0),
    "Gannet Head": (11.2, 8.7, 9.0, 7.1, 5.8, 4.5, 4.3, 4.6, 7.0, 8.8, 8.0, 8.6),
    "Lowther Bank": (14.5, 12.1, 12.2, 9.5, 7.6, 6.0, 5.6, 6.3, 2.3, 10.6, 10.8, 10.8),
    "Peat Hill": (0.4, 0.4, 0.4, 0.3, 0.3, 0.2, 0.2, 0.2, 0.3, 0.4, 0.4, 0.4),
}
TOTAL_GWH_2023 = (38.2, 41.6, 36.4, 33.0, 25.1, 19.3, 22.4, 21.8, 30.2, 33.9, 38.6, 35.0)

YEARS = ("2020", "2021", "2022", "2023", "2024")
REVENUE = {
    "Electricity sales": (18_940, 20_310, 27_880, 29_460, 31_215),
    "Heat services": (1_120, 1_485, 2_260, 2_915, 3_648),
    "Maintenance for others": (860, 1_040, 1_315, 1_790, 2_122),
    "Ferry and car charging": (0, 95, 340, 612, 987),
}
COSTS = {
    "Operation and maintenance": (9_846, 8_702),
    "Staff": (6_214, 5_873),
    "Depreciation": (8_930, 8_811),
    "Rent of land and seabed": (1_376, 1_302),
    "Interest": (2_655, 2_918),
    "Insurance": (1_108, 942),
    "Grid charges": (2_471, 2_240),
}
TAX = (1_021, 758)


def make() -> Sheet:
    """Lay out the report."""
    sheet = Sheet("Annual Report 2024", "Skerrow Sound Wind Cooperative", accent=TEAL)
    for page in (
        cover, at_a_glance, chairs_letter, production, sites, revenue, accounts, members, safety, appendix,
    ):  # fmt: skip
        page(sheet)
    return sheet


def cover(sheet: Sheet) -> None:
    """Page 1."""
    sheet.start_page(bare=True)
    sheet.block(0, 0, sheet.w, sheet.h, (206, 226, 233))
    sheet.set_fill_color(248, 226, 178)
    sheet.circle(158, 96, 21, style="F")
    hills(sheet, 168, 240, (150, 186, 190), 0.4)
    for x, base, height, turn in (
        (38, 195, 76, 12),
        (72, 195, 66, 47),
        (148, 198, 62, 80),
        (180, 198, 84, 25),
    ):
        turbine(sheet, x, base, height, turn)
    hills(sheet, 186, 250, (92, 146, 148), 2.1)
    turbine(sheet, 108, 215, 94, 52)
    hills(sheet, 206, 297, NAVY, 3.7, 5)
    sheet.text_at(MARGIN, 28, "ANNUAL REPORT", size=15, style="B", color=TEAL)
    sheet.text_at(MARGIN, 37, "2024", size=54, style="B", color=NAVY)
    sheet.text_at(MARGIN, 66, "A good year for wind, a hard one for cables", size=13, color=NAVY)
    sheet.text_at(MARGIN, 252, "Skerrow Sound Wind Cooperative", size=17, style="B", color=WHITE)
    sheet.text_at(MARGIN, 262, "Owned by 4,812 members on five islands since 1998", size=11, color=WHITE)
    sheet.text_at(
        MARGIN, 277, "Registered office: 3 Ropewalk, Port Hallin, Great Skerrow", size=8.5, color=WHITE
    )


def at_a_glance(sheet: Sheet) -> None:
    """Page 2."""
    sheet.start_page()
    sheet.heading("The year at a glance")
    total = sum(map(sum, SITE_GWH.values()))
    income = sum(values[-1] for values in REVENUE.values())
    surplus = income - sum(cost for cost, _ in COSTS.values()) - TAX[0]
    tiles = (
        (f"{total:.1f} GWh", "electricity generated", TEAL),
        (f"\xa3{income / 1000:.1f} million", "revenue, up 9 percent", NAVY),
        (f"\xa3{surplus / 1000:.2f} million", "surplus after tax", GREEN),
        ("4,812", "members, 295 more than in 2023", AMBER),
        ("97.1 percent", "turbine availability", TEAL),
        ("1", "injury with time off work", NAVY),
    )
    for number, (figure, label, color) in enumerate(tiles):
        x, y = MARGIN + (number % 3) * 58, 40 + (number // 3) * 34
        sheet.block(x, y, 54, 29, PALE)
        sheet.block(x, y, 54, 1.6, color)
        sheet.text_at(x + 4, y + 8, figure, size=16, style="B", color=color, width=48)
        sheet.text_at(x + 4, y + 18.5, label, size=8.5, color=GREY, width=48)
    sheet.set_y(112)
    sheet.paragraph(
        """The cooperative owns 37 turbines at five sites in and around Skerrow Sound, a district-heating
        network in Port Hallin, and eleven charging points on the quays. Whoever lives on one of the five islands
        may join with a single share of 100 pounds, and every member has one vote, whatever the holding."""
    )
    sheet.heading("What happened, in six dates", 2)
    sheet.data_table(
        ("Date", "Event"),
        (
            (
                "22 January 2024",
                "Storm Ragnild: gusts of 47 m/s at Gannet Head; all turbines stopped for 31 hours",
            ),
            (
                "9 March 2024",
                "General meeting in the fish hall, 604 members present; dividend of 5 percent approved",
            ),
            ("17 May 2024", "The 400th house, a cottage in Netherquay, joins the heat network"),
            ("4 September 2024", "The export cable of Lowther Bank fails 2.1 km from shore"),
            (
                "24 September 2024",
                "Cable ship Marit Solberg completes the repair; Lowther Bank is back on the grid",
            ),
            ("1 November 2024", "The ferry Eider begins to charge overnight at the Port Hallin linkspan"),
        ),
        (1, 3.6),
        numbers_from=9,
    )
    sheet.heading("In this report", 2)
    contents = (
        ("Letter from the chair", 3), ("Production", 4), ("Sites and turbines", 5), ("Revenue by segment", 6),
        ("Costs, surplus and balance sheet", 7), ("Members and the community fund", 8),
        ("Safety, people and risks", 9), ("Appendix: monthly production by site", 10),
    )  # fmt: skip
    for title, page in contents:
        y = sheet.y
        sheet.text_at(MARGIN, y, title, size=9.5)
        sheet.text_at(MARGIN, y, str(page), size=9.5, style="B", color=TEAL, align="R", width=120)
        sheet.set_y(y + 5.4)


def chairs_letter(sheet: Sheet) -> None:
    """Page 3."""
    sheet.start_page()
    sheet.heading("Letter from the chair")
    for text in (
        """Dear members, when the anchor of a passing trawler caught our export cable on the evening of 4
        September, the five largest machines we own fell silent within a second. I was at choir practice. By the
        time I had walked home, Torvald Eskil in the control room had already spoken to the insurer, to the
        harbour master and to the only cable ship north of the mainland that was free. Twenty days later the
        blades were turning again. The repair cost 3.4 million pounds, of which our policy paid all but the excess
        of 250,000 pounds. What it did not pay was the lost production, some 7.5 gigawatt-hours, worth about
        590,000 pounds.""",
        """I begin with the bad news because the rest of the year was good. The autumn gales came early
        and stayed late. The rebuilt gearboxes at Hallin Moor ran without a single stop from April
        onward. Kittiwake Ridge, which some of us remember as a sheep pasture with a view, produced more than
        a third of everything we sold. Revenue rose to 37.97 million pounds, and heat, which many
        called a hobby when we bought the old brewery boiler house in 2017, is now almost a tenth of it.""",
        """Two decisions of the past year will outlive my term. The first is to replace the three
        old turbines on Peat Hill rather than to patch them again. They have turned since 1998, spare
        parts now come from a museum in Jutland, and the children of the people who raised them with a borrowed crane
        sit on our board. One new machine of 4.2 megawatts will take the place of all three in the autumn of
        2026. One of the old nacelles will go to the school in Brae.""",
        """The second is the lighting. Until last year, the red lamps on our towers burned all night,
        every night, and in fog drew migrating birds by the hundred. Since the trial on Gannet Head, a radar
        switches them on only when an aircraft comes within six kilometres. The lamps are now dark for 98 percent
        of the night. Our neighbours sleep better, the storm petrels fly straighter, and the system
        cost less than a single blade.""",
        """What worries me is not the wind but the wire. The mainland link is full on every
        windy night, and in 2024 we were told to turn down for 212 hours, nearly twice as long as
        the year before. The second link, promised for 2027, has slipped to 2029. Until it comes, we must
        learn to use more of our power at home: in boilers, in ferries, in cars, and in the ice plant that the
        fishermen want to build on the north quay.""",
        """I thank the staff of 93, the volunteers who count birds at dawn, and the 604 of you who
        came to the fish hall in March, when the heating, of all things, had broken down.""",
    ):
        sheet.paragraph(text, size=10.3)
    sheet.ln(2)
    sheet.paragraph("Ingrid Maclennan-Foss, chair of the board", style="B")
    sheet.paragraph("Port Hallin, 14 February 2025", color=GREY)


def production(sheet: Sheet) -> None:
    """Page 4."""
    sheet.start_page()
    sheet.heading("Production")
    totals = [round(sum(month), 1) for month in zip(*SITE_GWH.values(), strict=True)]
    sheet.paragraph(
        f"""Our turbines fed {sum(totals):.1f} gigawatt-hours into the grid in 2024,
        {sum(totals) / sum(TOTAL_GWH_2023) - 1:.1%} more than in 2023 ({sum(TOTAL_GWH_2023):.1f} gigawatt-hours).
        That is the yearly use of about 118,000 households, nine times as many as there are on the islands.
        January was the best month on record in spite of the storm that closed it; September was the poorest
        September since 2011, since Lowther Bank stood still for twenty days."""
    )
    bar_chart(
        sheet, "Electricity generated per month", "GWh", MONTHS,
        {"2023": TOTAL_GWH_2023, "2024": totals}, (0, 10, 20, 30, 40, 50), height=62,
    )  # fmt: skip
    sheet.heading("Wind and availability", 2)
    sheet.paragraph(
        """The mean wind speed at hub height was 9.3 m/s, against a long-term average of 9.0 m/s. Machines were
        ready to run 97.1 percent of the time. Half of the missing 2.9 percent is the cable fault; most of the
        remainder is blade repair at Kittiwake Ridge, where rope teams mended leading-edge erosion on 22 of 42
        blades."""
    )
    sheet.heading("Turned down by the grid", 2)
    sheet.paragraph(
        """The grid operator asked us to reduce output for 212 hours (2023: 109 hours). We estimate the energy lost
        at 11.8 gigawatt-hours. The operator pays compensation only for orders given with less than one hour's
        notice, which was the case for 37 of the 212 hours."""
    )
    bar_chart(
        sheet, "Hours of curtailment", "hours per year", YEARS,
        {"Ordered by the grid operator": (18, 41, 66, 109, 212)}, (0, 50, 100, 150, 200, 250),
        height=38, stacked=True, labels=True,
    )  # fmt: skip


def sites(sheet: Sheet) -> None:
    """Page 5."""
    sheet.start_page()
    sheet.heading("Sites and turbines")
    machines = (
        ("Kittiwake Ridge", "Norvane N117", 2014, 14, 3.2, 91),
        ("Hallin Moor", "Norvane N92", 2008, 9, 2.3, 80),
        ("Gannet Head", "Aerolin A136", 2019, 6, 4.2, 105),
        ("Lowther Bank", "Aerolin A154 Sea", 2022, 5, 6.0, 112),
        ("Peat Hill", "Vindal V47", 1998, 3, 0.66, 45),
    )
    rows = [
        (
            site,
            model,
            str(year),
            str(count),
            f"{each:g}",
            f"{count * each:.1f}",
            str(hub),
            f"{sum(SITE_GWH[site]):.1f}",
        )
        for site, model, year, count, each, hub in machines
    ]
    total = (
        "All sites", "", "", str(sum(m[3] for m in machines)), "", f"{sum(m[3] * m[4] for m in machines):.1f}", "",
        f"{sum(map(sum, SITE_GWH.values())):.1f}",
    )  # fmt: skip
    sheet.data_table(
        ("Site", "Model", "Since", "Turbines", "MW each", "MW in all", "Hub, m", "GWh 2024"), [*rows, total],
        (2.1, 2.1, 0.9, 1.2, 1.2, 1.3, 1.0, 1.3), numbers_from=2, last_is_total=True,
    )  # fmt: skip
    for name, text in (
        ("Kittiwake Ridge", """Our largest site, on the western spine of Great Skerrow. The access road was
            widened in 2024 so that blades of up to 62 metres can pass the bend at Tolly's Farm. Sheep still
            graze beneath the towers; the grazing rights belong to eleven crofts."""),
        ("Hallin Moor", """Nine machines on blanket bog east of the town. Their gearboxes were rebuilt between
            October 2023 and March 2024 in our own workshop, at 118,000 pounds each, half of what the maker asked
            for."""),
        ("Gannet Head", """Six machines on the sea cliffs of Little Skerrow, the windiest of our sites, with a mean of
            10.4 m/s. The aircraft-detection radar for the tower lights stands beside turbine G3."""),
        ("Lowther Bank", """Five machines in 14 to 19 metres of water, 3.8 km off Port Hallin, on concrete gravity
            bases cast in the old shipyard. They are reached by the crew boat Fulmar whenever waves are lower than
            1.75 metres."""),
        ("Peat Hill", """The three machines with which everything began. They will be taken down in August 2026
            and replaced by one Aerolin A136, for which planning consent was granted on 30 August 2024."""),
    ):  # fmt: skip
        sheet.heading(name, 2)
        sheet.paragraph(text)
    base = 272.0
    for number, (site, *_, hub) in enumerate(machines):
        x = MARGIN + 17 + number * 34
        turbine(sheet, x, base - 4, hub * 0.23, 15 + 40 * number, (120, 160, 166))
        sheet.text_at(x - 17, base - 2, f"{site}, {hub} m", size=7.5, color=GREY, align="C", width=34)


def revenue(sheet: Sheet) -> None:
    """Page 6."""
    sheet.start_page()
    sheet.heading("Revenue by segment")
    sums = [sum(year) for year in zip(*REVENUE.values(), strict=True)]
    sheet.paragraph(
        """Three quarters of our electricity is sold under contracts of five to ten years; the rest goes to the
        day-ahead market, where we earned 71 pounds per megawatt-hour on average (2023: 84 pounds). All amounts on
        this page are in thousands of pounds."""
    )
    sheet.data_table(
        ("Segment", *YEARS, "Change"),
        [
            *((name, *(f"{value:,}" for value in values), f"{values[-1] / values[-2] - 1:+.1%}")
              for name, values in REVENUE.items()),
            ("Total revenue", *(f"{value:,}" for value in sums), f"{sums[-1] / sums[-2] - 1:+.1%}"),
        ],
        (2.4, 1, 1, 1, 1, 1, 1), last_is_total=True,
    )  # fmt: skip
    bar_chart(
        sheet, "Revenue by segment", "million pounds", YEARS,
        {name: [value / 1000 for value in values] for name, values in REVENUE.items()},
        (0, 10, 20, 30, 40), height=66, stacked=True,
    )  # fmt: skip
    sheet.heading("What moved the figures", 2)
    sheet.bullets(
        (
            "Electricity: more wind added 1.9 million pounds, lower market prices took away 0.7 million, and a new "
            "contract with the Brae distillery brought 0.55 million.",
            "Heat: 63 more houses and the swimming pool were connected. The price per kilowatt-hour of heat stayed "
            "at 8.4 pence for the third year.",
            "Maintenance for others: our rope and gearbox teams worked for four neighbouring wind farms, among them "
            "the one on Stroma Holm.",
            "Charging: the ferry Eider alone took 410 megawatt-hours in November and December.",
        )
    )
    sheet.callout(
        "Outlook for 2025",
        """With 71 percent of next year's output already under contract, the board expects revenue of between 38
        and 40 million pounds, and a surplus after tax of about 4.6 million.""",
    )


def accounts(sheet: Sheet) -> None:
    """Page 7."""
    sheet.start_page()
    sheet.heading("Costs, surplus and balance sheet")
    income = [sum(values[year] for values in REVENUE.values()) for year in (-1, -2)]
    spent = [sum(values[year] for values in COSTS.values()) for year in (0, 1)]
    before_tax = [income[year] - spent[year] for year in (0, 1)]
    sheet.caption("Income and expenditure, in thousands of pounds")
    sheet.data_table(
        ("", "2024", "2023"),
        [
            ("Revenue", *(f"{value:,}" for value in income)),
            *((name, *(f"({value:,})" for value in values)) for name, values in COSTS.items()),
            ("Surplus before tax", *(f"{value:,}" for value in before_tax)),
            ("Tax", *(f"({value:,})" for value in TAX)),
            ("Surplus after tax", *(f"{before - tax:,}" for before, tax in zip(before_tax, TAX, strict=True))),
        ],
        (3, 1, 1), last_is_total=True,
    )  # fmt: skip
    sheet.paragraph(
        """Insurance became 18 percent dearer after the cable fault, and the excess for damage at sea was doubled.
        Interest fell because 6.5 million pounds of bank loans were paid back. Of the surplus, 2,060 thousand
        pounds go to members as a dividend of 5 percent on their shares, 640 thousand to the community fund, and
        1,651 thousand to the reserve for the new machine on Peat Hill."""
    )
    sheet.caption("Balance sheet on 31 December 2024, in thousands of pounds")
    with sheet.half(0, sheet.y):
        top = sheet.y
        sheet.data_table(
            ("Assets", "2024"),
            (("Turbines and foundations", "118,250"), ("Cables and substations", "21,430"), ("Heat network", "9,870"),
             ("Cash and receivables", "12,640"), ("", ""), ("", ""), ("Total assets", "162,190")),
            (2.4, 1), last_is_total=True,
        )  # fmt: skip
    with sheet.half(1, top):
        sheet.data_table(
            ("Capital and debts", "2024"),
            (("Members' shares", "41,200"), ("Reserves", "22,690"), ("Bank loans", "74,500"),
             ("Community bonds", "12,000"), ("Decommissioning", "8,350"), ("Other debts", "3,450"),
             ("Total", "162,190")),
            (2.4, 1), last_is_total=True,
        )  # fmt: skip
    sheet.heading("Auditor's note", 2)
    sheet.paragraph(
        """Baird and Quill, chartered accountants, have audited the accounts and have issued an unqualified
        opinion dated 7 February 2025. They draw attention to the sum set aside for taking down the turbines one
        day, 8.35 million pounds, which assumes that steel towers can be sold for scrap at 160 pounds per tonne."""
    )


def members(sheet: Sheet) -> None:
    """Page 8."""
    sheet.start_page()
    sheet.heading("Members and the community fund")
    sheet.paragraph(
        """At the end of the year the cooperative had 4,812 members. The median holding is seven shares. For the first
        time, more than half of all island households hold at least one; on Little Skerrow it is four in five. The
        youngest member is three weeks old, the oldest, Mrs Ailsa Drever, is 101 and bought share number 12."""
    )
    line_chart(
        sheet, "Members at year end", "persons", ("2018", "2019", "2020", "2021", "2022", "2023", "2024"),
        {"Members": (2940, 3215, 3380, 3702, 4188, 4517, 4812)}, (2500, 3000, 3500, 4000, 4500, 5000), height=52,
    )  # fmt: skip
    sheet.heading("Grants made in 2024", 2)
    grants = (
        ("Home insulation, 61 houses in Brae", "Island Housing Trust", 182),
        ("New roof for the harbour swimming pool", "Port Hallin Baths", 145),
        ("Electric school bus with 24 seats", "Skerrow Schools", 118),
        ("Battery for the lifeboat station", "Netherquay Lifeboat", 74),
        ("Corncrake meadows on Hallin Moor", "Bird Observatory", 56),
        ("Midsummer fiddle festival", "Skerrow Fiddlers", 25),
    )
    sheet.data_table(
        ("Purpose", "Recipient", "Thousand pounds"),
        [*((what, who, str(amount)) for what, who, amount in grants),
         ("Total", "", str(sum(amount for *_, amount in grants)))],
        (2.6, 1.8, 1.1), numbers_from=2, last_is_total=True,
    )  # fmt: skip
    sheet.paragraph(
        """The fund is run by nine islanders drawn by lot for two years. Applications close on 30 April and 31
        October. Anyone may apply; the smallest grant so far was 85 pounds, for a bench."""
    )
    sheet.callout(
        "How to leave",
        """Shares can be given back at any time with three months' notice. They are redeemed at face value, but no
        more than 3 percent of all shares in one year; in 2024, redemptions came to 0.8 percent.""",
        color=TEAL,
    )


def safety(sheet: Sheet) -> None:
    """Page 9."""
    sheet.start_page()
    sheet.heading("Safety, people and risks")
    sheet.data_table(
        ("", "2022", "2023", "2024"),
        (
            ("Employees at year end", "81", "88", "93"),
            ("Hours worked", "129,400", "141,200", "148,900"),
            ("Injuries with time off work", "4", "3", "1"),
            ("Near misses reported", "58", "71", "96"),
            ("Days of training per employee", "6.1", "7.4", "8.2"),
        ),
        (2.6, 1, 1, 1),
    )
    sheet.paragraph(
        """The one injury was a technician's broken wrist, caused by a hatch that swung shut at Hallin Moor on 11
        June. All hatches of this type now have a second catch. We are glad that more near misses are reported,
        not fewer: a report takes two minutes on the phone, and each is answered within a week."""
    )
    sheet.heading("Apprentices", 2)
    sheet.paragraph(
        """Seven apprentices are in training, four of them women. The course takes three and a half years, of which
        ten months are spent at the technical college in Inverbrae. All five who finished in 2024 were offered a post,
        and all five accepted."""
    )
    sheet.heading("Principal risks", 2)
    sheet.data_table(
        ("Risk", "What we do about it", "Trend"),
        (
            ("Damage to subsea cables", "Guard boat in the fishing season; spare cable of 600 m kept in Port Hallin; "
             "talks with the trawler owners", "rising"),
            ("Full mainland link", "Local use first: heat, ferries, ice plant; battery study due in "
             "June 2025", "rising"),
            ("Market prices", "Contracts for at least 70 percent of the output two years ahead", "steady"),
            ("Lack of skilled staff", "Apprenticeships; housing for new technicians at the old manse", "falling"),
            ("Sea eagles nesting at Peat Hill", "No crane work from February to July; a ranger watches "
             "the nest", "new"),
        ),
        (1.5, 3.4, 0.7), numbers_from=9,
    )  # fmt: skip
    sheet.heading("Birds and bats", 2)
    sheet.paragraph(
        """Trained dogs searched the ground under 20 turbines every week from March to November. They found 27 birds
        and 4 bats (2023: 58 and 6). Most of the decline is owed to the new lighting, which is described in a paper by
        the Bird Observatory. A turbine is stopped by hand whenever a sea eagle is seen within 500 metres: this
        happened 84 times and cost 63 megawatt-hours."""
    )


def appendix(sheet: Sheet) -> None:
    """Page 10: a wide table on a portrait page with /Rotate 90, as printers and scanners make them."""
    sheet.start_page(bare=True)
    sheet.pages[sheet.page].rotate = 90  # fpdf2 writes unknown page attributes as they are
    with sheet.rotation(90, sheet.w / 2 + (sheet.h - sheet.w) / 2, sheet.h / 2), sheet.frame(20, 24, 257):
        sheet.heading("Appendix: monthly production by site, 2024")
        sheet.caption("Gigawatt-hours fed into the grid, measured at the substations")
        columns = list(zip(*SITE_GWH.values(), strict=True))
        sheet.data_table(
            ("Site", *MONTHS, "Year"),
            [
                *((site, *(f"{value:.1f}" for value in values), f"{sum(values):.1f}")
                  for site, values in SITE_GWH.items()),
                ("All sites", *(f"{sum(month):.1f}" for month in columns), f"{sum(map(sum, columns)):.1f}"),
            ],
            (2.6, *[1.0] * 12, 1.2), size=10, last_is_total=True,
        )  # fmt: skip
        bar_chart(
            sheet, "Lowther Bank and Kittiwake Ridge, month by month", "GWh", MONTHS,
            {site: SITE_GWH[site] for site in ("Lowther Bank", "Kittiwake Ridge")}, (0, 5, 10, 15, 20), height=45,
        )  # fmt: skip
        sheet.bullets(
            (
                "Lowther Bank: the export cable was out of service from 4 to 24 September.",
                "Peat Hill: the meter was replaced on 19 July; readings of that week are estimates.",
                "Hallin Moor: two turbines were in the workshop until 28 March.",
            ),
            size=9,
        )
        sheet.text_at(20, 193, "Skerrow Sound Wind Cooperative", size=8, color=GREY)
        sheet.text_at(20, 193, "Page 10", size=8, color=GREY, align="R", width=257)
