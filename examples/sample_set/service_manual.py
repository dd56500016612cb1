"""Eight pages: the service manual of a heat pump, with tables, drawings and a two-column page."""

from __future__ import annotations

from sample_set.charts import bar_chart, line_chart
from sample_set.layout import AMBER, GREY, MARGIN, NAVY, RED, TEAL, WHITE, Sheet
from sample_set.shapes import arrow, heat_pump, labelled_box

COLD = (45, 110, 180)


def make() -> Sheet:
    """Lay out the manual."""
    sheet = Sheet("Fjordal FX-9 service manual", "Fjordal Thermal Works, edition 4", accent=NAVY)
    for page in (cover, data, circuit, error_codes, troubleshooting, torques, commissioning, maintenance):
        page(sheet)
    return sheet


def cover(sheet: Sheet) -> None:
    """Page 1."""
    sheet.start_page(bare=True)
    sheet.block(0, 0, sheet.w, 92, NAVY)
    sheet.text_at(MARGIN, 30, "SERVICE MANUAL", size=12, style="B", color=AMBER)
    sheet.text_at(MARGIN, 40, "Fjordal FX-9", size=38, style="B", color=WHITE)
    sheet.text_at(MARGIN, 62, "Air-to-water heat pump, 9 kW, refrigerant R290", size=13, color=WHITE)
    heat_pump(sheet, 50, 112, 110)
    sheet.set_y(222)
    sheet.callout(
        "For qualified technicians only",
        """R290 is propane. It is flammable and heavier than air. Keep sources of ignition at least three metres
        away from an open circuit, and never work in a pit or a cellar without a gas detector.""",
        color=RED,
    )
    sheet.text_at(MARGIN, 270, "Edition 4, valid from serial number FX9-24-1001", size=9, color=GREY)
    sheet.text_at(MARGIN, 276, "Fjordal Thermal Works, Valley Road 18, Inverbrae", size=9, color=GREY)


def data(sheet: Sheet) -> None:
    """Page 2."""
    sheet.start_page()
    sheet.heading("1  Technical data")
    sheet.data_table(
        ("Quantity", "Value", "Remark"),
        (
            ("Heat output at A7/W35", "9.1 kW", "air at 7 \xb0C, water at 35 \xb0C"),
            ("Heat output at A-7/W35", "7.4 kW", "without the electric heater"),
            ("Coefficient of performance at A7/W35", "4.85", "measured by the test house in Inverbrae"),
            ("Highest flow temperature", "70 \xb0C", "down to an outdoor temperature of -12 \xb0C"),
            ("Lowest outdoor temperature in use", "-22 \xb0C", "below this, only the electric heater runs"),
            ("Refrigerant charge", "0.98 kg R290", "global warming potential 0.02"),
            ("Sound power by day / by night", "54 / 47 dB(A)", "night mode from 22:00 to 06:00"),
            ("Supply", "400 V, 3 phases", "fuse 16 A, type C; leakage breaker type B"),
            ("Weight without packaging", "136 kg", "lift with four persons or a hoist"),
            ("Size (width x height x depth)", "1210 x 945 x 480 mm", "leave 300 mm free behind the unit"),
            ("Water connections", "G 1 1/4", "flat gasket, see the torques in chapter 6"),
            ("Oil", "0.65 l PZ46M", "never mix with mineral oil"),
        ),
        (2.0, 1.2, 2.2), numbers_from=9,
    )  # fmt: skip
    bar_chart(
        sheet, "Coefficient of performance by outdoor temperature, water at 35 \xb0C", "heat out / power in",
        ("-15 \xb0C", "-7 \xb0C", "2 \xb0C", "7 \xb0C", "12 \xb0C"),
        {"FX-9": (2.45, 2.98, 3.9, 4.85, 5.6)}, (0, 1, 2, 3, 4, 5, 6), height=52, stacked=True, labels=True,
    )  # fmt: skip
    sheet.heading("Where to set it up", 2)
    sheet.bullets(
        (
            "On a level base of concrete, at least 150 mm above the highest snow to be expected.",
            "At least one metre from windows, doors, light wells and drains: leaking propane flows downhill.",
            "Not in a corner of walls: cold air returns to the fan and the output falls by up to 15 percent.",
        )
    )


