//! What happens to a convolution's sums before they are written: bias, and where asked for the
//! rectifier, the batch norm after it and max pooling, so that no intermediate image is stored.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::nn::element::Element;
use crate::nn::lanes::Lanes;

/// What is done to the sums of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a, T> {
    /// Added to each channel; empty for none.
    pub bias: &'a [T],
    /// What follows the bias.
    pub activation: Option<Activation<'a, T>>,
}

/// `scale * max(z, 0) + shift`, then perhaps 2x2 max pooling.
#[derive(Clone, Copy, Debug)]
pub struct Activation<'a, T> {
    /// Of each channel.
    pub scale: &'a [T],
    /// Of each channel.
    pub shift: &'a [T],
    /// Whether 2x2 windows are reduced to their largest element, an odd last row or column left
    /// out.
    pub pool: bool,
}

/// A few rows of a channels-last image, and where the gradients of its elements go.
pub struct Target<'a, T> {
    /// `[rows, width, channels]`, after pooling.
    pub values: &'a mut [T],
    /// For each value: 0 where no gradient passes, else one more than which of the pooled window's
    /// elements (row by row) it goes to. Or empty where no gradient is asked for. Numbers like the
    /// values, because they are made and read in the same registers.
    pub routes: &'a mut [T],
    /// Rows before pooling.
    pub height: usize,
    /// Columns before pooling.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
}

impl<T: Element> Finish<'_, T> {
    /// Rows or columns that are left of so many.
    pub fn side(&self, before: usize) -> usize {
        if self.activation.is_some_and(|a| a.pool) { before / 2 } else { before }
    }

    /// Writes the channels from `channel` of a square of sums, `[M, M]` in a corner of `sums`, whose
    /// first is the sum of row `y` and column `x` of the target; what lies outside is left out.
    /// With pooling, `y`, `x` and `M` are even.
    #[inline(always)]
    pub fn write<S: Simd, const M: usize, const N: usize>(
        &self,
        simd: S,
        sums: &[[Lanes<S, T>; N]; N],
        target: &mut Target<'_, T>,
        [y, x, channel]: [usize; 3],
    ) {
        let zero = Lanes::splat(simd, T::zero());
        let bias = match self.bias.get(channel..) {
            Some(bias) => Lanes::load(simd, bias),
            None => zero,
        };
        let rows = M.min(target.height - y);
        let columns = M.min(target.width - x);
        let Some(activation) = &self.activation else {
            for (dy, row) in sums.iter().enumerate().take(rows) {
                for (dx, &sum) in row.iter().enumerate().take(columns) {
                    let place =
                        target.place([y + dy, x + dx, channel], target.width, Lanes::<S, T>::COUNT);
                    (sum + bias).store(&mut target.values[place]);
                }
            }
            return;
        };
        let scale = Lanes::load(simd, &activation.scale[channel..]);
        let shift = Lanes::load(simd, &activation.shift[channel..]);
        let one = Lanes::splat(simd, T::one());
        // `scale * max(z, 0) + shift`, and `number` where `z > 0`.
        let activate = |sum: Lanes<S, T>, number: Lanes<S, T>| {
            let z = sum + bias;
            (z.if_greater(zero, z, zero).mul_add(scale, shift), z.if_greater(zero, number, zero))
        };
        if !activation.pool {
            for (dy, row) in sums.iter().enumerate().take(rows) {
                for (dx, &sum) in row.iter().enumerate().take(columns) {
                    let (value, route) = activate(sum, one);
                    target.put([y + dy, x + dx, channel], target.width, value, route);
                }
            }
            return;
        }
        for dy in (0..rows & !1).step_by(2) {
            for dx in (0..columns & !1).step_by(2) {
                let (mut best, mut route) = activate(sums[dy][dx], one);
                let mut number = one;
                for sum in [sums[dy][dx + 1], sums[dy + 1][dx], sums[dy + 1][dx + 1]] {
                    number = number + one;
                    let (value, other) = activate(sum, number);
                    route = value.if_greater(best, other, route);
                    best = value.if_greater(best, value, best);
                }
                target.put([(y + dy) / 2, (x + dx) / 2, channel], target.width / 2, best, route);
            }
        }
    }
}

impl<T: Element> Target<'_, T> {
    /// Where at most `count` channels of a pixel are, in an image of that width.
    #[inline(always)]
    fn place(&self, [y, x, channel]: [usize; 3], width: usize, count: usize) -> Range<usize> {
        let pixel = (y * width + x) * self.channels;
        pixel + channel..pixel + (channel + count).min(self.channels)
    }

    #[inline(always)]
    fn put<S: Simd>(
        &mut self,
        at: [usize; 3],
        width: usize,
        value: Lanes<S, T>,
        route: Lanes<S, T>,
    ) {
        let place = self.place(at, width, Lanes::<S, T>::COUNT);
        value.store(&mut self.values[place.clone()]);
        if let Some(routes) = self.routes.get_mut(place) {
            route.store(routes);
        }
    }
}

/// The gradients of one row of sums, `[width, channels]`, from those of an image's finished values.
pub struct FinishAdjoint<'a, T> {
    /// What finished the sums.
    pub activation: &'a Activation<'a, T>,
    /// Of the finished image.
    pub gradient: &'a [T],
    /// Of the finished image.
    pub routes: &'a [T],
    /// Which row.
    pub y: usize,
    /// Where its gradients go.
    pub sums: &'a mut [T],
}

impl<T: Element> WithSimd for FinishAdjoint<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { activation, gradient, routes, y, sums } = self;
        let channels = activation.scale.len();
        let half = if activation.pool { 2 } else { 1 };
        let reduced = sums.len() / channels / half;
        for (x, pixel) in sums.chunks_exact_mut(channels).enumerate() {
            let place = (y / half * reduced + x / half) * channels;
            let inside = x / half < reduced && place + channels <= gradient.len();
            if !inside {
                pixel.fill(T::zero());
                continue;
            }
            let number = T::from_f64((1 + y % half * 2 + x % half) as f64);
            let (gradient, routes) = (&gradient[place..][..channels], &routes[place..][..channels]);
            for (i, z) in pixel.iter_mut().enumerate() {
                let g = gradient[i] * activation.scale[i];
                *z = if routes[i] == number { g } else { T::zero() };
            }
        }
    }
}
