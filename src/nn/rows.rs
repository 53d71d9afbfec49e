//! Work on rows of channels that several layers share: blocks for the threads, `scale * x + shift`,
//! sums over rows, and products with packed weights.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::element::Element;
use super::product::{self, Packed, Rows, vectorised};

/// Numbers that a task handles: enough to be worth handing out, few enough that one image keeps all
/// threads busy. Fixed, so that sums do not depend on the thread count.
const BLOCK: usize = 1 << 14;

/// Shortest inner loop: fewer channels than this are repeated.
const LEAST_WIDTH: usize = 64;

/// Multiplications below which a product stays on one thread.
const SMALL_PRODUCT: usize = 1 << 18;

/// Rows of so many numbers that make a block.
pub fn rows_of_block(width: usize) -> usize {
    (BLOCK / width.max(1)).max(1)
}

/// Values of each channel, for as many pixels as make a good inner loop.
pub fn repeated<T: Element>(channels: &[T]) -> Vec<T> {
    channels.repeat((LEAST_WIDTH / channels.len().max(1)).max(1))
}

/// `target = scale * source + shift`, on all threads; scale and shift are [`repeated`].
pub fn scale_shift<T: Element>(source: &[T], scale: &[T], shift: &[T], target: &mut [T]) {
    let size = rows_of_block(scale.len()) * scale.len().max(1);
    target.par_chunks_mut(size).zip(source.par_chunks(size)).for_each(|(target, source)| {
        vectorised(ScaleShift { source, scale, shift, target });
    });
}

/// `target = scale * source + shift` of each image; scales and shifts are `[images, channels]`, the
/// scales starting again where they end before the images do.
pub fn weigh<T: Element>(source: &[T], scales: &[T], shifts: &[T], channels: usize) -> Vec<T> {
    let mut target = vec![T::zero(); source.len()];
    let length = source.len() / (shifts.len() / channels).max(1);
    let images = target.par_chunks_mut(length.max(1)).zip(source.par_chunks(length.max(1)));
    images.zip(shifts.par_chunks(channels)).enumerate().for_each(
        |(image, ((target, source), shifts))| {
            let start = image * channels % scales.len();
            let scales = repeated(&scales[start..start + channels]);
            scale_shift(source, &scales, &repeated(shifts), target);
        },
    );
    target
}

struct ScaleShift<'a, T> {
    source: &'a [T],
    scale: &'a [T],
    shift: &'a [T],
    target: &'a mut [T],
}

impl<T: Element> WithSimd for ScaleShift<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.scale.len();
        for (target, source) in self.target.chunks_mut(width).zip(self.source.chunks(width)) {
            let parameters = self.scale.iter().zip(self.shift);
            for ((y, &x), (&scale, &shift)) in target.iter_mut().zip(source).zip(parameters) {
                *y = scale * x + shift;
            }
        }
    }
}

/// The sum of each `count` rows of so many numbers.
pub fn sums<T: Element>(data: &[T], count: usize, width: usize) -> Vec<T> {
    sums_of_groups(data.len(), count, width, |place, sums| {
        vectorised(AddRows { data: &data[place], sums });
    })
}

/// The sum of each `count` rows of `a * b`; where `b` is shorter, it starts again.
pub fn sums_of_products<T: Element>(a: &[T], b: &[T], count: usize, width: usize) -> Vec<T> {
    sums_of_groups(a.len(), count, width, |place, sums| {
        let start = place.start % b.len();
        let b = &b[start..start + place.len()];
        vectorised(AddProducts { a: &a[place], b, sums });
    })
}

