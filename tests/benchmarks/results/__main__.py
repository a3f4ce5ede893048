"""python -m tests.benchmarks.results --table cifar10_garden --real-data DIR

Trains what is not trained yet, goes on with what was interrupted, and writes docs/reference/results.{json,md}.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.benchmarks.results.page import store_row
from tests.benchmarks.results.run import run_row
from tests.benchmarks.results.tables import TABLES


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", choices=TABLES, required=True)
    parser.add_argument("--rows", nargs="*", help="only these rows")
    parser.add_argument("--real-data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument("--out", type=Path, default=Path("build/results"), help="what was trained")
    options = parser.parse_args()
    table = TABLES[options.table]
    unknown = set(options.rows or ()) - {row.name for row in table.rows}
    if unknown:
        parser.error(
            f"no row {', '.join(sorted(unknown))}; there are {', '.join(row.name for row in table.rows)}"
        )
    for row in table.rows:
        if options.rows and row.name not in options.rows:
            continue
        source = table.source.format(data=options.real_data)
        start = None if row.warm_start is None else options.out / row.warm_start / "run"
        if start is not None and not start.is_dir():
            parser.error(f"{row.name} starts from {start}, which is not there: run that row's table first.")
        folder = options.out / table.name / row.name
        figures = run_row(row, source=source, folder=folder, warm_start=start)
        store_row(table, figures)
        print(figures)


if __name__ == "__main__":
    main()
