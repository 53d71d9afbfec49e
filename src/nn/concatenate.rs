//! Images side by side along their channels.

use candle_core::{DType, Result, Tensor, bail};
use rayon::prelude::*;

use super::element::Element;
use super::graph::Traced;
use super::kernel::with_slice;
use super::portable;
use super::rows::rows_of_block;

impl Traced {
    /// Joins values along their last axis.
    ///
    /// # Errors
    /// Where they differ in another axis or in their type.
    pub fn concatenate(values: &[&Self]) -> Result<Self> {
        let Some(first) = values.first() else { bail!("nothing to concatenate") };
        let [outer @ .., _] = first.tensor().dims() else { bail!("numbers can't be concatenated") };
        let widths: Vec<_> =
            values.iter().filter_map(|v| v.tensor().dims().last().copied()).collect();
        let tensors: Vec<_> = values.iter().map(|value| value.tensor()).collect();
        let outer = outer.to_vec();
        let fits = |tensor: &&Tensor| {
            tensor.dtype() == first.tensor().dtype()
                && tensor.rank() == outer.len() + 1
                && tensor.dims().starts_with(&outer)
        };
        if !tensors.iter().all(fits) {
            let shapes: Vec<_> = tensors.iter().map(|tensor| tensor.dims()).collect();
            bail!("values of {shapes:?} can't be concatenated")
        }
        let tracked: Vec<_> = values.iter().map(|value| value.is_tracked()).collect();
        let by_tensors = portable::is_needed(first);
        let dtype = first.tensor().dtype();
        let output = match dtype {
            DType::F32 if !by_tensors => join::<f32>(&tensors, &outer)?,
            DType::F64 if !by_tensors => join::<f64>(&tensors, &outer)?,
            _ => Tensor::cat(&tensors, outer.len())?,
        };
        let pullback = move |gradient: &Tensor, _copies: usize| match dtype {
            DType::F32 if !by_tensors => split::<f32>(gradient, &widths, &tracked),
            DType::F64 if !by_tensors => split::<f64>(gradient, &widths, &tracked),
            _ => {
                let mut start = 0;
                let mut parts = Vec::new();
                for (&width, &tracked) in widths.iter().zip(&tracked) {
                    let part = gradient.narrow(gradient.rank() - 1, start, width)?;
                    parts.push(tracked.then(|| part.contiguous()).transpose()?);
                    start += width;
                }
                Ok(parts)
            }
        };
        Ok(Self::derived(output, values, Box::new(pullback)))
    }
}

/// Pixels of `[..., channels]` one behind the other, each all tensors' channels.
fn join<T: Element>(tensors: &[&Tensor], outer: &[usize]) -> Result<Tensor> {
    let widths: Vec<_> = tensors.iter().map(|t| t.dims().last().copied().unwrap_or(0)).collect();
    let width: usize = widths.iter().sum();
    let mut joined = vec![T::zero(); outer.iter().product::<usize>() * width];
    let mut first = 0;
    for (tensor, &own) in tensors.iter().zip(&widths) {
        with_slice::<T, _>(&tensor.contiguous()?, |source| {
            copy_columns(source, [own, 0], &mut joined, [width, first], own);
            Ok(())
        })?;
        first += own;
    }
    Tensor::from_vec(joined, [outer, &[width]].concat(), tensors[0].device())
}

/// The adjoint of [`join`], of the tensors that are asked for.
fn split<T: Element>(
    joined: &Tensor,
    widths: &[usize],
    asked: &[bool],
) -> Result<Vec<Option<Tensor>>> {
    let width: usize = widths.iter().sum();
    let pixels = joined.elem_count() / width.max(1);
    with_slice::<T, _>(&joined.contiguous()?, |source| {
        let mut first = 0;
        let mut parts = Vec::new();
        for (&own, &asked) in widths.iter().zip(asked) {
            let part = asked.then(|| {
                let mut part = vec![T::zero(); pixels * own];
                copy_columns(source, [width, first], &mut part, [own, 0], own);
                let mut shape = joined.dims().to_vec();
                if let Some(last) = shape.last_mut() {
                    *last = own;
                }
                Tensor::from_vec(part, shape, joined.device())
            });
            parts.push(part.transpose()?);
            first += own;
        }
        Ok(parts)
    })
}

/// Copies `count` columns between matrices of which `[columns, first column]` are given.
fn copy_columns<T: Element>(
    source: &[T],
    [source_width, source_first]: [usize; 2],
    target: &mut [T],
    [target_width, target_first]: [usize; 2],
    count: usize,
) {
    if count == 0 {
        return;
    }
    let rows = rows_of_block(source_width.max(target_width));
    let blocks = target.par_chunks_mut(rows * target_width);
    blocks.zip(source.par_chunks(rows * source_width)).for_each(|(target, source)| {
        let rows = target.chunks_exact_mut(target_width).zip(source.chunks_exact(source_width));
        for (target, source) in rows {
            target[target_first..target_first + count]
                .copy_from_slice(&source[source_first..source_first + count]);
        }
    });
}
