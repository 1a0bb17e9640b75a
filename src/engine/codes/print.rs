//! The block "REFERENCIAS ELECTRÓNICAS" that every page bears, and the address behind its QR.
//!
//! RD 203/2021 art. 21.2.c: code and address of the sede preferably on every page. The address holds id and date, which are
//! not secret; never a group.

use super::{Cea, CodeId};
use crate::engine::register::CodeBlock;
use jiff::civil::Date;

/// The block of one page, as label and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedBlock {
    /// `REFERENCIAS ELECTRÓNICAS`.
    pub title: &'static str,
    /// `Id. CEA:`, `Fecha:`, `Código CEA:`, `Página:` and what follows each.
    pub fields: [(&'static str, String); 4],
}

/// The block of `page`, counted from 1.
pub fn print(cea: &Cea, page: u32) -> PrintedBlock {
    PrintedBlock {
        title: "REFERENCIAS ELECTRÓNICAS",
        fields: [
            ("Id. CEA:", cea.id.to_string()),
            ("Fecha:", cea.date.strftime("%d/%m/%Y").to_string()),
            ("Código CEA:", cea.code.groups().join("-")),
            ("Página:", page.to_string()),
        ],
    }
}

/// The page of the sede that checks this CEA: `base` with id and date filled in.
///
/// ```
/// use rubrica::engine::codes::{CodeId, verification_url};
/// let url = verification_url("https://sede.example/verificar/codigo", &CodeId::new("2AAAA5DA5AA9")?, jiff::civil::date(2026, 2, 5));
/// assert_eq!(url, "https://sede.example/verificar/codigo?id=2AAAA5DA5AA9&fecha=2026-02-05");
/// # Ok::<(), rubrica::engine::Error>(())
/// ```
pub fn verification_url(base: &str, id: &CodeId, date: Date) -> String {
    let joint = if base.contains('?') { '&' } else { '?' };
    format!("{base}{joint}id={id}&fecha={date}")
}

impl Cea {
    /// The block in the form that the composer of receipts takes; `base` is the address of the checking page.
    pub fn block(&self, base: &str) -> CodeBlock {
        CodeBlock {
            id: self.id.to_string(),
            date: self.date,
            code: self.code.groups().join("-"),
            verification_url: verification_url(base, &self.id, self.date),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_block_has_the_layout_of_the_documents() {
        let cea = Cea::derive(&[0x5A; Cea::RANDOM], date(2026, 9, 4));
        let block = print(&cea, 3);
        let [id, day, code, page] = block.fields.map(|(_, v)| v);
        assert_eq!(
            (id.len(), day.as_str(), page.as_str()),
            (12, "04/09/2026", "3")
        );
        assert_eq!((code.len(), code.matches('-').count()), (35, 5));
    }

    #[test]
    fn the_address_holds_no_group() {
        let cea = Cea::derive(&[0x5A; Cea::RANDOM], date(2026, 9, 4));
        let block = cea.block("https://sede.example/v?lang=es");
        assert!(
            cea.code
                .groups()
                .iter()
                .all(|g| !block.verification_url.contains(g))
        );
        assert!(block.verification_url.contains("?lang=es&id="));
    }
}
