"""The short part of `make evaluate`: what the flagship says is what plain Python makes of the same events, and what is wrong in the game is found.

The long one, with its figures: docs/evaluation.md.
"""

import sys
import unittest

from harness import ROOT

sys.path.insert(0, str(ROOT / "tests" / "evaluate"))
import independent  # noqa: E402
import levels  # noqa: E402


class EvaluateTest(unittest.TestCase):
    def test_every_figure_is_that_of_an_independent_computation_over_five_kills(self):
        found = independent.measure(seed=3, players=25, days=2, kills=5)
        self.assertEqual(found["kill -9"], 5)
        self.assertGreater(found["figures"], 1_000)
        self.assertEqual(found["differences"], [])

    def test_the_level_that_is_too_hard_and_the_one_that_crashes_are_found(self):
        found = levels.measure(seed=21)
        self.assertEqual(levels.faults([found]), [])


if __name__ == "__main__":
    unittest.main()
