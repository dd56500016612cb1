"""How many pages a second are predicted, drawing included?

CPU time is counted for this process and the workers that draw, so that a figure taken beside other work means
something: two idle cores do 2000 / (CPU ms a page) pages a second, where wall time shows what was left of them.
"""

import resource
import time

from measure import SAMPLES, arguments, save

from maxsight.quality.bulk import PageQuality, predict_documents
from maxsight.quality.model_file import load_predictor

ROUNDS = 3


def used_s():
    """CPU seconds of this process and of its workers that have ended."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in times)


def main():
    given = arguments(__doc__, documents=SAMPLES)
    predictor = load_predictor()
    rates, costs = [], []
    for _ in range(ROUNDS + 1):
        start, used = time.perf_counter(), used_s()
        judged = list(predict_documents([given.documents], predictor))
        pages = sum(isinstance(page, PageQuality) for page in judged)
        rates.append(pages / (time.perf_counter() - start))
        costs.append(1000 * (used_s() - used) / pages)
    save(
        f"quality-speed-{given.set}",
        {
            "pages, at 150 dpi": pages,
            "pages per second, best of three": round(max(rates[1:]), 2),
            "CPU ms a page, workers included, least of three": round(min(costs[1:])),
        },
    )


if __name__ == "__main__":
    main()
