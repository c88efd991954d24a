#!/usr/bin/env bash
# The fast tier: tests that run in one process and start no worker, in under a minute on two cores. `bash tests/run.sh`
# installs what they need. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

exec "${PYTHON:-python}" -m pytest -n 2 --dist loadfile -m "not slow" \
  tests/convention tests/report tests/results tests/study tests/log tests/scan \
  tests/preflight/test_{policy,decision,reading}.py \
  tests/identify/{making,asking} tests/identify/test_reading_of_*.py \
  tests/identify/test_{frequency_fit,calls_to_try,telling_parts,adapter,likeness}.py \
  tests/house/test_house_names.py --deselect tests/convention/test_new_entries.py "$@"
