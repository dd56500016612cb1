"""Training for `quality`: samples with known errors, regressors, tests on documents left out, a report.

Importing it needs the extra ``quality-training``. Predicting needs none of it.
"""

from maxsight.extras import require

require("quality-training")
