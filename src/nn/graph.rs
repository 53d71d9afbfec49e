//! The graph that gradients flow back through: one forward pass, any number of gradients at once.
//!
//! Candle's own graph takes one gradient at a time and computes those of all operands. An attack
//! such as DeepFool needs the gradients of ten scores of one waveform: here a gradient may have
//! `copies` times the batch of the value that it belongs to, copy after copy, and each operation
//! maps all copies back in one go with what it remembers of the single forward pass.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::backend::BackendStorage as _;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Layout, MetalStorage, Result, Shape, Storage, Tensor, Var,
    bail,
};

/// Maps `copies` stacked gradients of a value to those of what it was computed from; none for an
/// operand that no gradient is asked for.
pub type Pullback = Box<dyn Fn(&Tensor, usize) -> Result<Vec<Option<Tensor>>> + Send + Sync>;

struct Node {
    /// Later than those of everything it was computed from.
    number: u64,
    parents: Vec<Option<Arc<Node>>>,
    /// None of a variable.
    pullback: Option<Pullback>,
}

/// A tensor, and how it came about from variables, if it did.
#[derive(Clone)]
pub struct Traced {
    tensor: Tensor,
    node: Option<Arc<Node>>,
}

fn node(parents: Vec<Option<Arc<Node>>>, pullback: Option<Pullback>) -> Arc<Node> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    Arc::new(Node { number: COUNT.fetch_add(1, Ordering::Relaxed), parents, pullback })
}

/// The tensor without Candle's graph.
fn cut(tensor: Tensor) -> Tensor {
    if tensor.track_op() { tensor.detach() } else { tensor }
}

impl Traced {
    /// A value that no gradient is asked for: computing with it remembers nothing.
    pub fn constant(tensor: Tensor) -> Self {
        Self { tensor: cut(tensor), node: None }
    }

    /// A value that gradients can be asked for.
    pub fn variable(tensor: Tensor) -> Self {
        Self { tensor: cut(tensor), node: Some(node(Vec::new(), None)) }
    }

    /// What an operation on `operands` gave. `pullback` maps its gradient to theirs, in order.
    pub fn derived(tensor: Tensor, operands: &[&Self], pullback: Pullback) -> Self {
        let parents: Vec<_> = operands.iter().map(|operand| operand.node.clone()).collect();
        let tracked = parents.iter().any(Option::is_some);
        Self { tensor, node: tracked.then(|| node(parents, Some(pullback))) }
    }

    /// The value.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Whether a gradient flows back from it.
    pub fn is_tracked(&self) -> bool {
        self.node.is_some()
    }

