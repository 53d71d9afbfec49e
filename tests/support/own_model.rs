//! A weights file as people bring it: VGG13's bundled weights cut down to three labels of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

/// Its labels, in the order of the outputs.
pub const LABELS: [&str; 3] = ["Whistle", "Bell", "Thud"];

/// The bundled outputs that they are made of.
const OUTPUTS: [&str; 3] = ["Flute", "Glockenspiel", "Bass_drum"];

/// The bundled weights.
pub fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors/vgg13.safetensors")
}

/// Writes the file `name` into a folder. Of the bundled Glockenspiel it says "Bell".
pub fn write(folder: &Path, name: &str) -> PathBuf {
    write_with(folder, name, |_| ())
}

/// The same with other metadata.
pub fn write_with(
    folder: &Path,
    name: &str,
    change: impl FnOnce(&mut HashMap<String, String>),
) -> PathBuf {
    let bytes = std::fs::read(bundled()).expect("the bundled weights");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let mut metadata = header.metadata().clone().expect("metadata");
    let labels: Vec<String> = serde_json::from_str(&metadata["labels"]).expect("labels");
    let rows = OUTPUTS.map(|name| labels.iter().position(|label| label == name).expect("a label"));
    let file = SafeTensors::deserialize(&bytes).expect("whole weights");
    let tensors: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let mut shape = view.shape().to_vec();
            let mut data = view.data().to_vec();
            if name.starts_with("fc.") {
                let row = data.len() / shape[0];
                data = rows.iter().flat_map(|&at| data[at * row..][..row].to_vec()).collect();
                shape[0] = rows.len();
            }
            (name, view.dtype(), shape, data)
        })
        .collect();
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).expect("a tensor"))
    });
    metadata.insert("labels".to_owned(), serde_json::to_string(&LABELS).expect("a list"));
    metadata.insert("test_accuracy".to_owned(), "0.875".to_owned());
    metadata.insert("training_data".to_owned(), "three kinds of sounds".to_owned());
    change(&mut metadata);
    let path = folder.join(name);
    safetensors::serialize_to_file(views, Some(metadata), &path).expect("the weights are written");
    path
}

/// Files that are no model, and what must be said of each.
pub fn broken(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("the broken file is written");
        path
    };
    let whole = std::fs::read(bundled()).expect("the bundled weights");
    vec![
        (write("words.safetensors", b"These are words, not weights."), "not a safetensors file"),
        (write("cut.safetensors", &whole[..whole.len() / 2]), "truncated"),
        (
            write_with(folder, "other.safetensors", |metadata| {
                metadata.insert("model".to_owned(), "resnet".to_owned());
            }),
            "it must be one of vgg13, crnn, gcnn, dense-mel, dense-wav",
        ),
        (
            write_with(folder, "nameless.safetensors", |metadata| {
                metadata.remove("model");
            }),
            "names no model",
        ),
        (
            write_with(folder, "four.safetensors", |metadata| {
                metadata.insert("labels".to_owned(), r#"["a", "b", "c", "d"]"#.to_owned());
            }),
            "fc.weight has shape [3, 512], not [4, 512]",
        ),
        (
            write_with(folder, "empty-label.safetensors", |metadata| {
                metadata.insert("labels".to_owned(), r#"["a", "b", " "]"#.to_owned());
            }),
            "one of its labels is empty",
        ),
    ]
}
