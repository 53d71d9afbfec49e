//! Every attack on each of the five networks.

use std::path::Path;
use std::sync::Arc;

use mondegreen::attacks::{AttackId, AttackSpec, Goal, Status};
use mondegreen::models::{ModelId, ModelLibrary, ModelSource};

use crate::{bundled, check, go_on, problem};

/// A search short enough for a test.
fn short(id: AttackId) -> AttackSpec {
    let (searches, iterations) = match id {
        AttackId::CarliniWagner | AttackId::MaskedCarliniWagner => (Some(2), Some(20)),
        AttackId::Lbfgs => (Some(2), Some(40)),
        AttackId::BayesOpt => (None, Some(60)),
        AttackId::Pgd => (None, Some(5)),
        _ => (None, None),
    };
    AttackSpec { searches, iterations, ..AttackSpec::new(id) }
}

#[test]
fn every_attack_works_on_every_network() {
    let clip: Arc<[f32]> = bundled("Snare drum")[..8_000].into();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors");
    let mut library = ModelLibrary::new(vec![directory], candle_core::Device::Cpu);
    for model in ModelId::ALL {
        let classifier = library.get(&ModelSource::Named(model)).expect("the bundled weights");
        let heard = classifier.classify(&clip).unwrap().ranked(2);
        for id in AttackId::ALL {
            let goal =
                if id == AttackId::Lbfgs { Goal::Targeted(heard[1].0) } else { Goal::Untargeted };
            let problem = problem(&clip, goal);
            let run = || short(id).build().run(classifier.as_ref(), &problem, &mut go_on);
            let outcome = run();
            check(classifier.as_ref(), &problem, &outcome);
            let failed = matches!(outcome.status, Status::Failed(_));
            assert!(!failed, "{id:?} on {model:?}: {:?}", outcome.status);
            // The others may well fail to fool, being so short.
            if matches!(id, AttackId::Deepfool | AttackId::CarliniWagner) {
                assert_eq!(outcome.status, Status::Fooled, "{id:?} on {model:?}");
            }
            if id == AttackId::Deepfool {
                assert_eq!(run().samples, outcome.samples, "{model:?}");
            }
        }
    }
}
