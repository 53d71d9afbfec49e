//! Matrix products with a matrix that was packed beforehand.
//!
//! Weights are constant during an attack, and products with them are skinny (a few dozen pixels or
//! tiles times thousands of weights), so that packing them anew for every product, as general
//! libraries must, costs as much as the product. Here they are packed once into panels as wide as
//! two SIMD registers; the rows of the other operand are read where they lie, which makes a
//! convolution of a channels-last image a product without an unfolded copy (implicit GEMM).
//! Measured on one core whose peak is 117 GFLOP/s: 90 to 113, where the `gemm` crate has 37 to 109
//! (skinny to square).

mod transposed;

use std::ops::Range;
use std::sync::LazyLock;

use pulp::bytemuck::cast_slice;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

pub use transposed::{Stack, add_transposed};

use super::element::Element;

/// What to compute with. `MONDEGREEN_SIMD=avx2` or `scalar` asks for less than the machine has: so
/// that what runs on lesser machines can be checked and timed on this one.
static ARCH: LazyLock<Arch> = LazyLock::new(|| match std::env::var("MONDEGREEN_SIMD").as_deref() {
    Ok("scalar") => Arch::Scalar,
    #[cfg(target_arch = "x86_64")]
    Ok("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
    _ => Arch::new(),
});

/// Runs `work`, compiled for the best instructions of this machine.
///
/// Its `with_simd` and all that it calls must be marked `#[inline(always)]`: what is not inlined was
/// compiled for the least machine. Closures can't be marked so, nor can what `std` does with them.
pub fn vectorised<W: WithSimd>(work: W) -> W::Output {
    ARCH.dispatch(work)
}

/// How many rows and columns of registers a tile of the output takes on each kind of machine.
/// Twelve by two accumulators and what feeds them fill the 32 registers of AVX-512 and NEON, six by
/// two the 16 of AVX2. Without SIMD, compilers make short vectors of eight columns.
const fn registers(lanes: usize) -> [usize; 2] {
    match lanes {
        1 => [4, 8],
        8 => [6, 2],
        _ => [12, 2],
    }
}

/// Elements that are packed at least by one thread.
const LEAST_PACKED: usize = 1 << 14;

struct LanesOf;

impl WithSimd for LanesOf {
    type Output = usize;

    fn with_simd<S: Simd>(self, _simd: S) -> usize {
        size_of::<S::f32s>() / size_of::<f32>()
    }
}

/// `f32` lanes of this machine's registers.
static LANES: LazyLock<usize> = LazyLock::new(|| ARCH.dispatch(LanesOf));

/// Columns of a panel: as many as a tile of the output has, or those of one register where more
/// would be empty.
fn panel_width<T>(columns: usize) -> usize {
    let lanes = *LANES;
    let register = (lanes * size_of::<f32>() / size_of::<T>()).max(1);
    if lanes > 1 && columns <= register { register } else { register * registers(lanes)[1] }
}

/// A matrix `[depth, columns]`, cut into panels of a few columns, each stored row by row.
#[derive(Clone, Debug, Default)]
pub struct Packed<T> {
    depth: usize,
    columns: usize,
    width: usize,
    data: Vec<T>,
}

impl<T: Element> Packed<T> {
    /// Packs the matrix whose elements `at(row, column)` gives.
    pub fn new(depth: usize, columns: usize, at: impl Fn(usize, usize) -> T + Sync) -> Self {
        let mut packed = Self::zeroed(depth, columns);
        let width = packed.width;
        // Panels of small matrices are not worth handing out.
        let least = LEAST_PACKED.div_ceil((depth * width).max(1));
        let panels = packed.panels_mut().into_par_iter().with_min_len(least).enumerate();
        panels.for_each(|(panel, data)| {
            let first = panel * width;
            for (row, line) in data.chunks_exact_mut(width).enumerate() {
                for (column, value) in (first..columns).zip(line) {
                    *value = at(row, column);
                }
            }
        });
        packed
    }

    /// A matrix of zeros, to be filled panel by panel.
    pub fn zeroed(depth: usize, columns: usize) -> Self {
        let width = panel_width::<T>(columns);
        Self {
            depth,
            columns,
            width,
            data: vec![T::zero(); columns.div_ceil(width) * depth * width],
        }
    }

    /// The panels, each row by row.
    pub fn panels_mut(&mut self) -> Vec<&mut [T]> {
        self.data.chunks_exact_mut((self.depth * self.width).max(1)).collect()
    }

    /// How many columns a panel has; those behind the last are zero.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many panels the columns make.
    pub fn panels(&self) -> usize {
        self.columns.div_ceil(self.width.max(1))
    }

    /// The columns of some panels.
    pub fn columns_of(&self, panels: &Range<usize>) -> Range<usize> {
        panels.start * self.width..(panels.end * self.width).min(self.columns)
    }
}

/// The rows of a left operand, read where they lie: element `k` of tap `t` of row `i` is
/// `data[starts[i] + taps[t] + k]`. A plain matrix has one tap, 0.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// Where the elements are.
    pub data: &'a [T],
    /// Where each row starts.
    pub starts: &'a [usize],
    /// What is added to a row's start for each of its pieces.
    pub taps: &'a [usize],
    /// How long each piece is.
    pub depth: usize,
}

