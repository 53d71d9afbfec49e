//! Our side of `speed.py`'s comparison of gradients: reads `inputs` `[B, 128, 64]` (standardised
//! log-mel chunks) and `weights` `[B, 41]` from one safetensors file and writes a model's `logits`
//! and the `gradients` of `sum(weights * logits)` with respect to the inputs to another, in the type
//! of the inputs.
//!
//! ```text
//! cargo run --release --example network_gradients -- MODEL INPUTS.safetensors OUTPUTS.safetensors
//! ```

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use candle_core::{Device, Result, bail, safetensors};
use mondegreen::models::{ModelId, search_directories};
use mondegreen::nn::Traced;
use mondegreen::timing::Subject;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [model, inputs, outputs] = arguments.as_slice() else {
        eprintln!("network_gradients takes MODEL, INPUTS.safetensors and OUTPUTS.safetensors");
        return ExitCode::from(2);
    };
    match run(&model.to_string_lossy(), Path::new(inputs), Path::new(outputs)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("network_gradients: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(model: &str, inputs: &Path, outputs: &Path) -> Result<()> {
    let model = ModelId::find(model).map_err(candle_core::Error::wrap)?;
    let given = safetensors::load(inputs, &Device::Cpu)?;
    let (Some(chunks), Some(weights)) = (given.get("inputs"), given.get("weights")) else {
        bail!("{} has no tensors \"inputs\" and \"weights\"", inputs.display())
    };
    let subject = Subject::load(&model.into(), &search_directories(None), &Device::Cpu)
        .map_err(candle_core::Error::wrap)?;
    let variable = Traced::variable(chunks.clone());
    let logits = (subject.network)(&variable)?;
    let gradients = logits.gradients(weights, &[&variable])?.swap_remove(0);
    let results = [("logits", logits.tensor().clone()), ("gradients", gradients)];
    let results: HashMap<_, _> = results.into_iter().collect();
    safetensors::save(&results, outputs)
}
