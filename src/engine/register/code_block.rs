//! What the composer needs to know of a CEA to print it on every page.

use jiff::civil::Date;

/// The block "REFERENCIAS ELECTRÓNICAS"; the page is added as pages are made.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// Id. CEA.
    pub id: String,
    /// Date of generation.
    pub date: Date,
    /// Six groups joined by hyphens. Secret: it stands in the sealed document alone.
    pub code: String,
    /// What the QR says: the checking page with id and date.
    pub verification_url: String,
}

impl std::fmt::Debug for CodeBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeBlock")
            .field("id", &self.id)
            .field("date", &self.date)
            .finish_non_exhaustive()
    }
}