/// `out = rows * packed[.., panels]`, overwriting: row `i` of the product goes to
/// `out[i * stride..]`, its first column being the first of `panels`.
///
/// # Panics
/// Where a slice is too short for what the dimensions ask for.
pub fn multiply<T: Element>(
    rows: Rows<'_, T>,
    packed: &Packed<T>,
    panels: Range<usize>,
    out: &mut [T],
    stride: usize,
) {
    let Some(last) = rows.starts.iter().max() else { return };
    let columns = packed.columns_of(&panels);
    if columns.is_empty() {
        return;
    }
    assert_eq!(rows.taps.len() * rows.depth, packed.depth, "the operands do not fit together");
    let reach = last + rows.taps.iter().max().unwrap_or(&0) + rows.depth;
    assert!(packed.depth == 0 || reach <= rows.data.len(), "a row ends behind its data");
    assert!(columns.len() <= stride, "rows of the output overlap");
    assert!(out.len() >= (rows.starts.len() - 1) * stride + columns.len(), "output too short");
    assert!(
        packed.width == panel_width::<T>(packed.columns) && panels.end <= packed.panels(),
        "wrong panels"
    );
    ARCH.dispatch(OnRegisters(Multiply { rows, packed, panels, out, stride }));
}

struct Multiply<'a, T> {
    rows: Rows<'a, T>,
    packed: &'a Packed<T>,
    panels: Range<usize>,
    out: &'a mut [T],
    stride: usize,
}

/// Work on tiles of the output, in the size that suits the machine.
trait Tiled {
    /// All of it, in tiles of at most `MOST` rows and `V` registers.
    fn panels<S: Simd, const MOST: usize, const V: usize>(self, simd: S);
}

struct OnRegisters<W>(W);

impl<W: Tiled> WithSimd for OnRegisters<W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match registers(size_of::<S::f32s>() / size_of::<f32>()) {
            [4, _] => self.0.panels::<S, 4, 8>(simd),
            [6, _] => self.0.panels::<S, 6, 2>(simd),
            _ => self.0.panels::<S, 12, 2>(simd),
        }
    }
}

impl<T: Element> Tiled for Multiply<'_, T> {
    #[inline(always)]
    fn panels<S: Simd, const MOST: usize, const V: usize>(self, simd: S) {
        if self.packed.width == size_of::<T::Vector<S>>() / size_of::<T>() {
            // Enough rows to hide a multiplication's latency behind the others.
            self.run::<S, 12, 1>(simd);
        } else {
            self.run::<S, MOST, V>(simd);
        }
    }
}

