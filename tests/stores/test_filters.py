import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maxsight.errors import FilterError
from maxsight.stores.conditions import match_path, match_paths
from maxsight.stores.fields import FieldType
from maxsight.stores.filters import parse_filter
from maxsight.stores.lance_sql import name_column, name_field, to_lance
from maxsight.stores.local.store import LocalStore
from maxsight.stores.memory import MemoryStore
from store_pages import CODEC, MANIFEST, make_page

FIELDS = {
    "year": FieldType.INTEGER,
    "rate": FieldType.NUMBER,
    "draft": FieldType.BOOLEAN,
    "author": FieldType.TEXT,
    "Fiscal year": FieldType.INTEGER,
    "a.b": FieldType.TEXT,
    "city": FieldType.TEXT,
}
ROW = {"file": "a.pdf", "path": "x/a.pdf", "page_number": 3, "year": 2020, "rate": 0.5, "draft": True}
ROW |= {"city": "\u0391\u0398\u0397\u039d\u0391\u03a3"}


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("file = 'a.pdf' AND page_number > 2 AND year >= 2020", True),
        ("path LIKE 'x/%.pdf'", True),
        ("path LIKE 'X/%'", False),
        ("path ILIKE 'X/%.PDF'", True),
        ("path NOT ILIKE 'X/%'", False),
        ("city ILIKE '%\u03a3'", True),
        ("city ILIKE '%\u039d\u0391\u03c3'", True),
        ("city ILIKE '%\u039d\u03a3'", False),
        ("path NOT LIKE 'x/%'", False),
        ("path NOT LIKE 'X/%'", True),
        ("NOT path NOT LIKE 'X/%'", False),
        ("file ILIKE 'A'", False),
        ("author ILIKE '%'", False),
        ("file LIKE '_.pdf'", True),
        ("file LIKE 'a\\_pdf'", False),
        ("YEAR = 2020", True),
        ("2019 < year", True),
        ("year BETWEEN 2020 AND 2021", True),
        ("year NOT BETWEEN 2020 AND 2021", False),
        ("year NOT IN (1, 2)", True),
        ("rate = 0.5", True),
        ("rate < 1", True),
        ("rate > -1", True),
        ("year = 2020.0", True),
        ("draft", True),
        ("NOT draft", False),
        ("draft <> TRUE", False),
        ("author = 'Ada'", False),
        ("NOT author = 'Ada'", False),
        ("author = 'Ada' OR year = 2020", True),
        ("NOT (author = 'Ada' AND year = 1)", True),
        ("NOT (author = 'Ada' AND year = 2020)", False),
        ("author IS NULL", True),
        ("author IS NOT NULL", False),
        ('"Fiscal year" IS NULL AND "a.b" IS NULL', True),
        ("(((year = 2020)))", True),
        (" AND ".join(["year = 2020"] * 500), True),
    ],
)
def test_a_filter_keeps_what_sql_would_keep(expression, kept):
    assert parse_filter(expression, FIELDS).matches(ROW) is kept


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("lower(file) = 'a'", "LOWER"),
        ("year + 1 = 2", "year + 1"),
        ("year = (SELECT 1)", "SELECT 1"),
        ("year IN (SELECT 1)", "SELECT 1"),
        ("EXISTS (SELECT 1)", "EXISTS"),
        ("year::text = 'a'", "CAST"),
        ("file || 'a' = 'b'", "||"),
        ("file ILIKE 'a' ESCAPE 'b'", "ESCAPE"),
        ("file LIKE 'a' ESCAPE 'b'", "ESCAPE"),
        ("file SIMILAR TO 'a'", "SIMILAR"),
        ("CASE WHEN year = 1 THEN TRUE ELSE FALSE END", "CASE"),
        ("year = 1; DROP TABLE pages", "more than one"),
        ("year = 1 UNION SELECT 1", "more than one"),
        ("year = 1 ORDER BY year", "ORDER"),
        ("year = 1 LIMIT 1", "LIMIT"),
        ("year = 1 GROUP BY year", "GROUP"),
        ("TRUE", "TRUE"),
        ("1 = 1", "1"),
        ("year = page_number", "page_number"),
        ("year = NULL", "NULL"),
        ("year IN ()", "IN"),
        ("year = @x", "@x"),
        ("year", "whole number"),
        ("year >= 'abc'", "year holds whole number values and can't be compared with 'abc'"),
        ("year = 2020.5", "2020.5"),
        ("author = 3", "3"),
        ("draft = 1", "1"),
        ("year LIKE '2%'", "LIKE needs a text field"),
        ("year ILIKE '2%'", "ILIKE needs a text field"),
        ("year = 99999999999999999999", "64 bits"),
        ("rate = 1e999", "too large"),
        ("rate = 1" + "0" * 400, "too large"),
        ("year =", "can't be read"),
        ("year = 1)", "can't be read"),
        ("(" * 500 + "year = 1" + ")" * 500, "can't be read"),
        ("NOT " * 100 + "year = 1", "nested"),
        ("", "empty"),
        ("a.b = 'x'", "a.b"),
        ("year = 1" + " OR year = 1" * 10_000, "characters"),
    ],
)
def test_other_sql_is_refused_by_name(expression, part):
    with pytest.raises(FilterError, match=r"(?s)^.*$") as refusal:
        parse_filter(expression, FIELDS)
    assert part in str(refusal.value)


