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
}

impl Tab {
    /// All tabs, in their order.
    pub const ALL: [Self; 3] = [Self::Lab, Self::Compare, Self::Listen];

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Lab => "Lab",
            Self::Compare => "Compare",
            Self::Listen => "Listen",
        }
    }

    /// What it is for.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Lab => "One clip, one model, one attack: seen, heard and measured (Ctrl 1)",
            Self::Compare => "Every attack against every model on this clip, side by side (Ctrl 2)",
            Self::Listen => "Blind tests: can people hear the change? (Ctrl 3)",
        }
    }
}