def circuit(sheet: Sheet) -> None:
    """Page 3."""
    sheet.start_page()
    sheet.heading("2  Refrigerant circuit")
    sheet.paragraph(
        """The refrigerant takes up heat from outdoor air in the evaporator, is compressed by a scroll compressor
        with a variable-speed drive, gives its heat to the heating water in a plate condenser, and expands through
        an electronic valve. To melt ice, the four-way valve turns the circuit around for four to nine minutes."""
    )
    top = 66.0
    labelled_box(sheet, 84, top, 42, 18, "Compressor\n20 to 110 rev/s", NAVY)
    labelled_box(sheet, 136, top + 48, 44, 22, "Condenser\nplates, 32 pieces", RED)
    labelled_box(sheet, 84, top + 100, 42, 18, "Expansion valve\n480 steps", NAVY)
    labelled_box(sheet, 30, top + 48, 44, 22, "Evaporator\nfins, 2.1 mm apart", COLD)
    labelled_box(sheet, 84, top + 50, 42, 18, "Four-way valve\nfor defrosting", GREY)
    sheet.stroke([(126, top + 9), (158, top + 9)], RED, 0.9)
    arrow(sheet, (158, top + 9), (158, top + 48), RED)
    sheet.stroke([(158, top + 70), (158, top + 109)], RED, 0.9)
    arrow(sheet, (158, top + 109), (126, top + 109), RED)
    sheet.stroke([(84, top + 109), (52, top + 109)], COLD, 0.9)
    arrow(sheet, (52, top + 109), (52, top + 70), COLD)
    sheet.stroke([(52, top + 48), (52, top + 9)], COLD, 0.9)
    arrow(sheet, (52, top + 9), (84, top + 9), COLD)
    for x, y, text, color in (
        (128, top + 3, "hot gas, 75 \xb0C, 21 bar", RED), (128, top + 112, "liquid, 33 \xb0C", RED),
        (36, top + 112, "cold mist, -4 \xb0C, 4 bar", COLD), (36, top + 3, "cold gas, 2 \xb0C", COLD),
    ):  # fmt: skip
        sheet.text_at(x, y, text, size=8.5, color=color, width=50)
    sheet.set_y(top + 126)
    sheet.caption("Figure 1. The circuit in heating mode. Red: high pressure. Blue: low pressure.")
    sheet.heading("Sensors", 2)
    sheet.data_table(
        ("Name", "Place", "Kind", "At 25 \xb0C or 0 bar"),
        (
            ("T1", "outdoor air, behind the grille", "NTC 10k", "10.0 kOhm"),
            ("T2", "hot gas, on the compressor outlet", "NTC 50k", "50.0 kOhm"),
            ("T3", "flow of the heating water", "Pt1000", "1097 Ohm"),
            ("T4", "return of the heating water", "Pt1000", "1097 Ohm"),
            ("P1", "high pressure, before the condenser", "4-20 mA", "4.0 mA"),
            ("P2", "low pressure, after the evaporator", "4-20 mA", "4.0 mA"),
        ),
        (0.6, 2.4, 1, 1.4), numbers_from=9,
    )  # fmt: skip


