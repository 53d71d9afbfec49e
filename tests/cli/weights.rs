//! Weights that are missing, damaged or of something else: each its own message, with the file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::program::{bundled, command, finish, run, says};

/// The repository's own weights, in memory.
struct Weights {
    bytes: Vec<u8>,
}

/// A tensor of a file to be written.
type Tensor = (Dtype, Vec<usize>, Vec<u8>);

impl Weights {
    fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors");
        Self { bytes: std::fs::read(path.join("vgg13.safetensors")).expect("the weights") }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).expect("a header");
        header.metadata().clone().expect("metadata")
    }

    fn tensors(&self) -> HashMap<String, Tensor> {
        let file = SafeTensors::deserialize(&self.bytes).expect("whole weights");
        let tensors = file.tensors().into_iter();
        tensors
            .map(|(name, view)| (name, (view.dtype(), view.shape().to_vec(), view.data().to_vec())))
            .collect()
    }
}

fn write(path: &Path, tensors: &HashMap<String, Tensor>, metadata: HashMap<String, String>) {
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (name, TensorView::new(*dtype, shape.clone(), data).expect("a tensor"))
    });
    safetensors::serialize_to_file(views, Some(metadata), path).expect("a file");
}

/// Runs the program with the weights of `folder` and expects it to fail with a message that names
/// their file, if there is one, and says all of `expected`.
fn refused(folder: &Path, expected: &[&str]) {
    let clip = bundled("tambourine");
    let folder_name = folder.to_str().expect("UTF-8");
    for arguments in [
        vec!["classify", &clip, "--models", folder_name, "--json"],
        vec!["attack", &clip, "--models", folder_name, "--json"],
    ] {
        let message = run(&arguments).message(1);
        says(&message, &[folder_name, "vgg13.safetensors"]);
        says(&message, expected);
    }
}

fn file_in(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("vgg13.safetensors")
}

#[test]
fn a_folder_without_weights_says_where_it_looked_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    refused(folder.path(), &["were not found", "Copy the file there", "MONDEGREEN_MODELS"]);
    refused(&folder.path().join("missing"), &["were not found", "--models DIR"]);
}

#[test]
fn damaged_weights_are_told_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = Weights::load().bytes;
    for length in [0, 5, 1_000, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(file_in(&folder), &bytes[..length]).expect("a cut file");
        refused(folder.path(), &["damaged (truncated?)", "Get it again"]);
    }
    std::fs::write(file_in(&folder), vec![b'x'; 10_000]).expect("a file of another kind");
    refused(folder.path(), &["is not a safetensors file"]);
}

#[test]
fn weights_of_something_else_say_what_does_not_fit() {
    let weights = Weights::load();
    let folder = tempfile::tempdir().expect("a folder");
    // The header is checked before any tensor is asked for: one is enough.
    let one = HashMap::from([("mean".to_owned(), (Dtype::F32, vec![1], vec![0; 4]))]);
    let cases: &[(&str, Option<&str>, &[&str])] = &[
        ("model", Some("crnn"), &["of the model crnn, not vgg13"]),
        ("model", None, &["names no model"]),
        ("sample_rate", Some("16000"), &["16000 sample rate, not 32000"]),
        ("labels", None, &["no labels"]),
        ("labels", Some("Knock, Bark"), &["labels are not a JSON list"]),
        ("labels", Some(r#"["Knock", "Knock"]"#), &["at least two labels, all different"]),
        ("pad_mode", Some("wrap"), &["pad_mode", "wrap"]),
        ("epochs", None, &["tensor mean has shape [1], not [64]"]),
    ];
    for (key, value, expected) in cases {
        let mut metadata = weights.metadata();
        match value {
            Some(value) => metadata.insert((*key).to_owned(), (*value).to_owned()),
            None => metadata.remove(*key),
        };
        write(&file_in(&folder), &one, metadata);
        refused(folder.path(), &[&["does not fit"], *expected].concat());
    }
}

#[test]
fn a_missing_extra_or_wrong_tensor_is_named() {
    let weights = Weights::load();
    let folder = tempfile::tempdir().expect("a folder");
    let check = |change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &[&str]| {
        let mut tensors = weights.tensors();
        change(&mut tensors);
        write(&file_in(&folder), &tensors, weights.metadata());
        refused(folder.path(), &[&["does not fit"], expected].concat());
    };
    check(
        &|tensors| {
            tensors.remove("blocks.2.bn1.running_var").expect("it was there");
        },
        &["tensor blocks.2.bn1.running_var [256] is missing"],
    );
    check(
        &|tensors| {
            tensors.insert("blocks.5.conv1.bias".to_owned(), (Dtype::F32, vec![2], vec![0; 8]));
        },
        &["tensor blocks.5.conv1.bias", "belongs to no part of the model"],
    );
    check(
        &|tensors| tensors.get_mut("blocks.0.conv2.weight").expect("there").1 = vec![64, 576],
        &["tensor blocks.0.conv2.weight has shape [64, 576], not [64, 64, 3, 3]"],
    );
    check(
        &|tensors| {
            tensors.insert("fc.bias".to_owned(), (Dtype::I32, vec![41], vec![0; 164]));
        },
        &["tensor fc.bias is I32, not f16 or f32"],
    );
    check(
        &|tensors| {
            let bias = &mut tensors.get_mut("fc.bias").expect("there").2;
            bias[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        },
        &["tensor fc.bias has a value that is not finite"],
    );
}

#[test]
fn the_environment_names_a_folder_too_and_the_option_goes_first() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(file_in(&folder), "no weights").expect("a file");
    let clip = bundled("tambourine");
    let mut from_environment = command(&["classify", &clip]);
    from_environment.env("MONDEGREEN_MODELS", folder.path());
    let message = finish(from_environment).message(1);
    says(&message, &[file_in(&folder).to_str().expect("UTF-8"), "damaged"]);
    let mut from_option = command(&["classify", &clip, "--models", "models-safetensors"]);
    from_option.env("MONDEGREEN_MODELS", folder.path());
    says(&finish(from_option).done(), &["Tambourine"]);
}
