//! Targets that no straight way leads to: a cowbell's 0.3 s, a third of it silence, as a cello.

use std::sync::Arc;

use mondegreen::attacks::{AttackId, AttackSpec, Goal, Preset, Status};
use mondegreen::models::Classifier as _;

use crate::{VGG13, bundled, check, go_on, problem};

#[test]
fn a_cello_is_heard_in_the_first_strike_of_a_cowbell() {
    let whole = bundled("Cowbell");
    let clip: Arc<[f32]> = whole[..9600].into();
    let target = VGG13.labels().find("Cello").unwrap();
    for id in [AttackId::CarliniWagner, AttackId::Lbfgs] {
        let spec = AttackSpec { preset: Preset::Quick, ..AttackSpec::new(id) };
        let problem = problem(&clip, Goal::Targeted(target));
        let outcome = spec.build().run(&*VGG13, &problem, &mut go_on);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
        check(&*VGG13, &problem, &outcome);
    }
}
