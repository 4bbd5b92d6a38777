"""Runs the classes of a module of tests at once, each in a process of its own: for tests that mostly wait.

python3 side_by_side.py test_clock     exits with 1 if one failed; prints what each printed, whole, as it ends
"""

import concurrent.futures
import importlib
import subprocess
import sys
import unittest


def classes(module):
    """The names of those that have tests."""
    loader = unittest.TestLoader()
    found = [value for value in vars(importlib.import_module(module)).values() if isinstance(value, type)]
    return [one.__name__ for one in found
            if issubclass(one, unittest.TestCase) and one.__module__ == module and loader.getTestCaseNames(one)]


def run(name):
    return subprocess.run([sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-m", "unittest", "-v", name],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    module = sys.argv[1]
    names = [f"{module}.{name}" for name in classes(module)]
    failed = False
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, name) for name in names]):
            result = done.result()
            print(result.stdout, flush=True)
            failed = failed or result.returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