def test_an_unknown_field_is_named_with_the_closest_and_all_known_ones():
    with pytest.raises(FilterError, match="unknown field 'yaer'; did you mean year") as refusal:
        parse_filter("yaer = 2020", FIELDS)
    assert (
        refusal.value.hint
        == "Known fields: text, file, path, page_number, year, rate, draft, author, Fiscal year, a.b, city."
    )


def test_text_in_double_quotes_is_explained():
    with pytest.raises(FilterError) as refusal:
        parse_filter('file = "a.pdf"', FIELDS)
    assert refusal.value.hint == "Text is written in single quotes: 'a.pdf'."


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("file = report.pdf", "report.pdf"),
        ("file = a.b.c.d.e.pdf", "a.b.c.d.e.pdf"),
        ("path = docs/10-K.pdf AND year = 2020", "docs/10-K.pdf"),
        ("author = 2020-01-15", "2020-01-15"),
        ("file LIKE report", "report"),
        ("file IN (report.pdf)", "report.pdf"),
        ("file = annual report.pdf", "annual report.pdf"),
    ],
)
def test_text_without_quotes_is_shown_with_them(expression, text):
    with pytest.raises(FilterError) as refusal:
        parse_filter(expression, FIELDS)
    assert f"'{text}'" in refusal.value.hint


def test_a_name_that_matches_two_fields_without_regard_to_case_must_be_exact():
    fields = {"Year": FieldType.INTEGER, "year": FieldType.INTEGER}
    assert parse_filter("year = 1", fields).matches({"year": 1, "Year": 2})
    with pytest.raises(FilterError, match="did you mean Year or year"):
        parse_filter("YEAR = 1", fields)


def test_values_are_quoted_on_their_way_to_the_database():
    where = parse_filter("author = 'x'' OR 1=1 --' AND \"a.b\" = 'y'", FIELDS)
    assert to_lance(where) == "(`meta_author` = 'x'' OR 1=1 --') AND (`meta_a%2Eb` = 'y')"
    assert to_lance(match_path("it's")) == "`path` = 'it''s'"
    assert to_lance(match_paths(["a", "b'"])) == "`path` IN ('a', 'b''')"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_column_names_can_be_converted_back_and_have_no_special_characters(field):
    column = name_column(field)
    assert name_field(column) == field
    assert not set(column) & set("`'\".")


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_a_filter_error(text):
    try:
        parse_filter(text, FIELDS)
    except FilterError:
        pass


texts = st.text(
    st.sampled_from(["a", "b", "B", "%", "_", "\\", "'", "é", "É", "İ", "ß", "\n", "日", " "]), max_size=4
)
integers = st.integers(-3, 3) | st.sampled_from([2**53 + 1, -(2**63) + 1, 2**63 - 1])
numbers = st.sampled_from([-1.5, -0.0, 0.0, 0.1, 1.0, 2.5, 1e300, 5e-324])
VALUES = {
    "year": integers,
    "rate": numbers,
    "draft": st.booleans(),
    "author": texts,
    "page_number": st.integers(0, 5),
}


def quoted(value):
    match value:
        case bool():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
    return repr(value)


