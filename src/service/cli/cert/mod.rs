//! `rubrica cert …`: questions about certificates.

mod check;
mod inspect;

use super::exit::Exit;
use crate::engine::Result;

verbs_below! {
    Check(check::Arguments) check::run, "Say whether certificates are good: 0 they are, 1 one is not, 2 one could not be checked";
    Inspect(inspect::Arguments) inspect::run, "Say what certificates say: whom they name, of what class, whether they are qualified, and what is odd in them";
}
