#!/usr/bin/env python3
"""Runs the code blocks of a guide in their order, in an empty folder: `guide.py GUIDE.md`.

Blocks of `python` share one namespace; blocks of `sh` are run by bash. A block that is marked `needs MODULE` is left out where
that module cannot be imported.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"^```(python|sh)(?: needs (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main() -> None:
    guide = Path(sys.argv[1])
    namespace = {}
    done = left_out = 0
    text = guide.read_text()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for block in BLOCK.finditer(text):
            language, module, code = block.groups()
            line = text.count("\n", 0, block.start()) + 1
            if module and importlib.util.find_spec(module) is None:
                left_out += 1
                continue
            if language == "python":
                exec(compile("\n" * line + code, str(guide), "exec"), namespace)
            else:
                subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=True)
            done += 1
    print(f"{guide.name}: {done} blocks ran, {left_out} left out")
    if done == 0:
        sys.exit("no block ran")


main()