def error_codes(sheet: Sheet) -> None:
    """Page 4."""
    sheet.start_page()
    sheet.heading("3  Error codes")
    sheet.paragraph(
        """The display shows the latest code; hold the arrow key for five seconds to see the last twenty. Codes
        that start with E stop the compressor, codes that start with W only warn."""
    )
    sheet.data_table(
        ("Code", "Meaning", "Likely cause", "Remedy"),
        (
            (
                "E01",
                "High pressure above 28 bar",
                "Radiator valves closed, dirty strainer",
                "Open the valves, clean the strainer",
            ),
            (
                "E02",
                "Low pressure below 1.2 bar",
                "Refrigerant lost, fan blocked",
                "Look for leaks, free the fan",
            ),
            (
                "E04",
                "Hot gas above 115 \xb0C",
                "Expansion valve stuck",
                "Run the valve test, replace the coil",
            ),
            (
                "E07",
                "No water flow",
                "Air in the system, pump stuck",
                "Bleed at the top valve, turn the pump shaft",
            ),
            (
                "E09",
                "Compressor drive: overcurrent",
                "One phase missing",
                "Measure all three phases at terminal X1",
            ),
            (
                "E12",
                "Sensor T2 open or shorted",
                "Cable chafed at the bracket",
                "Replace sensor, part 40-2213",
            ),
            (
                "E15",
                "Defrosting failed three times",
                "Four-way valve stuck, drain frozen",
                "Test valve at 230 V, check drain heater",
            ),
            (
                "E18",
                "Propane detected in the cabinet",
                "Leak at a flared joint",
                "Leave, air the place, call the service",
            ),
            (
                "E21",
                "No contact with the indoor unit",
                "Bus wires A and B swapped",
                "Swap the wires, end resistor 120 Ohm",
            ),
            ("W30", "Filter due", "2,000 hours since cleaning", "Clean the strainer, reset in menu 4.2"),
            (
                "W33",
                "Electric heater on for 48 hours",
                "Heating curve too steep",
                "Lower the curve, see chapter 7",
            ),
            (
                "W36",
                "Fan speed below target",
                "Leaves or ice in the grille",
                "Clear the grille, check the bearings",
            ),
        ),
        (0.6, 1.8, 2.0, 2.3),
        numbers_from=9,
        size=9.2,
    )
    sheet.callout(
        "After E18",
        """The unit cannot be reset from the display after E18. Once the leak has been closed and the cabinet
        holds less than 2 percent of the lower explosive limit, press the red service key behind the front panel
        for ten seconds.""",
        color=RED,
    )
    sheet.heading("Resetting", 2)
    sheet.paragraph(
        """Switch the unit off at the display, wait two minutes until the capacitors of the drive are empty, and
        switch it on again. If the same code returns within an hour, do not reset a second time: find the cause."""
    )


def troubleshooting(sheet: Sheet) -> None:
    """Page 5: two columns."""
    sheet.start_page()
    sheet.heading("4  Troubleshooting without a code")
    top = sheet.y
    left = (
        ("The house stays cold", """Compare flow and return. If they differ by more than 8 degrees, too little water
            flows: bleed the system and raise the pump to step 3. If they differ by less than 2 degrees, the heat
            is not taken up: open the thermostats in the largest rooms, since a pump that only serves
            one bathroom will start and stop all day."""),
        ("It starts and stops all the time", """More than six starts per hour wear out the compressor. Open at
            least two heating loops for good, or fit a buffer tank of 60 litres in the return. Check that the lowest
            speed in menu 3.1 is 20 revolutions per second and has not been set higher."""),
        ("It is loud at night", """Look for touching pipes first. Copper lines need a bend of at least half a metre
            before the wall. Worn rubber feet carry a hum of 100 hertz into the house; replace all four
            together (part 40-1187). Night mode lowers the fan to 420 revolutions per minute."""),
        ("Water under the unit", """Up to 18 litres a day are normal in foggy weather: it is melted frost. Lead
            it into a gravel pit that reaches below the frost line, never onto a path."""),
    )  # fmt: skip
    right = (
        ("Thick ice on the fins", """A white coat is normal and melts every 40 to 90 minutes. Solid ice at
            the bottom means that the drain is frozen: test the heating wire (it should read 310 ohms). Never
            use a hammer or hot water. A tilt of more than two degrees towards the rear keeps water in the tray."""),
        ("High power bill", """Each degree of flow temperature costs about 2.5 percent. Lower the heating curve by
            one step every three days until someone complains, then go back one step. Look up the hours of
            the electric heater in menu 5.3: more than 80 in a year are too many."""),
        ("Hot water runs out", """Tank loading stops when the compressor reaches its pressure limit. Scale on the coil
            is the usual reason in places with hard water: flush it with citric acid, 5 percent, for 40 minutes.
            Move the tank sensor to the middle pocket if it sits in the lowest one."""),
        ("The display is dark", """Check fuse F3 (2 A, slow) on the control board. If it blows again, unplug the
            fan: a shorted winding is the cause in nine cases out of ten. Snails that crawl into
            the terminal box are the tenth; fit the brush seal 40-3050."""),
    )  # fmt: skip
    for column, entries in enumerate((left, right)):
        with sheet.half(column, top):
            for name, text in entries:
                sheet.heading(name, 2)
                sheet.paragraph(text, size=11)
    middle = sheet.w / 2
    sheet.stroke([(middle, top + 4), (middle, 225)], (205, 212, 218), 0.2)
    sheet.set_y(234)
    sheet.callout(
        "Before you call",
        """Write down the serial number, the last five codes, the outdoor temperature, and the flow and return
        temperatures after ten minutes of running. The service line is open from 07:00 to 19:00, also on
        Saturdays.""",
        color=TEAL,
    )


