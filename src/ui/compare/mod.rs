//! Compare: every attack against every model on one clip, in one go.
//!
//! [`Comparison`] is the state; [`CompareUi`] shows it. Each row is an ordinary attack whose result
//! is kept beside all others of the Lab.

mod choices;
mod columns;
mod comparison;
mod layout;
mod table;
mod thumbnails;

pub use comparison::Comparison;
pub use layout::CompareUi;
