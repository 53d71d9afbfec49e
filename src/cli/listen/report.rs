//! `mondegreen listen report`: what logs say.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::common::{self, Failure};
use super::failed;
use crate::figure::Figure;
use crate::files;
use crate::listening::{Report, Summary};

/// Options of `listen report`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Logs of one test, of any number of participants
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Write every answer here
    #[arg(long, value_name = "FILE.csv")]
    csv: Option<PathBuf>,
    /// Write the psychometric function here (PNG or SVG); where there are several, of more people or
    /// pairs, the others get numbers: FIG-2.png and so on
    #[arg(long, value_name = "FIG.png")]
    figure: Option<PathBuf>,
}

/// Reports.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.figure {
        Figure::check_place(path).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    let report = Report::read(&arguments.logs).map_err(|error| failed(&error))?;
    if let Some(path) = &arguments.csv {
        write_csv(&report, path)?;
    }
    if let Some(path) = &arguments.figure {
        write_figure(&report, path)?;
    }
    if arguments.json {
        return common::say(report.to_json());
    }
    common::say(format_args!("{} ({})", report.start.test.title, report.protocol().title()))?;
    for line in columns(&report.table()) {
        common::say(line)?;
    }
    common::say("")?;
    for participant in &report.participants {
        let words = report.verdict(participant);
        common::say(format_args!("{}: {words}{}", participant.id, missed(&participant.summary)))?;
    }
    if let Some(pooled) = &report.pooled {
        let (words, missed) = (report.pooled_verdict(pooled), missed(&pooled.summary));
        common::say(format_args!("All {} together: {words}{missed}", pooled.participants))?;
    }
    common::say("")?;
    for line in report.explanations() {
        common::say(line)?;
    }
    common::say(format_args!("\nMethods. {}", report.methods()))
}

fn missed(summary: &Summary) -> String {
    match summary.catches {
        (right, of) if right < of => format!(" Missed {} of {of} catch trials.", of - right),
        _ => String::new(),
    }
}

/// Cells under one another.
fn columns(table: &[Vec<String>]) -> Vec<String> {
    let count = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        table.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    table
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

fn write_csv(report: &Report, path: &Path) -> Result<(), Failure> {
    let bytes = report.to_csv().map_err(|error| failed(&error))?;
    files::replace(path, &bytes).map_err(|error| {
        Failure::Failed(format!("\u{201c}{}\u{201d} can't be written: {error}", path.display()))
    })
}

fn write_figure(report: &Report, path: &Path) -> Result<(), Failure> {
    let figures = report.figures();
    if figures.is_empty() {
        return Err(Failure::Failed(
            "there is no psychometric function to draw: it takes a staircase, or a ladder of three \
             or more SNRs"
                .to_owned(),
        ));
    }
    for (number, figure) in (1..).zip(figures) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let path = match number {
            1 => path.to_owned(),
            _ => path.with_file_name(format!("{stem}-{number}.{ending}")),
        };
        figure.write(&path).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    Ok(())
}
