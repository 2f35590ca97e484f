"""Recipes: all that decides a training run, as frozen dataclasses (see `recipe_file`)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Augment:
    """Random changes to a photo; 0 (or an area of 1 to 1) switches one off.

    rotation, hue: degrees. area: share of the square that is shown. aspect: largest |log| of the
    side ratio. shift: share of the side. brightness, contrast, saturation, gain: largest relative
    change. sides: pixels to go down to and up from, for `sides_share` of the photos.
    """

    flips: bool = True
    rotation: float = 180.0
    area: tuple[float, float] = (0.55, 1.0)
    aspect: float = 0.2
    shift: float = 0.08
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 6.0
    gain: float = 0.06
    sides: tuple[int, ...] = (56, 72, 84, 112)
    sides_share: float = 0.5


@dataclass(frozen=True)
class PublishedAugment:
    """Random changes in the units of Keras's legacy `ImageDataGenerator`.

    rotation, shear: degrees. shift: share of the side. zoom: 0.3 is 0.7 to 1.3 on each axis.
    brightness: factors. fill: of what lies beyond the border, "nearest" or "reflect".
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness: tuple[float, float] = (1.0, 1.0)
    fill: str = "nearest"


@dataclass(frozen=True)
class Plateau:
    """The learning rate times `factor` after `patience` epochs without a lower validation loss."""

    factor: float
    patience: int
    minimum: float


@dataclass(frozen=True)
class Optimizer:
    """Adam or AdamW, and an average of the weights.

    peak: highest learning rate, with linear warm-up and cosine decay over all phases, or, where
    there is a `plateau`, the first one. final: last one as a share of it. warmup_epochs: of the
    first. ema: momentum of the running average that is validated and kept; 0 switches it off.
    """

    name: str = "adamw"
    plateau: Plateau | None = None
    peak: float = 7e-4
    final: float = 0.01
    warmup_epochs: float = 0.5
    weight_decay: float = 0.02
    ema: float = 0.998


@dataclass(frozen=True)
class Phase:
    """Some epochs at one side, in pixels."""

    side: int
    epochs: int


@dataclass(frozen=True)
class Recipe:
    """A training run. `criterion` is the validation measure that chooses the epoch to keep.

    task: "classification", or "segmentation" (the outline of the lesion).
    weights: the first ones: "imagenet", "none" (random), an .npz file of the backbone's (see
    `architectures.build`), or a finished network, head included (see `finished`; of a classifier,
    a network that outlines takes the backbone).
    unfrozen: how many of the backbone's last layers are trained, -1 for all of them.
    Remedies for imbalance: sampling_power (1 draws every photo once, 0 all classes alike), class
    weights in the loss (`class_weights`, or n_c ** -class_weight_power with mean 1 over the
    photos), `oversample` (so many more copies of the photos of these classes, drawn with
    replacement), logit_adjustment (that share of the log prior). mixup, cutmix: alpha of the Beta
    distribution of the mixture, 0 for none. distillation: weight of what teachers say, beside the
    labels' 1 (see `distillation`), 0 for none. early_stop: epochs without a lower validation loss.
    published_augment: takes the place of `augment`.
    statistics_momentum: of the running mean and variance of batch normalization. Backbones come
    with up to 0.999, a memory of 1,000 steps, which outlasts a phase at another side.
    The epoch is chosen within the last phase, whose side is the one that will be served.
    """

    name: str
    backbone: str
    phases: tuple[Phase, ...]
    task: str = "classification"
    weights: str = "imagenet"
    dropout: float = 0.5
    batch: int = 48
    seed: int = 1
    precision: str = "mixed_bfloat16"
    label_smoothing: float = 0.05
    statistics_momentum: float = 0.99
    unfrozen: int = -1
    loss: str = "cross_entropy"
    sampling_power: float = 1.0
    class_weights: tuple[float, ...] = ()
    class_weight_power: float = 0.0
    oversample: tuple[str, ...] = ()
    oversample_copies: int = 3
    logit_adjustment: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    distillation: float = 0.0
    distillation_temperature: float = 2.0
    early_stop: int = 0
    criterion: str = "balanced_accuracy"
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()
    published_augment: PublishedAugment | None = None

    @property
    def epochs(self) -> int:
        """All epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)
