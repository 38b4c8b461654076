"""Training the models, and what follows: evaluation, publishing, benchmarks, scoring. Needs a clone of the project."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
RECIPES_DIR = ROOT / "training" / "recipes"
# Everything that a program measured; of seeds whose weights are not bundled, `seeds/<name>.<tag>.seed-<n>.json`.
RESULTS_DIR = ROOT / "training" / "results"
SEEDS_DIR = RESULTS_DIR / "seeds"
