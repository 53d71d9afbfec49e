"""Our program on the command line, one call a question."""

import json
import pathlib
import subprocess

REPOSITORY = pathlib.Path(__file__).parents[2]
WEIGHTS = REPOSITORY / "models-safetensors"


class Program:
    """`mondegreen` with one model, on the CPU."""

    def __init__(self, path, models, model, threads):
        self.path = path
        self.common = ["--model", model, "--models", models, "--threads", threads, "--device", "cpu", "--json"]

    def call(self, *arguments):
        """What the program says, one dictionary a line; a failed attack is said, too."""
        command = [self.path, *arguments, *self.common]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode and not done.stdout.strip():
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def classify(self, clips):
        """[(label, confidence)] of sound files."""
        return [(said["label"], said["confidence"]) for said in self.call("classify", *clips, "--top", 1)]


def add_options(parser):
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--program", type=pathlib.Path, default=REPOSITORY / "target/release/mondegreen")
    parser.add_argument("--models", type=pathlib.Path, default=WEIGHTS, help="folder with MODEL.safetensors")
    parser.add_argument("--threads", type=int, default=1)
