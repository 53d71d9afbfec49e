"""Gives the scripts here the PyTorch models of `tests/reference`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "reference"))

import vgg13  # noqa: E402
from models import load  # noqa: E402

__all__ = ["load", "vgg13"]
