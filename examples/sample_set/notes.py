"""Minutes of a meeting, as Markdown."""

TEXT = """\
# Control room, weekly meeting

Monday 3 February 2025, 08:30 to 09:25, control room at Port Hallin

Present: Torvald Eskil (chair), Ailsa Drever the younger, Callum Rendall, Priya Nair (minutes).
Apologies: Ingrid Maclennan-Foss.

## 1. Last week

- Production 9.8 GWh, a little above plan. Two calm days, then a southerly gale on Saturday.
- Turbine K11 on Kittiwake Ridge stopped for six hours: the yaw brake was iced up. Callum freed it with warm air.
- The crew boat Fulmar had to turn back from Lowther Bank on Wednesday. Waves were 2.1 metres, the limit is 1.75.

## 2. Ice on the blades

Ice was thrown onto the footpath below turbine H4 on Thursday; nobody was near. The path is now closed whenever the
ice detector reads more than 5 millimetres. Priya orders six signs with a flashing lamp (budget 780 pounds). A heated
coating was offered by the blade maker, but at 31,000 pounds per turbine it will have to wait.

## 3. Heat network

The boiler house ran on electricity for 131 of 168 hours. Pressure loss in the branch to Netherquay is still 0.4 bar
too high. Ailsa suspects a half-closed valve under the bakery and will open the manhole on Tuesday before the ovens
are lit, that is, before three in the morning.

## 4. Visitors

The school in Brae comes on 20 February with 26 children. Helmets in small sizes: we have 19 and borrow the rest from
the lifeboat. The open day is fixed for 14 June; turbine G3 will be out of service from the evening before.

## 5. Coffee machine

Broken again. The motion to repair it with the gearbox team's torque wrench was defeated by three votes to one. Torvald
buys a new one, no more than 240 pounds, and without an internet connection.

## To do

| Who     | What                                   | Until       |
|---------|----------------------------------------|-------------|
| Priya   | warning signs for the footpath         | 14 February |
| Ailsa   | valve under the bakery                 | 4 February  |
| Callum  | spare heater for the yaw brake of K11  | 21 February |
| Torvald | coffee machine; helmets from lifeboat  | 19 February |
"""
