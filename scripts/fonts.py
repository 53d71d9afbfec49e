#!/usr/bin/env python3
"""Makes assets/fonts/*.ttf from Inter's variable font (SIL Open Font Licence 1.1).

    pip install fonttools
    scripts/fonts.py Inter.var.ttf        # Debian: package fonts-inter-variable

Two weights, Latin and the signs that the window uses, digits all of one width (numbers that
change must not move what stands beside them).
"""
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

SIGNS = "–—‘’“”…·•×−±≈≤≥∞Δ∆µμ°→←↑↓↕↔⌘⇧⌃✓√²³½"
RANGES = [range(0x20, 0x7F), range(0xA0, 0x180)]
WEIGHTS = {"Inter-Regular.ttf": 400, "Inter-SemiBold.ttf": 600}


def tabular_digits(font):
    """Points the digits at the glyphs that the font's `tnum` feature would choose."""
    gsub = font["GSUB"].table
    wanted = {
        index
        for record in gsub.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    swap = {}
    for index in wanted:
        for table in gsub.LookupList.Lookup[index].SubTable:
            swap.update(getattr(table, "ExtSubTable", table).mapping)
    for table in font["cmap"].tables:
        for code in range(ord("0"), ord("9") + 1):
            if code in table.cmap:
                table.cmap[code] = swap.get(table.cmap[code], table.cmap[code])


def even_widths(font):
    """Removes the last thousandths by which interpolated digits differ."""
    digits = [font.getBestCmap()[code] for code in range(ord("0"), ord("9") + 1)]
    width = max(font["hmtx"][digit][0] for digit in digits)
    for digit in digits:
        font["hmtx"][digit] = (width, font["hmtx"][digit][1])


def main():
    source = sys.argv[1]
    folder = Path(__file__).resolve().parent.parent / "assets" / "fonts"
    for name, weight in WEIGHTS.items():
        font = TTFont(source)
        axes = {axis.axisTag: axis.defaultValue for axis in font["fvar"].axes}
        font = instancer.instantiateVariableFont(font, axes | {"wght": weight})
        tabular_digits(font)
        even_widths(font)
        options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp"], hinting=False)
        subsetter = subset.Subsetter(options)
        codes = {code for codes in RANGES for code in codes} | {ord(sign) for sign in SIGNS}
        subsetter.populate(unicodes=codes)
        subsetter.subset(font)
        font.save(folder / name)
        missing = [sign for sign in SIGNS if ord(sign) not in font.getBestCmap()]
        print(f"{name}: {(folder / name).stat().st_size} bytes, without {missing}")


if __name__ == "__main__":
    main()
