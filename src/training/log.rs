//! The log of a run: a CSV file, and the same as a picture.

use std::path::Path;

use super::error::TrainingError;
use super::trainer::Epoch;
use crate::figure::{Chart, Curve, Curves};
use crate::files;

/// Writes the finished epochs beside the weights file `out`, as `NAME.training.csv` and
/// `NAME.training.png`.
///
/// # Errors
/// Where the file can't be written.
pub fn write_log(history: &[Epoch], out: &Path) -> Result<(), TrainingError> {
    let path = out.with_extension("training.csv");
    let write = |source| TrainingError::Write { path: path.clone(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for epoch in history {
        writer.serialize(epoch).map_err(|e| write(std::io::Error::other(e)))?;
    }
    let bytes = writer.into_inner().map_err(|e| write(std::io::Error::other(e.to_string())))?;
    files::replace(&path, &bytes).map_err(write)?;
    Ok(curves(history, out).write(&out.with_extension("training.png"))?)
}

/// Losses, and what was validated.
fn curves(history: &[Epoch], out: &Path) -> Curves {
    let curve = |name: &str, value: fn(&Epoch) -> Option<f64>| Curve {
        name: name.to_owned(),
        points: history.iter().filter_map(|e| Some((e.epoch as f64, value(e)?))).collect(),
    };
    let chart = |y_title: &str, y_range, curves| Chart {
        x_title: "Epoch".to_owned(),
        y_title: y_title.to_owned(),
        y_range,
        curves,
    };
    let losses =
        vec![curve("training", |e| Some(e.loss)), curve("validation", |e| e.validation_loss)];
    let rates = vec![curve("accuracy", |e| e.accuracy), curve("MAP@3", |e| e.map_at_3)];
    let name = out.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Curves {
        title: format!("Training of {name}"),
        charts: vec![
            chart("Cross entropy", None, losses),
            chart("Validation", Some([0.0, 1.0]), rates),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_a_table_and_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("vgg13.safetensors");
        let epoch = |epoch: usize, accuracy| Epoch {
            epoch,
            rate: 1e-3,
            loss: 2.0 / epoch as f64,
            accuracy,
            map_at_3: accuracy,
            validation_loss: accuracy,
            seconds: 60.0 * epoch as f64,
        };
        write_log(&[epoch(1, Some(0.25)), epoch(2, None)], &out).unwrap();
        let table = std::fs::read_to_string(out.with_extension("training.csv")).unwrap();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "epoch,rate,loss,accuracy,map_at_3,validation_loss,seconds");
        assert_eq!(lines[1], "1,0.001,2.0,0.25,0.25,0.25,60.0");
        assert_eq!(lines[2], "2,0.001,1.0,,,,120.0");
        assert!(image::open(out.with_extension("training.png")).unwrap().width() > 1000);
    }
}
