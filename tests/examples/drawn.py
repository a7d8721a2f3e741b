"""What an example must have drawn, whether it ran as a script or as a notebook."""

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

EXAMPLES = Path(__file__).parents[2] / "examples"


def index_row(script):
    """The cells of a script's row in the index: chapter, links, what it is in Korean, pictures."""
    text = (EXAMPLES / "README.md").read_text("utf-8")
    row = re.search(rf"^\| (.*\({script.name}\).*) \|$", text, re.M)
    assert row, f"{script.name} has no row in examples/README.md"
    return row[1].split(" | ")


def frames(path):
    with Image.open(path) as picture:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]


def inked(picture):
    """The share of pixels that differ from the commonest colour."""
    _, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    return 1 - counts.max() / counts.sum()


def assert_drawn(script, folder):
    """The pictures in the folder are those of the index, large enough, not empty, and move."""
    pictures = sorted(path for path in folder.iterdir() if path.suffix in {".png", ".gif"})
    assert [path.name for path in pictures] == sorted(re.findall("`(.*?)`", index_row(script)[3]))
    for path in pictures:
        assert path.name.startswith(script.stem[:3]), path.name
        images = frames(path)
        assert min(images[0].shape[:2]) >= 200, path.name
        assert inked(images[0]) > 0.02, path.name
        if path.suffix == ".gif":
            assert len(images) > 1, path.name
            assert (images[0] != images[-1]).any(), path.name
