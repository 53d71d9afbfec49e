"""Foolbox's and ART's attacks on a PyTorch classifier, with what they are set to.

Both see scores of waveforms [1, N] between -1 and 1: those that our attacks differentiate. Gradients
are counted one by one, by a hook on the waveform.
"""

import importlib
import time

import numpy as np
import torch
from torch import nn

from reference import load, vgg13

# C&W with as many steps as ours. Foolbox's step and first constant are the best of an earlier sweep
# (weights of that time); its early abort would give up while our waveforms still get better.
FOOLBOX_CARLINI_WAGNER = {"stepsize": 1e-4, "initial_const": 0.01, "abort_early": False}
FOOLBOX_DEEPFOOL = {"steps": 50, "candidates": 10, "overshoot": 0.02}
# A step of ART's takes two gradients, each with a forward pass of its own.
ART_CARLINI_WAGNER = {"learning_rate": 0.01, "initial_const": 0.01}
ART_DEEPFOOL = {"max_iter": 100, "nb_grads": 10, "epsilon": 1e-6}

SETTINGS = {
    ("foolbox", "carlini-wagner"): {
        "quick": FOOLBOX_CARLINI_WAGNER | {"binary_search_steps": 4, "steps": 75},
        "paper": FOOLBOX_CARLINI_WAGNER | {"binary_search_steps": 5, "steps": 1000},
        "best": FOOLBOX_CARLINI_WAGNER | {"binary_search_steps": 9, "steps": 2000},
    },
    ("art", "carlini-wagner"): {
        "quick": ART_CARLINI_WAGNER | {"binary_search_steps": 4, "max_iter": 37},
        "paper": ART_CARLINI_WAGNER | {"binary_search_steps": 5, "max_iter": 500},
        "best": ART_CARLINI_WAGNER | {"binary_search_steps": 9, "max_iter": 1000},
    },
    # Both stop where the label changes: more steps change nothing.
    ("foolbox", "deepfool"): {
        "quick": FOOLBOX_DEEPFOOL,
        "paper": FOOLBOX_DEEPFOOL,
        "best": FOOLBOX_DEEPFOOL | {"candidates": None},
    },
    ("art", "deepfool"): {
        "quick": ART_DEEPFOOL,
        "paper": ART_DEEPFOOL,
        "best": ART_DEEPFOOL | {"nb_grads": 41},
    },
}



def foolbox_steps(settings, gradients):
    """As many gradients over its searches; fewer steps are longer, so that they lead as far."""
    steps = max(1, round(gradients / settings["binary_search_steps"]))
    return {"steps": steps, "stepsize": settings["stepsize"] * settings["steps"] / steps}


# What spreads a number of gradients over the searches of Carlini & Wagner. ART searches the length
# of each of its steps.
STEPS = {
    ("foolbox", "carlini-wagner"): foolbox_steps,
    ("art", "carlini-wagner"): lambda settings, gradients: {
        "max_iter": max(1, round(gradients / (2 * settings["binary_search_steps"])))
    },
}


class Counting(nn.Module):
    """Waveforms [1, N] to scores [1, 41]; counts the gradients that reach the waveform."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.gradients = 0

    def forward(self, waveforms):
        if waveforms.requires_grad:
            waveforms.register_hook(self.count)
        return self.model.scores(waveforms[0])[None]

    def count(self, _gradient):
        self.gradients += 1


class Library:
    """One attack of a library against one model."""

    def __init__(self, system, attack, targeted, weights, settings):
        self.model = load(weights)
        self.labels = self.model.labels
        # Importing is no part of an attack.
        importlib.import_module(system)
        self.targeted = targeted
        self.settings = settings
        self.search = {
            ("foolbox", "carlini-wagner"): foolbox_carlini_wagner,
            ("foolbox", "deepfool"): foolbox_deepfool,
            ("art", "carlini-wagner"): art_carlini_wagner,
            ("art", "deepfool"): art_deepfool,
        }[system, attack]

    def classify(self, path):
        """The label of a clip and its probability."""
        return self.model.top(vgg13.read(path), count=1)[0]

    def attack(self, clip, label, target):
        """Original and adversarial samples, gradients counted, seconds."""
        waveform = vgg13.read(clip)
        counting = Counting(self.model).eval()
        wanted = self.labels.index(target if self.targeted else label)
        start = time.perf_counter()
        adversarial = self.search(counting, waveform[None], wanted, self.targeted, self.settings)[0]
        return waveform.numpy(), np.asarray(adversarial), counting.gradients, time.perf_counter() - start


def foolbox_carlini_wagner(counting, waveforms, label, targeted, settings):
    import foolbox

    criterion = foolbox.criteria.TargetedMisclassification if targeted else foolbox.criteria.Misclassification
    attack = foolbox.attacks.L2CarliniWagnerAttack(**settings)
    return run_foolbox(attack, counting, waveforms, criterion(torch.tensor([label])))


def foolbox_deepfool(counting, waveforms, label, targeted, settings):
    import foolbox

    if targeted:
        raise ValueError("DeepFool has no targets")
    attack = foolbox.attacks.L2DeepFoolAttack(**settings)
    return run_foolbox(attack, counting, waveforms, foolbox.criteria.Misclassification(torch.tensor([label])))


def run_foolbox(attack, counting, waveforms, criterion):
    import foolbox

    model = foolbox.PyTorchModel(counting, bounds=(-1, 1), device="cpu")
    return attack.run(model, waveforms, criterion).numpy()


def art_carlini_wagner(counting, waveforms, label, targeted, settings):
    from art.attacks.evasion import CarliniL2Method

    attack = CarliniL2Method(art_classifier(counting, waveforms), targeted=targeted, verbose=False, **settings)
    return attack.generate(waveforms.numpy(), y=np.array([label]))


def art_deepfool(counting, waveforms, label, targeted, settings):
    from art.attacks.evasion import DeepFool

    if targeted:
        raise ValueError("DeepFool has no targets")
    attack = DeepFool(art_classifier(counting, waveforms), verbose=False, **settings)
    return attack.generate(waveforms.numpy(), y=np.array([label]))


def art_classifier(counting, waveforms):
    from art.estimators.classification import PyTorchClassifier

    return PyTorchClassifier(
        counting, nn.CrossEntropyLoss(), input_shape=tuple(waveforms.shape[1:]),
        nb_classes=len(counting.model.labels), clip_values=(-1, 1), device_type="cpu",
    )
