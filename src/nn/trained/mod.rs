//! Layers whose weights are being trained: operands are traced too, and statistics are the batch's.

mod batch_norm;
mod squeeze_excite;

use candle_core::{DType, Device, Result, Tensor, bail};

pub(super) use batch_norm::channel_sums;
pub use batch_norm::{Statistics, batch_norm};

pub use squeeze_excite::{TracedSqueezeExcite, squeeze_excite_pool};

use super::graph::Traced;

/// Gradients of weights are sums over the batch: those of several copies would be mixed up.
pub(super) fn one_at_a_time(copies: usize) -> Result<()> {
    if copies != 1 {
        bail!("weights are trained with one gradient at a time")
    }
    Ok(())
}

/// `input weight^T + bias`: `[B, in]` with `[out, in]` and `[out]`.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn dense(input: &Traced, weight: &Traced, bias: &Traced) -> Result<Traced> {
    let (x, w) = (input.tensor().clone(), weight.tensor().clone());
    let output = x.matmul(&w.t()?)?.broadcast_add(bias.tensor())?;
    let pullback = move |gradient: &Tensor, copies: usize| {
        one_at_a_time(copies)?;
        let by_weight = gradient.t()?.matmul(&x)?;
        Ok(vec![Some(gradient.matmul(&w)?), Some(by_weight), Some(gradient.sum(0)?)])
    };
    Ok(Traced::derived(output, &[input, weight, bias], Box::new(pullback)))
}

/// The mean cross entropy of target probabilities `[B, labels]` with the mean of the heads'
/// softmaxes of `logits` `[B, heads, labels]`, and its gradient with respect to the logits. A row of
/// targets may sum to another number than 1: that is the example's weight.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn cross_entropy(logits: &Traced, targets: &Tensor) -> Result<(f64, Tensor)> {
    let logits = logits.tensor();
    let (batch, heads, _) = logits.dims3()?;
    let log_softmax = candle_nn::ops::log_softmax(logits, 2)?;
    // log(mean(exp)), by the largest head's.
    let largest = log_softmax.max_keepdim(1)?;
    let relative = log_softmax.broadcast_sub(&largest)?.exp()?;
    let log_mean = (relative.mean_keepdim(1)?.log()? + &largest)?;
    let targets = targets.unsqueeze(1)?;
    // Metal has no f64.
    let sum = (&log_mean * &targets)?.sum_all()?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    let loss = -sum.to_scalar::<f64>()? / batch as f64;
    // How much of each target's loss is each head's, as the heads' probabilities are.
    let share = log_softmax.broadcast_sub(&log_mean)?.exp()?.broadcast_mul(&targets)?;
    let gradient = (log_softmax.exp()?.broadcast_mul(&share.sum_keepdim(2)?)? - share)?;
    Ok((loss, (gradient / (heads * batch) as f64)?))
}
