"""The storefront's command line: `python starter.py --help`."""

from storefront.cli import app

if __name__ == "__main__":
    app(prog_name="starter.py")
