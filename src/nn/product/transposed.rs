//! Products of a transposed matrix with another: sums over pixels.

use pulp::Simd;
use pulp::bytemuck::cast_slice;

use super::{ARCH, OnRegisters, Operands, Tiled, accumulate};
use crate::nn::element::Element;

/// Matrices `[depth, columns]` one below the other: row `k` of each starts `k * stride` behind its
/// start.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a, T> {
    /// Where the elements are.
    pub data: &'a [T],
    /// Where the first row of each matrix is.
    pub starts: &'a [usize],
    /// From one row to the next.
    pub stride: usize,
    /// How long a row is.
    pub columns: usize,
}

/// `out += left^T right`, the sum over the `depth` rows of all matrices of both: how weights learn
/// from pixels. `out` is `[left.columns, right.columns]`.
///
/// # Panics
/// Where a slice is too short for what the dimensions ask for.
pub fn add_transposed<T: Element>(
    left: Stack<'_, T>,
    right: Stack<'_, T>,
    depth: usize,
    out: &mut [T],
) {
    if depth == 0 || left.columns == 0 || right.columns == 0 {
        return;
    }
    assert_eq!(left.starts.len(), right.starts.len(), "the operands do not fit together");
    for stack in [&left, &right] {
        let last = stack.starts.iter().max().unwrap_or(&0);
        let reach = last + (depth - 1) * stack.stride + stack.columns;
        assert!(stack.starts.is_empty() || reach <= stack.data.len(), "a row ends behind its data");
    }
    assert!(out.len() >= left.columns * right.columns, "output too short");
    ARCH.dispatch(OnRegisters(AddTransposed { left, right, depth, out }));
}

struct AddTransposed<'a, T> {
    left: Stack<'a, T>,
    right: Stack<'a, T>,
    depth: usize,
    out: &'a mut [T],
}

impl<T: Element> Tiled for AddTransposed<'_, T> {
    #[inline(always)]
    fn panels<S: Simd, const MOST: usize, const V: usize>(mut self, simd: S) {
        let width = V * size_of::<T::Vector<S>>() / size_of::<T>();
        let (rows, columns) = (self.left.columns, self.right.columns);
        for column in (0..columns).step_by(width) {
            if column + width > columns {
                // Reading whole registers there would reach behind the row.
                self.remainder(column);
                break;
            }
            let mut row = 0;
            while row < rows {
                row += match rows - row {
                    left if left >= MOST => self.tile::<S, MOST, V>(simd, row, column),
                    4.. => self.tile::<S, 4, V>(simd, row, column),
                    _ => self.tile::<S, 1, V>(simd, row, column),
                };
            }
        }
    }
}

impl<T: Element> AddTransposed<'_, T> {
    /// `R` rows of a panel of columns; gives `R`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
    ) -> usize {
        let Self { left, right, depth, out } = self;
        let mut sums = [[T::splat(simd, T::zero()); V]; R];
        for (&start, &panel) in left.starts.iter().zip(right.starts) {
            let mut rows = [left.data.as_ptr(); R];
            for (pointer, i) in rows.iter_mut().zip(start + row..) {
                *pointer = left.data[i..].as_ptr();
            }
            let panel = right.data[panel + column..].as_ptr();
            // SAFETY: `add_transposed` has checked that all `depth` rows of both lie in their data,
            // and `panels` that the registers lie in the right one's rows.
            #[expect(unsafe_code, reason = "a bounds check an element would double the work")]
            unsafe {
                let operands = Operands { rows, step: left.stride, panel, width: right.stride };
                accumulate::<T, S, R, V>(simd, operands, *depth, &mut sums);
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let values: &[T] = cast_slice(sums);
            let target = &mut out[(row + i) * right.columns + column..][..values.len()];
            for (target, &value) in target.iter_mut().zip(values) {
                *target += value;
            }
        }
        R
    }

    /// The columns from `first`, fewer than a panel has.
    #[inline(always)]
    fn remainder(&mut self, first: usize) {
        let Self { left, right, depth, out } = self;
        for (start, panel) in left.starts.iter().zip(right.starts) {
            for k in 0..*depth {
                let line = &right.data[panel + k * right.stride..][first..right.columns];
                let factors = &left.data[start + k * left.stride..][..left.columns];
                for (&factor, out) in factors.iter().zip(out.chunks_exact_mut(right.columns)) {
                    for (sum, &x) in out[first..].iter_mut().zip(line) {
                        *sum += factor * x;
                    }
                }
            }
        }
    }
}
