"""`python -m bosai` is the same as the `bosai` command."""

from bosai.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
