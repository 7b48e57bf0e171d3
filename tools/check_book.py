"""Compile the blocks of Python in README.md and in the pages of the book, without running them.

    python tools/check_book.py

Needs nothing but Python; prints how many blocks there are, and each that is no Python.
"""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def main():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs" / "src").glob("*.md"))]
    blocks = wrong = 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            blocks += 1
            line = text.count("\n", 0, match.start()) + 1
            code = "\n" * line + textwrap.dedent(match[2])  # so that errors name the page's lines
            try:
                compile(code, str(page.relative_to(ROOT)), "exec")
            except SyntaxError as error:
                wrong += 1
                print(f"{error.filename}:{error.lineno}: {error.msg}")
    print(f"{blocks} blocks of Python, {wrong} of them wrong")
    return 1 if wrong or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())
