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
        let register = size_of::<T::Vector<S>>() / size_of::<T>();
        let columns = self.right.columns;
        let mut column = 0;
        while column + V * register <= columns {
            self.panel::<S, MOST, V>(simd, column);
            column += V * register;
        }
        while column + register <= columns {
            self.panel::<S, 12, 1>(simd, column);
            column += register;
        }
        if column < columns {
            self.remainder::<S>(simd, column);
        }
    }
}

impl<T: Element> AddTransposed<'_, T> {
    /// All rows of a panel of columns, which is `V` registers wide.
    #[inline(always)]
    fn panel<S: Simd, const MOST: usize, const V: usize>(&mut self, simd: S, column: usize) {
        let rows = self.left.columns;
        let mut row = 0;
        while row < rows {
            row += match rows - row {
                left if left >= MOST => self.tile::<S, MOST, V>(simd, row, column),
                4.. => self.tile::<S, 4, V>(simd, row, column),
                _ => self.tile::<S, 1, V>(simd, row, column),
            };
        }
    }

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

    /// The columns from `first`, fewer than a register has: reading a whole one would reach behind
    /// the row.
    #[inline(always)]
    fn remainder<S: Simd>(&mut self, simd: S, first: usize) {
        let rows = self.left.columns;
        let mut row = 0;
        while row < rows {
            row += match rows - row {
                4.. => self.short_tile::<S, 4>(simd, row, first),
                _ => self.short_tile::<S, 1>(simd, row, first),
            };
        }
    }

    /// `R` rows of the last columns; gives `R`.
    #[inline(always)]
    fn short_tile<S: Simd, const R: usize>(&mut self, simd: S, row: usize, first: usize) -> usize {
        let Self { left, right, depth, out } = self;
        let mut sums = [T::splat(simd, T::zero()); R];
        for (start, panel) in left.starts.iter().zip(right.starts) {
            for k in 0..*depth {
                let line = &right.data[panel + k * right.stride..][first..right.columns];
                let line = T::load(simd, line);
                let factors = &left.data[start + k * left.stride + row..][..R];
                for (sum, &factor) in sums.iter_mut().zip(factors) {
                    *sum = T::mul_add(simd, T::splat(simd, factor), line, *sum);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let values: &[T] = cast_slice(std::slice::from_ref(sums));
            let target = &mut out[(row + i) * right.columns..][first..right.columns];
            for (target, &value) in target.iter_mut().zip(values) {
                *target += value;
            }
        }
        R
    }
}
