//! The tabs of the window.

/// One tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// One clip, one model, one attack.
    #[default]
    Lab,
    /// One clip, many models, many attacks.
    Compare,
    /// Blind listening tests.
    Listen,
    /// The paper's experiments on a data set.
    Experiments,
}

impl Tab {
    /// All tabs, in their order.
    pub const ALL: [Self; 4] = [Self::Lab, Self::Compare, Self::Listen, Self::Experiments];

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Lab => "Lab",
            Self::Compare => "Compare",
            Self::Experiments => "Experiments",
            Self::Listen => "Listen",
        }
    }

    /// What it is for.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Lab => "One clip, one model, one attack: seen, heard and measured (Ctrl 1)",
            Self::Compare => "Every attack against every model on this clip, side by side (Ctrl 2)",
            Self::Experiments => {
                "The paper's experiments on a data set: started, watched, resumed and read (Ctrl 4)"
            }
            Self::Listen => "Blind tests: can people hear the change? (Ctrl 3)",
        }
    }
}