/// Sums over groups of `count` rows of `length` numbers; `add` adds the rows at some places.
fn sums_of_groups<T: Element>(
    length: usize,
    count: usize,
    width: usize,
    add: impl Fn(Range<usize>, &mut [T]) + Sync,
) -> Vec<T> {
    if length == 0 {
        return Vec::new();
    }
    let rows = rows_of_block(width).min(count);
    let blocks = count.div_ceil(rows);
    let groups = length / (count * width);
    let mut parts = vec![T::zero(); groups * blocks * width];
    let tasks = parts.par_chunks_mut(width).with_min_len(rows_of_block(rows * width)).enumerate();
    tasks.for_each(|(task, sums)| {
        let (group, block) = (task / blocks, task % blocks);
        let first = group * count + block * rows;
        let last = group * count + (block * rows + rows).min(count);
        add(first * width..last * width, sums);
    });
    if blocks == 1 {
        return parts;
    }
    let mut sums = vec![T::zero(); groups * width];
    for (sums, parts) in sums.chunks_exact_mut(width).zip(parts.chunks_exact(blocks * width)) {
        vectorised(AddRows { data: parts, sums });
    }
    sums
}

/// Adds the rows of `data`, each as long as `sums`, to `sums`.
struct AddRows<'a, T> {
    data: &'a [T],
    sums: &'a mut [T],
}

impl<T: Element> WithSimd for AddRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { data, sums } = self;
        let width = sums.len();
        let mut wide = [T::zero(); LEAST_WIDTH];
        if width <= LEAST_WIDTH / 2 {
            let wide = &mut wide[..LEAST_WIDTH / width * width];
            for rows in data.chunks(wide.len()) {
                for (sum, &x) in wide.iter_mut().zip(rows) {
                    *sum += x;
                }
            }
            for part in wide.chunks_exact(width) {
                for (sum, &x) in sums.iter_mut().zip(part) {
                    *sum += x;
                }
            }
        } else {
            for row in data.chunks_exact(width) {
                for (sum, &x) in sums.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        }
    }
}

/// Adds the rows of `a * b`, each as long as `sums`, to `sums`.
struct AddProducts<'a, T> {
    a: &'a [T],
    b: &'a [T],
    sums: &'a mut [T],
}

impl<T: Element> WithSimd for AddProducts<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { a, b, sums } = self;
        let width = sums.len();
        let mut wide = [T::zero(); LEAST_WIDTH];
        if width <= LEAST_WIDTH / 2 {
            let wide = &mut wide[..LEAST_WIDTH / width * width];
            for (a, b) in a.chunks(wide.len()).zip(b.chunks(wide.len())) {
                for (sum, (&a, &b)) in wide.iter_mut().zip(a.iter().zip(b)) {
                    *sum += a * b;
                }
            }
            for part in wide.chunks_exact(width) {
                for (sum, &x) in sums.iter_mut().zip(part) {
                    *sum += x;
                }
            }
        } else {
            for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
                for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                    *sum += a * b;
                }
            }
        }
    }
}

/// `rows * packed`, `[rows, columns]`. Threads share out the columns, so that each weight is read
/// once.
pub fn product<T: Element>(rows: Rows<'_, T>, packed: &Packed<T>) -> Vec<T> {
    let columns = packed.columns();
    let mut out = vec![T::zero(); rows.starts.len() * columns];
    let parts = rayon::current_num_threads().min(packed.panels());
    if parts < 2 || out.len() * rows.taps.len() * rows.depth < SMALL_PRODUCT {
        product::multiply(rows, packed, 0..packed.panels(), &mut out, columns);
        return out;
    }
    let panels = |part: usize| packed.panels() * part / parts..packed.panels() * (part + 1) / parts;
    let products: Vec<_> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let place = packed.columns_of(&panels(part));
            let mut out = vec![T::zero(); rows.starts.len() * place.len()];
            product::multiply(rows, packed, panels(part), &mut out, place.len());
            (place, out)
        })
        .collect();
    for (place, part) in products {
        for (row, part) in out.chunks_exact_mut(columns).zip(part.chunks_exact(place.len())) {
            row[place.clone()].copy_from_slice(part);
        }
    }
    out
}

/// The product of contiguous rows, each `depth` long.
pub fn matrix_product<T: Element>(data: &[T], depth: usize, packed: &Packed<T>) -> Vec<T> {
    let starts: Vec<_> = (0..data.len()).step_by(depth.max(1)).collect();
    product(Rows { data, starts: &starts, taps: &[0], depth }, packed)
}