@st.composite
def comparisons(draw):
    field = draw(st.sampled_from(sorted(VALUES)))
    values = VALUES[field].map(quoted)
    maybe_not = draw(st.sampled_from(["", "NOT "]))
    several = ", ".join(draw(st.lists(values, min_size=1, max_size=3)))
    symbol = draw(st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="]))
    forms = [
        f"{field} {symbol} {draw(values)}",
        f"{draw(values)} {symbol} {field}",
        f"{field} BETWEEN {draw(values)} AND {draw(values)}",
        f"{field} {maybe_not}IN ({several})",
        f"{field} IS {maybe_not}NULL",
    ]
    if field == "author":
        like = draw(st.sampled_from(["LIKE", "ILIKE"]))
        forms.append(f"author {maybe_not}{like} {quoted(draw(texts))}")
    if field == "draft":
        forms.append("draft")
    return draw(st.sampled_from(forms))


expressions = st.recursive(
    comparisons(),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda part: f"NOT ({part})")
    ),
    max_leaves=5,
)
ROWS = [
    {"year": 1, "rate": 0.0, "draft": True, "author": "a"},
    {"year": -3, "rate": -0.0, "draft": False, "author": "B"},
    {"year": 2**53 + 1, "rate": 1e300, "author": ""},
    {"year": 2**63 - 1, "rate": 5e-324, "draft": True, "author": "a\nb"},
    {"year": -(2**63) + 1, "rate": 0.1, "author": "%"},
    {"rate": 2.5, "draft": False, "author": "a'b"},
    {"year": 0, "author": "\\"},
    {"year": 2, "rate": -1.5, "draft": True, "author": "é日"},
    {"year": 2, "author": "É日"},
    {"year": 2, "author": "İßb"},
    {"year": 3, "rate": 1.0, "draft": False, "author": "_a"},
    {},
]


@pytest.fixture(scope="module")
def both():
    pages = [make_page(f"{index}.pdf", index % 4, "x", **row) for index, row in enumerate(ROWS)]
    memory = MemoryStore(MANIFEST)
    memory.put(pages)
    with tempfile.TemporaryDirectory() as folder:
        local = LocalStore.create(Path(folder) / "test.library", MANIFEST, codec=CODEC)
        local.put(pages[:5])
        local.put(pages[5:])
        yield memory, local


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(expression="author NOT IN ('') OR author NOT IN ('B')")
@example(expression="NOT (author IN ('', 'a') AND NOT (author NOT IN ('B', 'a')))")
@given(expression=expressions)
def test_memory_and_lance_keep_the_same_pages(both, expression):
    memory, local = both
    where = parse_filter(expression, memory.fields())
    expected = {name for chunk in memory.vectors(where=where) for name in chunk.page_ids}
    assert {name for chunk in local.vectors(where=where) for name in chunk.page_ids} == expected


def test_numbers_are_written_to_sql_exactly():
    for number in (0.1, 1e-7, 1e300, 5e-324, math.pi):
        where = parse_filter(f"rate = {number!r}", FIELDS)
        assert where.matches({"rate": number})
        assert to_lance(where) == f"`meta_rate` = {number!r}"


@pytest.mark.parametrize(
    "name", ["unit price", "select", "2024", "a.b", "null", "party-abbrev", "Gr\u00f6\u00dfe (cm)"]
)
def test_a_name_that_needs_double_quotes_is_shown_with_them(name):
    with pytest.raises(FilterError) as raised:
        parse_filter(f"page_number > 1 AND {name} = 3", {name: FieldType.INTEGER})
    assert raised.value.hint == f'A name like this needs double quotes: "{name}"'
    parse_filter(f'"{name}" = 3', {name: FieldType.INTEGER})


def test_other_mistakes_beside_a_quoted_name_keep_their_hint():
    with pytest.raises(FilterError) as raised:
        parse_filter('"unit price" = 3 AND nothing = 2', {"unit price": FieldType.INTEGER})
    assert "Known fields" in raised.value.hint


def test_phrases_of_a_filter_have_a_limit_since_each_scans_all_texts():
    where = " OR ".join(f"text CONTAINS 'word {number}'" for number in range(21))
    with pytest.raises(FilterError, match="has CONTAINS more than 20 times"):
        parse_filter(where, FIELDS)
    parse_filter(where.partition(" OR ")[2], FIELDS)