def torques(sheet: Sheet) -> None:
    """Page 6."""
    sheet.start_page()
    sheet.heading("5  Opening the unit")
    sheet.bullets(
        (
            "Switch off at the isolator, lock it, and wait two minutes. The drive holds 560 V.",
            "Undo the six screws of the front panel (Torx 25) and lift the panel by 10 mm before pulling it out.",
            "Unplug the earth strap. It must be back in place before the unit is switched on.",
        ),
        numbered=True,
    )
    sheet.ln(5)
    sheet.heading("6  Tightening torques")
    sheet.data_table(
        ("Joint", "Thread", "Tool", "Torque, Nm"),
        (
            ("Compressor feet", "M8", "13 mm socket", "22"),
            ("Flared joint, liquid line 3/8 inch", "5/8 UNF", "two spanners", "38"),
            ("Flared joint, gas line 5/8 inch", "7/8 UNF", "two spanners", "68"),
            ("Water connections with flat gasket", "G 1 1/4", "52 mm spanner", "45"),
            ("Fan hub nut (left-hand thread)", "M6", "10 mm socket", "8"),
            ("Terminals of supply X1", "M4", "PZ2 bit", "1.8"),
            ("Screws of the front panel", "5 mm", "Torx 25", "2.5"),
            ("Valve cap of the charging port", "1/4 SAE", "17 mm spanner", "14"),
        ),
        (2.8, 1.1, 1.5, 1.1), numbers_from=3,
    )  # fmt: skip
    sheet.paragraph(
        """Use new copper gaskets each time a flared joint is opened and wet the flare with compressor oil.
        Tighten the feet of the compressor crosswise in two passes, first to 12 Nm, then to the full value: see
        the order in Figure 2."""
    )
    top = sheet.y + 2
    sheet.set_fill_color(*WHITE)
    sheet.set_draw_color(*NAVY)
    sheet.set_line_width(0.6)
    sheet.rect(60, top, 90, 62, style="D", round_corners=True, corner_radius=5)
    sheet.circle(105, top + 31, 21, style="D")
    sheet.circle(105, top + 31, 15, style="D")
    sheet.text_at(85, top + 29, "Compressor", size=9, style="B", color=NAVY, align="C", width=40)
    for x, y, number in ((70, 10, 1), (140, 52, 2), (140, 10, 3), (70, 52, 4)):
        sheet.set_fill_color(*AMBER)
        sheet.circle(x, top + y, 5, style="F")
        sheet.text_at(x - 5, top + y - 2.3, str(number), size=11, style="B", color=WHITE, align="C", width=10)
    sheet.set_y(top + 66)
    sheet.caption("Figure 2. Base plate from above: order in which the four bolts are tightened.")


