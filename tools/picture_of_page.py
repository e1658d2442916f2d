"""Make a small PNG of an HTML page, for the documentation: ``docs/images``.

``python tools/picture_of_page.py PAGE.html OUT.png [--size 1200x1900]``; needs Chromium.
The picture has a palette of 64 colours: pages of text and plots do not need more.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image  # matplotlib brings it

COLOURS = 64
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def picture(page: Path, size: str) -> Image.Image:
    """What a browser shows of a page in a window of a size in pixels: 1200x1900."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"]
        window = f"--window-size={size.replace('x', ',')}"
        call = [browser, *options, window, f"--screenshot={shot}", page.resolve().as_uri()]
        subprocess.run(call, check=True, capture_output=True, cwd=folder)
        with Image.open(shot) as image:
            return image.convert("RGB")


def main() -> None:
    """Write the picture and tell its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="1200x1900", help="of the window, pixels")
    parser.add_argument("--width", type=int, default=780, help="of the picture, pixels")
    chosen = parser.parse_args()
    shown = picture(chosen.page, chosen.size)
    height = round(shown.height * chosen.width / shown.width)
    scaled = shown.resize((chosen.width, height), Image.Resampling.LANCZOS)
    small = scaled.quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(chosen.out, optimize=True)
    print(f"{chosen.out}: {small.width} x {small.height}, {chosen.out.stat().st_size / 1e3:.0f} KB")


if __name__ == "__main__":
    main()
