//! What each step says, what it does, and what it points at.

use crate::assets::BUNDLED;
use crate::attacks::AttackId;
use crate::audio::player::Side;
use crate::models::ModelId;
use crate::ui::UiCommand;
use crate::ui::lab::Place;
use crate::ui::tab::Tab;

/// One step of the tour.
pub struct Step {
    /// Its headline.
    pub title: &'static str,
    /// What it teaches.
    pub text: &'static str,
    /// What it points at; none for the whole window.
    pub place: Option<Place>,
    /// What is done when it begins.
    pub acts: fn() -> Vec<UiCommand>,
}

fn glockenspiel() -> Option<UiCommand> {
    let index = BUNDLED.iter().position(|clip| clip.name == "Glockenspiel")?;
    Some(UiCommand::OpenBundled(index))
}

/// The first step that attacks.
pub const FIRST_ATTACK: usize = 4;

/// The steps in their order.
pub const STEPS: [Step; 10] = [
    Step {
        title: "A machine that names sounds",
        text: "A short recording of a glockenspiel is on the desk. Five neural networks have \
               learnt to tell 41 kinds of sounds apart. We shall make one of them mishear it, by a \
               change that you will hardly notice.",
        place: Some(Place::Clip),
        acts: || {
            let first = [UiCommand::ShowTab(Tab::Lab), UiCommand::SetPanes([true, true, false])];
            let model = [UiCommand::ChooseModel(ModelId::Vgg13.into()), UiCommand::SetTarget(None)];
            first.into_iter().chain(model).chain(glockenspiel()).collect()
        },
    },
    Step {
        title: "Sound as a picture",
        text: "The spectrogram shows time from left to right and pitch from bottom to top; what is \
               bright is loud. Each stroke is a bright line that fades away. Move the pointer over \
               it to read time, frequency and level.",
        place: Some(Place::Pictures),
        acts: || vec![UiCommand::ResetView],
    },
    Step {
        title: "Listen to it",
        text: "The line runs over the picture as you hear the sound. The networks see nearly the \
               same picture, with fewer and broader bands; no network hears anything.",
        place: Some(Place::Transport),
        acts: || {
            let side = UiCommand::Listen(Side::Original);
            vec![UiCommand::Pause, side, UiCommand::Seek(0.0), UiCommand::Play]
        },
    },
    Step {
        title: "What the network hears",
        text: "It gives every label a probability; the largest is its answer. It is sure of the \
               glockenspiel. Confidence is not the same as being right, as you will see.",
        place: Some(Place::Confidences),
        acts: || vec![UiCommand::Pause],
    },
    Step {
        title: "Does noise fool it?",
        text: "White noise was added, 20 dB below the sound: a tenth of its amplitude. You hear it \
               at once (key B), and the network hears the glockenspiel all the same. Chance does \
               not fool it.",
        place: Some(Place::Pictures),
        acts: || vec![UiCommand::ChooseAttack(AttackId::WhiteNoise), UiCommand::Attack],
    },
    Step {
        title: "Now on purpose",
        text: "An attack asks the network for its gradient: which tiny change of each of the \
               96 000 samples would make it doubt most? It takes such steps until the answer tips \
               over. Watch both curves: confidence falls, and the change becomes smaller.",
        place: Some(Place::Curves),
        acts: || vec![UiCommand::ChooseAttack(AttackId::CarliniWagner), UiCommand::Attack],
    },
    Step {
        title: "Can you hear it?",
        text: "Press A for the original and B for the adversarial sound while it plays; the switch \
               is exact to the sample. D plays the change alone, much louder. Let the class guess.",
        place: Some(Place::Transport),
        acts: || {
            let side = UiCommand::Listen(Side::Adversarial);
            vec![UiCommand::SetLooping(true), side, UiCommand::Seek(0.0), UiCommand::Play]
        },
    },
    Step {
        title: "Where is the change?",
        text: "The third picture shows the change alone, on a range of its own. It hides in the \
               quiet gaps: the network listens to the logarithm of loudness, where a whisper in \
               silence counts as much as a stroke.",
        place: Some(Place::Pictures),
        acts: || vec![UiCommand::Pause, UiCommand::SetPanes([true, true, true])],
    },
    Step {
        title: "How small is it?",
        text: "The SNR compares the powers of sound and change: every 20 dB the change is ten times \
               smaller. The noise-to-mask ratio asks the ear instead: far below 0 dB the sound \
               itself covers the change.",
        place: Some(Place::Outcome),
        acts: || vec![UiCommand::SetPanes([true, true, false])],
    },
    Step {
        title: "Your turn",
        text: "Do the other networks fall for it, too (the list of models)? Does it survive MP3 \
               (what survives)? Choose a target of your own, or record the class, and press \
               Attack. The Compare tab runs all attacks against all networks.",
        place: Some(Place::AttackButton),
        acts: || vec![UiCommand::SetTarget(Some("Tearing".to_owned()))],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Labels;

    #[test]
    fn nothing_is_attacked_before_its_story_says_so() {
        let attacks = |step: &Step| (step.acts)().contains(&UiCommand::Attack);
        assert_eq!(STEPS.iter().position(attacks), Some(FIRST_ATTACK));
    }

    #[test]
    fn the_tour_opens_its_clip_and_aims_at_a_label_that_there_is() {
        let acts: Vec<_> = STEPS.iter().flat_map(|step| (step.acts)()).collect();
        assert!(acts.iter().any(|act| matches!(act, UiCommand::OpenBundled(_))));
        for act in acts {
            if let UiCommand::SetTarget(Some(target)) = act {
                assert!(Labels::fsdkaggle2018().index_of(&target).is_some(), "{target}");
            }
        }
    }
}
