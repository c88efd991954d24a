"""The matrix as plain data: run `python examples/compare_from_python.py`."""

import rotcheck


def main() -> None:
    """Compare two implementations on the CPU and print the worst error of each,
    in rounding steps."""
    report = rotcheck.compare(["native", "complex"], devices=["cpu"], dtypes=["float32"])
    for name in ("native", "complex"):
        errors = [cell.error or 0.0 for cell in report.cells if cell.implementation == name]
        print(f"{name}: at most {max(errors):.2f} rounding steps off, in {len(errors)} checks")
    print(report.summary)


if __name__ == "__main__":  # macOS starts workers as fresh interpreters, which import this file
    main()
