//! Winograd's minimal filtering: 3x3 convolution with 2.25 or 4 times fewer multiplications.
//!
//! A tile of `m x m` outputs (m = 2 or 4) is `A^T [(G g G^T) . (B^T d B)] A`, with `d` the `n x n`
//! inputs it depends on, n = m + 2, and `g` the kernel (Lavin and Gray, 2016). The element-wise
//! product, summed over channels, becomes one matrix product for each of the `n^2` positions.
//!
//! The interpolation points are 0, +-1 and infinity for m = 2, and 0, +-sqrt(1/2), +-sqrt(2) and
//! infinity for m = 4: with these, sums of 128 channels in `f32` are off by 5.8e-7 of the output's
//! size, with the textbook's +-1, +-2 by 1.2e-6, directly by 1.9e-7.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use pulp::Simd;

use super::element::Element;
use super::lanes::Lanes;

/// Outputs of a tile along one axis, from the inputs of a tile along it.
pub const fn outputs(n: usize) -> usize {
    n - 2
}

/// The two positive interpolation points of the larger scheme.
const NEAR: f64 = FRAC_1_SQRT_2;
const FAR: f64 = SQRT_2;

/// The matrix `G`: powers of the points over the product of their distances to the others.
fn kernel_factors<const N: usize>() -> [[f64; 3]; N] {
    let small = [0.0, 1.0, -1.0];
    let large = [0.0, NEAR, -NEAR, FAR, -FAR];
    let points: &[f64] = if N == 4 { &small } else { &large };
    std::array::from_fn(|row| {
        let Some(&p) = points.get(row) else { return [0.0, 0.0, 1.0] };
        let distance: f64 = points.iter().filter(|&&q| q != p).map(|q| p - q).product();
        [1.0 / distance, p / distance, p * p / distance]
    })
}

/// Maps kernels `g` to `G g G^T` and gradients back.
pub struct KernelTransform<T, const N: usize>([[T; 3]; N]);

impl<T: Element, const N: usize> KernelTransform<T, N> {
    /// For tiles of `N x N` inputs.
    pub fn new() -> Self {
        Self(kernel_factors::<N>().map(|row| row.map(T::from_f64)))
    }

    /// `G g G^T`.
    #[inline(always)]
    pub fn apply<S: Simd>(
        &self,
        kernel: &[[Lanes<S, T>; 3]; 3],
        zero: Lanes<S, T>,
    ) -> [[Lanes<S, T>; N]; N] {
        let (mut lines, mut result) = ([[zero; N]; 3], [[zero; N]; N]);
        for (line, row) in lines.iter_mut().zip(kernel) {
            for (value, [a, b, c]) in line.iter_mut().zip(self.0) {
                *value = row[0] * a + row[1] * b + row[2] * c;
            }
        }
        for (row, [a, b, c]) in result.iter_mut().zip(self.0) {
            for (x, value) in row.iter_mut().enumerate() {
                *value = lines[0][x] * a + lines[1][x] * b + lines[2][x] * c;
            }
        }
        result
    }

    /// `G^T u G`, the adjoint of [`Self::apply`].
    #[inline(always)]
    pub fn adjoint<S: Simd>(
        &self,
        transformed: &[[Lanes<S, T>; N]; N],
        zero: Lanes<S, T>,
    ) -> [[Lanes<S, T>; 3]; 3] {
        let (mut lines, mut result) = ([[zero; 3]; N], [[zero; 3]; 3]);
        for (line, row) in lines.iter_mut().zip(transformed) {
            for (&value, factors) in row.iter().zip(&self.0) {
                for (sum, &factor) in line.iter_mut().zip(factors) {
                    *sum = *sum + value * factor;
                }
            }
        }
        for (line, factors) in lines.iter().zip(&self.0) {
            for (row, &factor) in result.iter_mut().zip(factors) {
                for (sum, &value) in row.iter_mut().zip(line) {
                    *sum = *sum + value * factor;
                }
            }
        }
        result
    }
}

/// `B^T d B` in place.
#[inline(always)]
pub fn transform_input<S: Simd, T: Element, const N: usize>(patch: &mut [[Lanes<S, T>; N]; N]) {
    for row in patch.iter_mut() {
        *row = input_line(*row);
    }
    for x in 0..N {
        let mut column = patch[0];
        for (lanes, row) in column.iter_mut().zip(patch.iter()) {
            *lanes = row[x];
        }
        let column = input_line(column);
        for (row, value) in patch.iter_mut().zip(column) {
            row[x] = value;
        }
    }
}

