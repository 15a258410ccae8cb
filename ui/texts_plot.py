"""Texts of the plot's cells and table on the page, ready for translation."""

from __future__ import annotations

from typing import Final

PLOT: Final = {
    "lone_images": "Include Sub Images",
    "redo": "Make this cell again",
    "cells": "Cells of the plot",
    "table": "Figures of each cell; the heads sort",
    "not_mine": "this plot is not there any more: run one first",
}
