"""python -m tests.reliability [--rows NAME …] [--share 0.1] [--dry-run]

Tries every row as often as it asks for, or a share of that, and writes what was seen into docs/reference.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time

from tests.reliability.page import store_outcome
from tests.reliability.rows import ROWS


def main() -> int:
    """0 if every row holds, else 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS), help="only these")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the full count, for a machine that is busy"
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args()
    all_hold = True
    for name in options.rows:
        row = ROWS[name]
        count = max(1, round(row.full * options.share))
        begin_s = time.monotonic()
        outcome = row.run(count)
        seconds = time.monotonic() - begin_s
        verdict = "DOES NOT HOLD" if not outcome.holds else "holds" if outcome.in_time else "TOO LATE"
        print(f"{name}: {verdict}: {outcome.seen} ({seconds:.0f} s)", flush=True)
        all_hold &= outcome.holds and outcome.in_time
        if not options.dry_run:
            date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
            store_outcome(row, outcome, count=count, seconds=seconds, date=date)
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