    /// The same values in another shape.
    ///
    /// # Errors
    /// Where the shape has another number of elements.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape: Shape = shape.into();
        let before = self.tensor.dims().to_vec();
        let pullback = move |gradient: &Tensor, copies: usize| {
            let mut shape = before.clone();
            if let Some(batch) = shape.first_mut() {
                *batch *= copies;
            }
            Ok(vec![Some(gradient.reshape(shape)?)])
        };
        Ok(Self::derived(self.tensor.reshape(shape)?, &[self], Box::new(pullback)))
    }

    /// A function of Candle's operations, differentiated by Candle, once for each gradient: for
    /// what is cheap and whose gradients Candle gets right.
    ///
    /// # Errors
    /// Where the function fails.
    pub fn map(&self, function: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Self::map_all([self], |[value]| function(value))
    }

    /// The same of several values. The gradients of each are stacked along its first axis.
    ///
    /// # Errors
    /// Where the function fails.
    pub fn map_all<const N: usize>(
        operands: [&Self; N],
        function: impl FnOnce([&Tensor; N]) -> Result<Tensor>,
    ) -> Result<Self> {
        let mut variables: [Option<Var>; N] = std::array::from_fn(|_| None);
        for (variable, operand) in variables.iter_mut().zip(operands) {
            if operand.is_tracked() {
                *variable = Some(Var::from_tensor(&operand.tensor)?);
            }
        }
        let values = std::array::from_fn(|i| match &variables[i] {
            Some(variable) => variable.as_tensor(),
            None => &operands[i].tensor,
        });
        let output = function(values)?;
        let value = output.detach();
        let pullback = move |gradient: &Tensor, copies: usize| {
            let size = output.dims().first().copied().unwrap_or(1);
            let mut found: [Vec<Tensor>; N] = std::array::from_fn(|_| Vec::new());
            for copy in 0..copies {
                let gradient = gradient.narrow(0, copy * size, size)?;
                let mut store = (&output * &gradient)?.sum_all()?.backward()?;
                for (variable, found) in variables.iter().zip(&mut found) {
                    let Some(variable) = variable else { continue };
                    found.push(match store.remove(variable) {
                        Some(gradient) => gradient.detach(),
                        None => variable.zeros_like()?,
                    });
                }
            }
            let stacked = |copies: Vec<Tensor>| match copies.is_empty() {
                true => Ok(None),
                false => Tensor::cat(&copies, 0).map(Some),
            };
            found.into_iter().map(stacked).collect()
        };
        Ok(Self::derived(value, &operands, Box::new(pullback)))
    }

    /// The gradients of `sum(weights * self)` with respect to `variables`.
    ///
    /// `weights` has the shape of the value, or a multiple of its batch (its first axis): then
    /// there are as many gradients, stacked along the first axis, of each variable whose first axis
    /// is the batch.
    ///
    /// # Errors
    /// Where the shapes do not fit, a variable is a constant, or an operation fails.
    pub fn gradients(&self, weights: &Tensor, variables: &[&Self]) -> Result<Vec<Tensor>> {
        let (own, given) = (self.tensor.dims(), weights.dims());
        let fits = !own.is_empty() && own.len() == given.len() && own[1..] == given[1..];
        if !fits || own[0] == 0 || given[0] % own[0] != 0 {
            bail!("gradients of a value {own:?} can't be weighted with {given:?}")
        }
        let copies = given[0] / own[0];
        let mut found: HashMap<u64, Tensor> = HashMap::new();
        let kept: Vec<_> = variables.iter().map(|v| v.node.as_ref().map(|n| n.number)).collect();
        if let Some(root) = &self.node {
            found.insert(root.number, weights.detach());
            for node in latest_first(root) {
                let Some(pullback) = &node.pullback else { continue };
                let gradient = if kept.contains(&Some(node.number)) {
                    found.get(&node.number).cloned()
                } else {
                    found.remove(&node.number)
                };
                let Some(gradient) = gradient else { continue };
                for (parent, part) in node.parents.iter().zip(pullback(&gradient, copies)?) {
                    let (Some(parent), Some(part)) = (parent, part) else { continue };
                    let sum = match found.remove(&parent.number) {
                        Some(sum) => (sum + part)?,
                        None => part,
                    };
                    found.insert(parent.number, sum);
                }
            }
        }
        variables
            .iter()
            .zip(kept)
            .map(|(variable, number)| {
                let Some(number) = number else { bail!("a gradient of a constant was asked for") };
                match found.get(&number) {
                    Some(gradient) => Ok(gradient.clone()),
                    None => {
                        let zero = variable.tensor.zeros_like()?;
                        Tensor::cat(&vec![zero; copies], 0)
                    }
                }
            })
            .collect()
    }
}

/// A node and all that it came from, latest first.
fn latest_first(root: &Arc<Node>) -> Vec<Arc<Node>> {
    let mut seen = HashMap::new();
    let mut open = vec![Arc::clone(root)];
    while let Some(node) = open.pop() {
        if let Entry::Vacant(place) = seen.entry(node.number) {
            open.extend(node.parents.iter().flatten().cloned());
            place.insert(node);
        }
    }
    let mut nodes: Vec<_> = seen.into_values().collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(node.number));
    nodes
}

/// A function of traced values as an operation of Candle's graph.
///
/// # Errors
/// Where the function fails.
pub fn differentiable(
    input: &Tensor,
    function: impl FnOnce(&Traced) -> Result<Traced>,
) -> Result<Tensor> {
    if !input.track_op() {
        return Ok(function(&Traced::constant(input.clone()))?.tensor);
    }
    let variable = Traced::variable(input.contiguous()?);
    let output = function(&variable)?;
    // Storages are handed on whole, without offset or strides.
    let output = Traced { tensor: output.tensor.force_contiguous()?, ..output };
    input.apply_op1(Linked { variable, output })
}

/// A value that was computed already, linked to what it was computed from.
struct Linked {
    variable: Traced,
    output: Traced,
}

impl CustomOp1 for Linked {
    fn name(&self) -> &'static str {
        "traced"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = self.output.tensor.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            Storage::Cuda(_) | Storage::Metal(_) => bail!("the value is on another device"),
        }
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        let (storage, layout) = self.output.tensor.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            Storage::Cpu(_) | Storage::Metal(_) => bail!("the value is on another device"),
        }
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        let (storage, layout) = self.output.tensor.storage_and_layout();
        match &*storage {
            Storage::Metal(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            Storage::Cpu(_) | Storage::Cuda(_) => bail!("the value is on another device"),
        }
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.output.gradients(gradient, &[&self.variable])?.pop())
    }
}
