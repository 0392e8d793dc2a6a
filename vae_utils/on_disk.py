"""Training images too many for memory: bytes in a file, of which each step reads its own batch.

Read and not memory-mapped: a mapped page counts as the program's memory, and a file that gets shorter would kill it.
"""

import os
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae_utils.sealed import file_path

PIXELS = 28 * 28


class ImagesOnDisk:
    """Images (N, 1, 28, 28) in a NumPy file of bytes; `fit` takes them as it takes a tensor.

    A file of any size is written piece by piece with
    `numpy.lib.format.open_memmap(path, mode="w+", dtype="uint8", shape=(N, 28, 28))`.

    Args:
        path: a .npy file of the type uint8 and the shape (N, 28, 28); 0 is paper, 255 is ink.

    Raises:
        ValueError: another type or shape, no images, or a damaged file.
        OSError: the file cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = file_path(path, ".npy file")
        if not self.path.is_file():  # nor a pipe, on which one would wait for ever
            raise FileNotFoundError(f"there is no file {self.path}; write it as the help of ImagesOnDisk says")
        self.device, self.dtype = torch.device("cpu"), torch.float32
        try:
            stored = np.load(self.path, mmap_mode="r", allow_pickle=False)  # reads the header, none of the images
        except (ValueError, EOFError):  # whose words would advise to read pickles
            raise ValueError(f"{self.path.name} is damaged or no .npy file of numbers; write it again") from None
        kind, shape = getattr(stored, "dtype", "several arrays"), getattr(stored, "shape", ())
        if kind != np.uint8 or len(shape) != 3 or shape[1:] != (28, 28) or not shape[0]:
            raise ValueError(f"{self.path.name} must hold uint8 of the shape (N, 28, 28), received {kind} {shape}")
        if not stored.flags.c_contiguous:
            raise ValueError(f"{self.path.name} is in Fortran order; write it with numpy.ascontiguousarray(images)")
        self._count, self._start = shape[0], stored.offset
        self._file = self.path.open("rb", buffering=0)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"ImagesOnDisk({self.path.name}: {self._count} images)"

    def to(self, where: torch.device | torch.dtype) -> "ImagesOnDisk":
        """The same images, given out on a device or in a floating-point type."""
        other = object.__new__(ImagesOnDisk)
        other.__dict__ = self.__dict__ | {"dtype" if isinstance(where, torch.dtype) else "device": where}
        return other

    def index_select(self, axis: int, chosen: Int[Tensor, " B"]) -> Float[Tensor, "B 1 28 28"]:
        """Read some images.

        Args:
            axis: 0, as for a tensor of images.
            chosen: their numbers, (B,), from 0.

        Returns:
            Pixels in [0, 1], (B, 1, 28, 28).

        Raises:
            IndexError: a number out of range.
            ValueError: another axis.
            OSError: the file cannot be read to its end any more.
        """
        if axis != 0:
            raise ValueError(f"axis must be 0, the images, received {axis!r}")
        batch = np.empty((len(chosen), PIXELS), dtype=np.uint8)
        for row, number in zip(batch, chosen.tolist(), strict=True):
            if not 0 <= number < self._count:
                raise IndexError(f"image {number} of {self._count}: numbers go from 0 to {self._count - 1}")
            place = self._start + number * PIXELS
            if _read(self._file, row, place) != PIXELS:
                raise OSError(f"{self.path} became shorter while it was used; write it again")
        pixels = torch.from_numpy(batch).to(self.device)  # a quarter of the bytes that go there as floats
        return pixels.to(self.dtype).div_(255).view(-1, 1, 28, 28)


if hasattr(os, "preadv"):

    def _read(file, row: np.ndarray, place: int) -> int:
        return os.preadv(file.fileno(), [row], place)

else:  # Windows

    def _read(file, row: np.ndarray, place: int) -> int:
        file.seek(place)
        return file.readinto(row)