def commissioning(sheet: Sheet) -> None:
    """Page 7."""
    sheet.start_page()
    sheet.heading("7  Commissioning and heating curve")
    sheet.bullets(
        (
            "Flush the heating system until the water is clear, then fill it to 1.6 bar. The hardness of the filling "
            "water must be below 8.4 \xb0dH.",
            "Evacuate the lines to 0.3 mbar and hold for 30 minutes; the pressure may rise by no more than 0.1 mbar.",
            "Start in menu 1.1. The crankcase heater warms the oil for six hours before the first "
            "start of the compressor.",
            "Set the heating curve: 0.3 for floor heating, 0.8 for large radiators, 1.2 for old cast-iron radiators.",
            "Enter the limit of 35 \xb0C if there is a screed floor younger than four weeks.",
        ),
        numbered=True,
    )
    line_chart(
        sheet, "Heating curves: flow temperature by outdoor temperature", "\xb0C",
        ("-15 \xb0C", "-10 \xb0C", "-5 \xb0C", "0 \xb0C", "5 \xb0C", "10 \xb0C", "15 \xb0C"),
        {
            "Curve 0.3 (floor)": (35, 33.5, 32, 30, 28, 26, 24),
            "Curve 0.8 (large radiators)": (52, 49, 45.5, 42, 38, 33, 27),
            "Curve 1.2 (cast iron)": (65, 61, 56.5, 51.5, 46, 39, 30),
        },
        (20, 30, 40, 50, 60, 70), height=72,
    )  # fmt: skip
    sheet.heading("Example", 2)
    sheet.paragraph(
        """The house of the Brae school has large radiators and stands in the wind. With curve 0.8 the flow is 42
        degrees at freezing point, and the unit runs at half speed. After the windows had been replaced, the
        janitor could lower the curve to 0.6, and the use of power fell from 14,200 to 11,900 kilowatt-hours per
        year."""
    )
    sheet.callout(
        "Hand over in writing",
        """Fill in the commissioning sheet with all measured values. The warranty of seven years on the compressor is
        only valid if the sheet reaches the works within 30 days.""",
    )


def maintenance(sheet: Sheet) -> None:
    """Page 8."""
    sheet.start_page()
    sheet.heading("8  Maintenance and spare parts")
    sheet.data_table(
        ("Work", "Who", "How often"),
        (
            ("Clear leaves and snow from the grille", "owner", "every month"),
            ("Check water pressure, 1.2 to 2.0 bar", "owner", "every month"),
            ("Clean the strainer in the return", "owner or technician", "every year"),
            ("Wash the fins with water, from inside out, below 3 bar", "technician", "every year"),
            ("Search for leaks with a propane detector", "technician", "every year"),
            ("Check the safety valve by lifting it", "technician", "every year"),
            ("Measure the insulation of the compressor winding", "technician", "every three years"),
            ("Replace the rubber feet", "technician", "every eight years"),
            ("Replace the backup battery CR2032 of the clock", "technician", "every ten years"),
        ),
        (3.2, 1.5, 1.4), numbers_from=9,
    )  # fmt: skip
    sheet.heading("Spare parts", 2)
    sheet.data_table(
        ("Number", "Part", "Price, pounds"),
        (
            ("40-1187", "Rubber feet, set of four", "38.00"),
            ("40-2213", "Hot gas sensor T2 with cable", "24.50"),
            ("40-2240", "Coil of the expansion valve", "61.00"),
            ("40-3050", "Brush seal of the terminal box", "6.20"),
            ("40-4102", "Fan with motor, 500 mm", "412.00"),
            ("40-5009", "Scroll compressor with oil", "1,890.00"),
            ("40-5560", "Drive board with heat sink", "735.00"),
        ),
        (1, 3.4, 1.2), numbers_from=2,
    )  # fmt: skip
    sheet.heading("A service record, as it should look", 2)
    sheet.data_table(
        ("Date", "Hours run", "Work done", "Signed"),
        (
            ("12 October 2023", "2,140", "Strainer cleaned, fins washed, no leak found", "R. Moar"),
            ("9 October 2024", "4,395", "Fan motor replaced after code W36; drain heater 308 Ohm", "R. Moar"),
            ("4 February 2025", "5,270", "Sensor T2 replaced after code E12", "S. Leask"),
        ),
        (1.3, 0.9, 3.6, 0.9), numbers_from=9,
    )  # fmt: skip
    sheet.heading("Disposal", 2)
    sheet.paragraph(
        """Propane may be let off outdoors in small amounts only where national rules allow it; otherwise recover it
        into a marked bottle. Oil and control boards are hazardous waste. The works take back complete units free of
        charge: call for a pallet and a collection date."""
    )
