"""Adds to the reference VGG13 weights the metadata that Mondegreen asks for.

    python convert_interim_vgg13.py INTERIM.safetensors models-safetensors/vgg13.safetensors

The tensors are copied bit by bit; names, shapes and types stay. Needs safetensors and numpy.
"""

import sys

from safetensors import safe_open
from safetensors.numpy import save_file

METADATA = {
    "pad_mode": "zero",
    "training_data": "Mondegreen corpus: 2041 real recordings of FSDKaggle2018's 41 labels",
    "epochs": "12",
    "trainer": "PyTorch reference (64-frame crops, mixup, one-cycle Adam)",
}


def main(source, target):
    with safe_open(source, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = dict(file.metadata())
    save_file(tensors, target, metadata=metadata | METADATA)


if __name__ == "__main__":
    main(*sys.argv[1:])
