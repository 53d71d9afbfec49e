//! VGG13 layer by layer and as a whole, forward and forward with the gradient to the input, ours
//! beside stock Candle, and both beside what the machine can do: `cargo bench --bench layers`.
//!
//! ```text
//! cargo bench --bench layers -- [--rounds N] [--batch N]... [--ours] [--network]
//! ```
//! Stock Candle takes seconds a step, so that the default is three rounds, some five minutes;
//! `--ours` leaves it out (and takes 25 rounds), `--network` times the whole network only.
//!
//! GFLOP/s count the operations of a direct convolution, 18 x inputs x outputs x pixels, and as many
//! again for the gradient, whatever was computed: Winograd's algorithm does with fewer and can
//! exceed the roof. The roof is that of the roofline model: the machine's peak, or what its memory
//! can deliver where every input, output and weight is moved once.

mod machine;
mod networks;

use std::process::ExitCode;

use candle_core::{Device, Result, Tensor, bail};
use mondegreen::nn::Traced;
use mondegreen::timing::{Case, Timing, interleave};

use machine::Machine;
use networks::{Pair, Shape, channels_last};

struct Arguments {
    rounds: usize,
    batches: Vec<usize>,
    stock: bool,
    layers: bool,
}

fn main() -> ExitCode {
    // `cargo test --benches` runs this with `--test`: compiling is the test then.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    match arguments().and_then(|arguments| run(&arguments).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("layers: {message}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> std::result::Result<Arguments, String> {
    let (mut rounds, mut batches, mut stock, mut layers) = (None, Vec::new(), true, true);
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut number = || {
            let value = given.next().and_then(|value| value.parse().ok()).filter(|&n| n > 0);
            value.ok_or(format!("{argument} takes a number above 0"))
        };
        match argument.as_str() {
            "--rounds" => rounds = Some(number()?),
            "--batch" => batches.push(number()?),
            "--ours" => stock = false,
            "--network" => layers = false,
            "--bench" => (), // cargo's own
            other => {
                return Err(format!(
                    "{other} is no option; there are --rounds N, --batch N, --ours, --network"
                ));
            }
        }
    }
    if batches.is_empty() {
        batches = vec![1, 8];
    }
    let rounds = rounds.unwrap_or(if stock { 3 } else { 25 });
    Ok(Arguments { rounds, batches, stock, layers })
}

fn run(arguments: &Arguments) -> Result<()> {
    let machine = Machine::measure();
    println!(
        "{} threads, {} rounds; the machine: {:.0} GFLOP/s of f32 multiply-adds, {:.1} GB/s read from memory",
        rayon::current_num_threads(),
        arguments.rounds,
        machine.gflops,
        machine.gigabytes
    );
    println!(
        "{:35} {:>5}  {:>8} {:>17} {:>7} {:>9} {:>6} {:>7} {:>9} {:>6}",
        "",
        "batch",
        "ours ms",
        "10 % to 90 %",
        "GFLOP/s",
        "of roof",
        "GB/s",
        "roof",
        "Candle ms",
        "ratio"
    );
    let shapes = Shape::vgg13();
    for &batch in &arguments.batches {
        if arguments.layers {
            for (shape, seed) in shapes.iter().zip(0..) {
                let pooled = if shape.pool { ", pool" } else { "" };
                let name = format!(
                    "{} -> {}, {}x{}{pooled}",
                    shape.inputs, shape.outputs, shape.height, shape.width
                );
                let pair = Pair::layer(shape, seed)?;
                time(arguments, machine, &name, &pair, std::slice::from_ref(shape), batch)?;
            }
        }
        time(arguments, machine, "the whole network", &Pair::network()?, &shapes, batch)?;
    }
    Ok(())
}

fn time(
    arguments: &Arguments,
    machine: Machine,
    name: &str,
    pair: &Pair,
    shapes: &[Shape],
    batch: usize,
) -> Result<()> {
    let first = shapes[0];
    let size = (batch, first.inputs, first.height, first.width);
    let image = Tensor::randn(0_f32, 1.0, size, &Device::Cpu)?;
    let last = channels_last(&image)?;
    if arguments.stock {
        let difference = pair.difference(&image)?;
        if difference > 1e-4 {
            bail!("{name}: ours and Candle's outputs differ by {difference:.1e} of the largest")
        }
    }
    let constant = Traced::constant(last.clone());
    let mut cases = vec![
        Case::new("forward", batch, || (pair.ours)(&constant).map(drop)),
        Case::new("gradient", batch, || pair.our_gradient(&last).map(drop)),
    ];
    if arguments.stock {
        cases.push(Case::new("forward", batch, || (pair.stock)(&image).map(drop)));
        cases.push(Case::new("gradient", batch, || pair.stock_gradient(&image).map(drop)));
    }
    let timings = interleave(&cases, arguments.rounds, || ())?;
    for (index, (what, passes)) in [("forward", 1.0), ("+ gradient", 2.0)].into_iter().enumerate() {
        let operations = passes * shapes.iter().map(Shape::operations).sum::<f64>() * batch as f64;
        let bytes = passes * shapes.iter().map(|shape| shape.bytes(batch)).sum::<f64>();
        let title = if index == 0 { name } else { "" };
        line(machine, &format!("{title:24} {what:>10}"), &timings, index, operations, bytes);
    }
    Ok(())
}

fn line(
    machine: Machine,
    name: &str,
    timings: &[Timing],
    index: usize,
    operations: f64,
    bytes: f64,
) {
    let ours = timings[index].milliseconds;
    let (speed, roof) = (operations / ours.median * 1e-6, machine.roof(operations, bytes));
    let stock = timings.get(index + 2).map_or(String::new(), |stock| {
        let stock = stock.milliseconds.median;
        format!(" {stock:>9.1} {:>6.1}", stock / ours.median)
    });
    println!(
        "{name:35} {:>5}  {:>8.2} {:>8.2} {:>8.2} {speed:>7.0} {:>8.0}% {:>6.1} {roof:>7.0}{stock}",
        timings[index].batch,
        ours.median,
        ours.low,
        ours.high,
        100.0 * speed / roof,
        bytes / ours.median * 1e-6,
    );
}
