"""`make evaluate`: how well the flagship finds what the simulated game does. Each measurement is a module with `measure(seed) -> dict`; a
table of each is printed, and written to docs/evaluation.md. Exit code 1 where figures are not what `faults(figures)` of a module wants.

    evaluate.py [--seeds N] [--only NAME]… [--write FILE]
"""

import argparse
import importlib
import os
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
MEASUREMENTS = ("levels", "fraud", "servers", "independent")


def flat(figures, name=""):
    """Figures of figures, as "name: figure"."""
    for key, value in figures.items():
        where = f"{name}: {key}" if name else key
        if isinstance(value, dict):
            yield from flat(value, where)
        else:
            yield where, value


def number(value):
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.3g}"


def row(name, values):
    """A line of the table: of truths how many, of lists all that is in them, of texts none."""
    values = [value for value in values if value is not None]
    if values and all(isinstance(value, bool) for value in values):
        return f"| {name} | {sum(values)} of {len(values)} | |"
    numbers = [each for value in values for each in (value if isinstance(value, (list, tuple)) else [value])
               if isinstance(each, (int, float)) and not isinstance(each, bool)]
    if not numbers:
        return None
    spread = f"{number(min(numbers))} to {number(max(numbers))}, ± {number(statistics.stdev(numbers))}" if len(numbers) > 1 else ""
    return f"| {name} | {number(statistics.fmean(numbers))} | {spread} |"


def table(figures):
    figures = [dict(flat(of)) for of in figures]
    names = list(dict.fromkeys(name for of in figures for name in of))
    lines = [row(name, [of.get(name) for of in figures]) for name in names]
    return "\n".join(["| Figure | Mean, or how often | Lowest to highest, standard deviation |", "|---|---|---|", *filter(None, lines)])


def write(file, parts, wrong):
    file.write_text(
        "# How well the flagship finds what happened\n\n"
        f"Written by `make evaluate` on {time.strftime('%Y-%m-%d', time.gmtime())}, on a machine with {os.cpu_count()} cores; [how it is measured]"
        "(../tests/evaluate/README.md). Each seed is a simulated day with anomalies, copies, late events, wrong clocks and bots; the figures "
        "are over the seeds.\n\n" + "\n".join(parts) + "".join(f"\n**Not as it has to be:** {fault}.\n" for fault in wrong))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", action="append")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    seeds = range(1, options.seeds + 1)
    parts, wrong = [], []
    for name in options.only or MEASUREMENTS:
        if not (HERE / f"{name}.py").exists():
            continue
        module = importlib.import_module(name)
        begin, figures = time.monotonic(), []
        own = list(seeds)[:getattr(module, "SEEDS_MAX", options.seeds)]
        for seed in own:
            figures.append(module.measure(seed))
            print(f"{name}: seed {seed} of {len(own)}, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        wrong += [f"{name}: {fault}" for fault in getattr(module, "faults", lambda _: [])(figures)]
        title = " ".join(module.__doc__.split("\n\n")[0].split())
        seeds_said = "seed 1" if len(own) == 1 else f"seeds 1 to {len(own)}"
        parts.append(f"## {name.capitalize()}\n\n{title}\n\n{seeds_said}; {time.monotonic() - begin:.0f} s.\n\n{table(figures)}\n")
        print(parts[-1], flush=True)
        if options.write:  # what there is: the rest may take long
            write(options.write, parts, wrong)
    print("\n".join(wrong or ["all figures are as they have to be"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