impl<T: Element> Multiply<'_, T> {
    /// All panels, each `V` registers wide.
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const V: usize>(mut self, simd: S) {
        let first = self.packed.columns_of(&self.panels).start;
        for panel in self.panels.clone() {
            let columns = self.packed.columns_of(&(panel..panel + 1));
            let mut row = 0;
            while row < self.rows.starts.len() {
                let place = (panel, row, columns.start - first, columns.len());
                row += match self.rows.starts.len() - row {
                    left if left >= MOST => self.tile::<S, MOST, V>(simd, place),
                    8.. => self.tile::<S, 8, V>(simd, place),
                    4.. => self.tile::<S, 4, V>(simd, place),
                    2.. => self.tile::<S, 2, V>(simd, place),
                    _ => self.tile::<S, 1, V>(simd, place),
                };
            }
        }
    }

    /// `R` rows of one panel; gives `R`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(
        &mut self,
        simd: S,
        (panel, row, column, columns): (usize, usize, usize, usize),
    ) -> usize {
        let Self { rows, packed, out, stride, .. } = self;
        let mut sums = [[T::splat(simd, T::zero()); V]; R];
        let size = packed.depth * packed.width;
        let mut panel = &packed.data[panel * size..(panel + 1) * size];
        for tap in rows.taps {
            let mut starts = [rows.data.as_ptr(); R];
            for (start, offset) in starts.iter_mut().zip(&rows.starts[row..]) {
                *start = rows.data[offset + tap..].as_ptr();
            }
            let (piece, rest) = panel.split_at(rows.depth * packed.width);
            panel = rest;
            // SAFETY: `multiply` has checked that every row's every piece lies in the data, and
            // `piece` holds `depth` rows of a panel, each `V` registers wide.
            #[expect(unsafe_code, reason = "a bounds check an element would double the work")]
            unsafe {
                accumulate::<T, S, R, V>(
                    simd,
                    Operands { rows: starts, step: 1, panel: piece.as_ptr(), width: packed.width },
                    rows.depth,
                    &mut sums,
                );
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let target = &mut out[(row + i) * *stride + column..][..columns];
            let values: &[T] = cast_slice(sums);
            if columns == values.len() {
                // A length that compilers know: two stores instead of a call.
                target[..values.len()].copy_from_slice(values);
            } else {
                target.copy_from_slice(&values[..columns]);
            }
        }
        R
    }
}

/// What the inner loop reads: element `k` of row `i` is `rows[i] + k * step`, row `k` of the panel
/// starts at `panel + k * width`.
#[derive(Clone, Copy)]
struct Operands<T, const R: usize> {
    rows: [*const T; R],
    step: usize,
    panel: *const T,
    width: usize,
}

/// Adds `depth` outer products to the sums: the loop that all convolutions spend their time in.
///
/// # Safety
/// Every element that [`Operands`] describes for `k < depth` must be readable, a panel's row being
/// `V` registers long.
#[inline(always)]
#[expect(unsafe_code, reason = "a bounds check an element would double the work")]
unsafe fn accumulate<T: Element, S: Simd, const R: usize, const V: usize>(
    simd: S,
    operands: Operands<T, R>,
    depth: usize,
    sums: &mut [[T::Vector<S>; V]; R],
) {
    let Operands { rows, step, mut panel, width } = operands;
    let mut local = *sums;
    for k in 0..depth {
        // SAFETY: the caller's promise.
        unsafe {
            let line = panel.cast::<[T::Vector<S>; V]>().read_unaligned();
            panel = panel.add(width);
            for (row, sums) in rows.iter().zip(&mut local) {
                let factor = T::splat(simd, *row.add(k * step));
                for (sum, x) in sums.iter_mut().zip(line) {
                    *sum = T::mul_add(simd, factor, x, *sum);
                }
            }
        }
    }
    *sums = local;
}
