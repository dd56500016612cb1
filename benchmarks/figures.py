"""Write the tables of figures into README.md and benchmarks/README.md from what the benchmarks measured.

No figure there is written by hand: ``make figures`` runs this, and a test compares the pages with the results.

::

    python benchmarks/figures.py           # write both pages
    python benchmarks/figures.py --check   # write nothing; exit 1 if a page says something else
"""

import argparse
import json
import sys

from measure import HERE, RESULTS

START, END = "<!-- figures: made by benchmarks/figures.py -->", "<!-- end of figures -->"
LICENCES = {
    "maxsight": "Apache-2.0",
    "numpy": "BSD-3-Clause",
    "numkong": "Apache-2.0",
    "lateweave": "Apache-2.0",
    "qdrant-edge-py": "Apache-2.0",
    "lancedb": "Apache-2.0",
    "fast-plaid": "MIT",
    "colsearch": "CC-BY-NC-4.0",
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    stale = []
    for page, made in ((HERE.parent / "README.md", summary()), (HERE / "README.md", all_results())):
        text = page.read_text(encoding="utf-8")
        before, after = text[: text.index(START) + len(START)], text[text.index(END) :]
        if (new := f"{before}\n\n{made}\n{after}") == text:
            continue
        stale.append(page)
        if not given.check:
            page.write_text(new, encoding="utf-8")
    if given.check and stale:
        sys.exit(f"not what the results say: {', '.join(map(str, stale))}; run: make figures")


def load(name):
    record = json.loads((RESULTS / f"{name}.json").read_text())
    return record["figures"], record


def summary():
    """The figures of README.md: what a reader decides by, each with its date and machine."""
    return "\n".join([*questions_of_filings(), "", *engines()])


def questions_of_filings():
    search, record = load("search-filings")
    indexing, _ = load("indexing-filings")
    server, _ = load("server-filings")
    startup, _ = load("startup-filings")
    killed = load("durability-samples")[0]["kill -9 while indexing"]
    quality = load("quality-filings")[0]["cer: the features, average"]
    library, document = search["library scope"], search["document scope"]
    return [
        f"{indexing['documents']} company filings ({indexing['pages']:,} pages), {search['questions']} questions that "
        f"people asked about them, the encoder `minilm`, the extra `fast`, {place(record)}:",
        "",
        "| | |",
        "|---|---|",
        f"| the right page among all: nDCG@5, recall@10 | {library['nDCG@5']:.3f}, {library['recall@10']:.3f} |",
        f"| the same within the question's document | {document['nDCG@5']:.3f}, {document['recall@10']:.3f} |",
        f"| recall@10 of a search against scoring every page | {search['recall@10 against exact']:.3f} |",
        f"| a search in a warm process | {ms(search['search, ms'])} |",
        f"| a search over HTTP | {ms(server['search, one client, ms'])} |",
        f"| `maxsight search` from a cold shell | {startup['maxsight search, s']['p50']:.1f} s |",
        f"| indexing, from PDF to stored pages | {indexing['pages per second, end to end']:.1f} pages/s, "
        f"{indexing['peak memory of all processes, MB']:,} MB of memory |",
        f"| on disk | {indexing['bytes per page on disk'] / 1000:.0f} kB a page |",
        f"| kill -9 while indexing, {killed['killed while at work']} times | {killed['lost']} pages lost, "
        f"{killed['doubled']} stored twice |",
        f"| OCR's character error rate, predicted for documents not seen | correlation (PLCC) {quality['plcc']:.2f}, "
        f"off by {quality['mae']:.3f} |",
    ]


def engines():
    """Every engine at its quickest setting that finds enough, beside exact baselines; licences named."""
    sizes = {pages: load(f"peers-{pages}") for pages in (1000, 10000)}
    _, record = sizes[1000]
    rows = {}
    for pages, (figures, _) in sizes.items():
        for package, measured in figures.items():
            if isinstance(measured, dict):
                rows.setdefault(package.split()[0], {})[pages] = measured
    rows = sorted(rows.items(), key=lambda row: row[1].get(1000, {"p50 ms": float("inf")})["p50 ms"])
    lines = [
        "Pages of 1,030 vectors of 128 components, as ColPali makes them, made up so that they are hard to tell apart "
        f"(`benchmarks/synthetic.py`), {machine_of(record)}. Each engine runs alone, with the quickest of its settings "
        f"that finds {figures['recall wanted']} of the exact ten best pages, or else its best:",
        "",
        "| engine (licence) | 1,000 pages | recall@10 | 10,000 pages | recall@10 |",
        "|---|---|---|---|---|",
    ]
    for package, measured in rows:
        cells = [cell for pages in sizes for cell in timing(measured.get(pages))]
        lines.append(f"| {package} ({LICENCES[package]}, measured {dates(measured)}) | {' | '.join(cells)} |")
    return lines


def dates(measured):
    return ", ".join(sorted({figures["measured"] for figures in measured.values()}))


def timing(measured):
    if measured is None:
        return "not measured", ""
    return f"{measured['p50 ms']:,.1f} ms: {measured['setting']}", f"{measured['recall@10']:.3f}"


def ms(spread):
    return f"{spread['p50']:.1f} ms (p95 {spread['p95']:.1f})"


def place(record):
    return f"{machine_of(record)}, {record['date']}"


def machine_of(record):
    machine = record["machine"]
    return f"on {machine['cpus']} CPUs ({machine['processor']}), no GPU"


def all_results():
    """One table per result."""
    parts = []
    for file in sorted(RESULTS.glob("*.json")):
        record = json.loads(file.read_text())
        machine = record["machine"]
        parts.append(f"### {record['benchmark']}\n")
        parts.append(
            f"{record['date']}, commit {record['commit']}, {machine['processor']}, {machine['cpus']} CPUs, "
            f"{machine['memory_gb']} GB, Python {machine['python']}\n"
        )
        parts.append("| figure | value |\n|---|---|")
        parts.extend(f"| {name} | {shown(value)} |" for name, value in record["figures"].items())
        if file.with_suffix(".png").exists():
            parts.append(f"\n![{record['benchmark']}](results/{file.stem}.png)")
        parts.append("")
    return "\n".join(parts)


def shown(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