/// `A^T m A`: the outputs are the first rows and columns of the result.
#[inline(always)]
pub fn transform_output<S: Simd, T: Element, const N: usize>(patch: &mut [[Lanes<S, T>; N]; N]) {
    for row in patch.iter_mut() {
        *row = output_line(*row);
    }
    for x in 0..outputs(N) {
        let mut column = patch[0];
        for (lanes, row) in column.iter_mut().zip(patch.iter()) {
            *lanes = row[x];
        }
        let column = output_line(column);
        for (row, value) in patch.iter_mut().zip(column) {
            row[x] = value;
        }
    }
}

/// `A y A^T`, the adjoint of [`transform_output`]: of the patch, the first `n - 2` rows and columns
/// are read.
#[inline(always)]
pub fn transform_output_adjoint<S: Simd, T: Element, const N: usize>(
    patch: &mut [[Lanes<S, T>; N]; N],
) {
    for row in patch.iter_mut().take(outputs(N)) {
        *row = output_line_adjoint(*row);
    }
    for x in 0..N {
        let mut column = patch[0];
        for (lanes, row) in column.iter_mut().zip(patch.iter()) {
            *lanes = row[x];
        }
        let column = output_line_adjoint(column);
        for (row, value) in patch.iter_mut().zip(column) {
            row[x] = value;
        }
    }
}

/// `B^T d` of one line.
#[inline(always)]
fn input_line<S: Simd, T: Element, const N: usize>(d: [Lanes<S, T>; N]) -> [Lanes<S, T>; N] {
    let mut line = d;
    if N == 4 {
        line[0] = d[2] - d[0];
        line[1] = d[1] + d[2];
        line[2] = d[2] - d[1];
        line[3] = d[3] - d[1];
    } else {
        let near = T::from_f64(NEAR);
        let far = T::from_f64(FAR);
        let (near2, far2) = (T::from_f64(NEAR * NEAR), T::from_f64(FAR * FAR));
        let both = T::from_f64(NEAR * NEAR + FAR * FAR);
        // The product of the squared points is one.
        line[0] = d[0] - d[2] * both + d[4];
        line[5] = d[1] - d[3] * both + d[5];
        let (even, odd) = (d[4] - d[2] * far2, (d[3] - d[1] * far2) * near);
        line[1] = even + odd;
        line[2] = even - odd;
        let (even, odd) = (d[4] - d[2] * near2, (d[3] - d[1] * near2) * far);
        line[3] = even + odd;
        line[4] = even - odd;
    }
    line
}

/// `A^T m` of one line; what is behind the outputs is left as it was.
#[inline(always)]
fn output_line<S: Simd, T: Element, const N: usize>(m: [Lanes<S, T>; N]) -> [Lanes<S, T>; N] {
    let mut line = m;
    if N == 4 {
        line[0] = m[0] + m[1] + m[2];
        line[1] = m[1] - m[2] + m[3];
    } else {
        let power = |point: f64, exponent: i32| T::from_f64(point.powi(exponent));
        let (near, far) = (m[1] - m[2], m[3] - m[4]);
        line[1] = near * power(NEAR, 1) + far * power(FAR, 1);
        line[3] = near * power(NEAR, 3) + far * power(FAR, 3) + m[5];
        let (near, far) = (m[1] + m[2], m[3] + m[4]);
        line[0] = m[0] + near + far;
        line[2] = near * power(NEAR, 2) + far * power(FAR, 2);
    }
    line
}

/// `A y` of one line.
#[inline(always)]
fn output_line_adjoint<S: Simd, T: Element, const N: usize>(
    y: [Lanes<S, T>; N],
) -> [Lanes<S, T>; N] {
    let mut line = y;
    if N == 4 {
        line[1] = y[0] + y[1];
        line[2] = y[0] - y[1];
        line[3] = y[1];
    } else {
        let power = |point: f64, exponent: i32| T::from_f64(point.powi(exponent));
        let at = |point: f64| {
            let even = y[0] + y[2] * power(point, 2);
            let odd = y[1] * power(point, 1) + y[3] * power(point, 3);
            (even + odd, even - odd)
        };
        (line[1], line[2]) = at(NEAR);
        (line[3], line[4]) = at(FAR);
        line[5] = y[3];
    }
    line
}
