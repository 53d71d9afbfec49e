//! Convolutions of channels-last images: 3x3 and 1x1 in two dimensions, 3 and 1 in one, stride 1,
//! zero padding ("same"), with what follows them in a network fused in.

mod direct;
mod finish;
mod kernels;
mod layer;
mod learning;
#[cfg(test)]
mod tests;
mod tiles;
mod trained;

use std::sync::OnceLock;

pub use layer::Conv;
pub use trained::convolution;

use self::finish::Finish;
use super::element::{Element, Family, FrozenWeights, Prepared};
use super::product::Packed;

/// The size of a kernel; both sides are odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Taps from top to bottom.
    pub height: usize,
    /// Taps from left to right.
    pub width: usize,
}

impl Window {
    /// One pixel.
    pub const POINT: Self = Self { height: 1, width: 1 };
    /// A pixel and its eight neighbours.
    pub const SQUARE: Self = Self { height: 3, width: 3 };
    /// A pixel and its neighbours to the left and right; for signals, images of height 1.
    pub const LINE: Self = Self { height: 1, width: 3 };

    /// How many taps there are.
    pub fn taps(self) -> usize {
        self.height * self.width
    }
}

/// The shape of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dimensions {
    batch: usize,
    height: usize,
    width: usize,
    inputs: usize,
    outputs: usize,
}

/// The ways in which a convolution can be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    /// All taps' products, then their sums: for one or two outputs, which would leave most of a
    /// panel empty.
    Few,
    /// A product with all taps at once.
    Direct,
    /// Tiles of 2x2 outputs.
    SmallTiles,
    /// Tiles of 4x4 outputs.
    LargeTiles,
}

/// Transformed kernels of a layer larger than this many channel pairs don't fit into a cache of
/// 16 MB and cost more to read than their fewer multiplications save.
const MOST_PAIRS_LARGE: usize = 1 << 16;

/// The fastest way for a shape; the factors were measured on two cores with 34 GB/s.
fn choose(dimensions: &Dimensions, window: Window) -> Algorithm {
    let Dimensions { batch, height, width, inputs, outputs } = *dimensions;
    if window.taps() * outputs <= 16 && outputs < inputs {
        return Algorithm::Few;
    }
    if window != Window::SQUARE || inputs < 8 {
        return Algorithm::Direct;
    }
    let pairs = inputs * outputs;
    // In multiplications of a channel pair; reading a weight costs as much as thirteen, moving a
    // transformed value in and out as much as twelve.
    let cost = |m: usize| {
        let positions = (m + 2) * (m + 2);
        let tiles = batch * height.div_ceil(m) * width.div_ceil(m);
        positions * (tiles * (pairs + 12 * (inputs + outputs)) + 13 * pairs)
    };
    let direct = 9 * pairs * (batch * height * width + 13);
    let large = if pairs <= MOST_PAIRS_LARGE { cost(4) } else { usize::MAX };
    if direct <= cost(2).min(large) {
        Algorithm::Direct
    } else if large <= cost(2) {
        Algorithm::LargeTiles
    } else {
        Algorithm::SmallTiles
    }
}

/// Weights packed for each algorithm, when it is first used.
#[derive(Debug)]
struct Bank<T> {
    few: OnceLock<Packed<T>>,
    direct: OnceLock<Packed<T>>,
    small: OnceLock<Vec<Packed<T>>>,
    large: OnceLock<Vec<Packed<T>>>,
}

#[derive(Debug)]
struct Banks;

impl Family for Banks {
    type Of<T: Element> = Bank<T>;
}

/// Weights `[outputs, inputs, taps]`, in one direction of a layer.
#[derive(Debug)]
struct Weights {
    inputs: usize,
    outputs: usize,
    window: Window,
    banks: Prepared<Banks>,
}

/// Whether a layer's weights map inputs to outputs or gradients back: then the kernel is turned by
/// 180 degrees and its two channel axes are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Weights {
    fn new(inputs: usize, outputs: usize, window: Window) -> Self {
        Self { inputs, outputs, window, banks: Prepared::default() }
    }

    /// The convolution of `input`, `[batch, height, width, inputs]`, finished, and the routes of
    /// its gradient if `keep` is set. `frozen` are the layer's weights.
    fn convolve<T: Element>(
        &self,
        frozen: &FrozenWeights,
        direction: Direction,
        input: &[T],
        [batch, height, width]: [usize; 3],
        finish: &Finish<'_, T>,
        keep: bool,
    ) -> (Vec<T>, Vec<T>) {
        let Self { inputs, outputs, window, .. } = *self;
        let dimensions = Dimensions { batch, height, width, inputs, outputs };
        let bank = self.banks.get_or_init(|| Bank {
            few: OnceLock::new(),
            direct: OnceLock::new(),
            small: OnceLock::new(),
            large: OnceLock::new(),
        });
        let taps = window.taps();
        let at = |output: usize, input: usize, tap: usize| match direction {
            Direction::Forward => frozen.at((output * inputs + input) * taps + tap),
            Direction::Backward => frozen.at((input * outputs + output) * taps + taps - 1 - tap),
        };
        let algorithm = match choose(&dimensions, window) {
            Algorithm::Few if finish.activation.is_some() || !finish.bias.is_empty() => {
                Algorithm::Direct
            }
            algorithm => algorithm,
        };
        match algorithm {
            Algorithm::Few => {
                let packed = bank.few.get_or_init(|| {
                    Packed::new(inputs, taps * outputs, |input, column| {
                        T::from_f64(at(column % outputs, input, column / outputs))
                    })
                });
                (direct::convolve_few(&dimensions, window, input, packed), Vec::new())
            }
            Algorithm::Direct => {
                let packed = bank.direct.get_or_init(|| kernels::taps([taps, inputs, outputs], at));
                direct::convolve(&dimensions, window, input, packed, finish, keep)
            }
            Algorithm::SmallTiles => {
                let packed =
                    bank.small.get_or_init(|| kernels::transformed::<T, 4>(inputs, outputs, at));
                tiles::convolve::<T, 4>(&dimensions, input, packed, finish, keep)
            }
            Algorithm::LargeTiles => {
                let packed =
                    bank.large.get_or_init(|| kernels::transformed::<T, 6>(inputs, outputs, at));
                tiles::convolve::<T, 6>(&dimensions, input, packed, finish, keep)
            }
        }
    }
}

/// Cuts a slice into pieces of these lengths.
fn split<T>(mut slice: &mut [T], lengths: impl Iterator<Item = usize>) -> Vec<&mut [T]> {
    lengths
        .map(|length| {
            let (piece, rest) = std::mem::take(&mut slice).split_at_mut(length);
            slice = rest;
            piece
        })
        .collect()
}
