"""``python -m maxsight`` is the command ``maxsight``."""

from maxsight.cli import main

if __name__ == "__main__":
    main()
