//! A safe door to the `gemm` crate's matrix product.

use super::element::Element;

/// Row-major `out = weights * columns`, overwriting `out`.
///
/// `weights` is `[rows, inner]`, `columns` is `[inner, width]`; `out` has rows that start `stride`
/// apart and are `width` long.
///
/// # Panics
/// Where a slice is too short for its dimensions.
pub fn multiply<T: Element>(
    out: &mut [T],
    stride: usize,
    weights: &[T],
    columns: &[T],
    [rows, inner, width]: [usize; 3],
    threads: Threads,
) {
    if rows == 0 || width == 0 {
        return;
    }
    assert!(width <= stride && out.len() >= (rows - 1) * stride + width, "out is too short");
    assert!(weights.len() >= rows * inner && columns.len() >= inner * width, "operands too short");
    // SAFETY: the slices hold every element that the dimensions and strides above can address,
    // and `out` is a mutable borrow, so it aliases neither operand.
    #[expect(unsafe_code, reason = "the gemm crate takes raw pointers")]
    unsafe {
        multiply_raw(out.as_mut_ptr(), stride, weights, columns, [rows, inner, width], threads);
    }
}

/// How one product may use the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread only: the caller spreads products over threads.
    One,
    /// All threads of the pool.
    All,
}

/// [`multiply`] into memory that other threads write other columns of at the same time.
///
/// # Safety
/// For every row below `rows`, `out + row * stride .. + width` must be valid for writes, and no
/// other thread may touch these elements; the operands must be as long as `[rows, inner, width]`
/// asks for.
#[expect(unsafe_code, reason = "columns of one matrix are written by several threads")]
pub unsafe fn multiply_raw<T: Element>(
    out: *mut T,
    stride: usize,
    weights: &[T],
    columns: &[T],
    [rows, inner, width]: [usize; 3],
    threads: Threads,
) {
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: the caller's promise covers every element addressed here.
    unsafe {
        gemm::gemm(
            rows,
            width,
            inner,
            out,
            1,
            stride as isize,
            false,
            weights.as_ptr(),
            1,
            inner as isize,
            columns.as_ptr(),
            1,
            width as isize,
            T::zero(),
            T::one(),
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition_and_leaves_the_gaps_alone() {
        let (rows, inner, width, stride) = (3, 4, 5, 7);
        let weights: Vec<f64> = (0..rows * inner).map(|i| i as f64 - 5.0).collect();
        let columns: Vec<f64> = (0..inner * width).map(|i| 0.5 * i as f64 - 3.0).collect();
        let mut out = vec![9.0; rows * stride];
        multiply(&mut out, stride, &weights, &columns, [rows, inner, width], Threads::One);
        for row in 0..rows {
            for x in 0..width {
                let sum: f64 =
                    (0..inner).map(|k| weights[row * inner + k] * columns[k * width + x]).sum();
                assert!((out[row * stride + x] - sum).abs() < 1e-12);
            }
            assert_eq!(out[row * stride + width..(row + 1) * stride], [9.0, 9.0]);
        }
    }
}
