//! The jobs, a page each, every line a stage: sign, validate, receive a request, check a certificate.

mod augment;
mod certificate_desk;
mod check_certificate;
mod check_code;
mod citizen;
mod compose;
mod made;
mod owed;
mod parameters;
pub mod receive;
pub mod request;
mod seal_pdf;
mod sign;
mod signing_desk;
mod streamed;
mod timestamp;
pub mod two_step;
mod validate;

pub use augment::{Augmented, Augmenter, Raise};
pub use certificate_desk::{
    CertificateDesk, Checked, JudgedCertificate, Key, News, Noting, Question, settle_certificate,
};
pub use check_certificate::{check_seal, revocation};
pub use check_code::{CodeDesk, Outcome, Ticket, Typed};
pub use citizen::CitizenSignatures;
pub use compose::{CODE_PAGE, SealedReceipts};
pub use owed::{DebtDesk, Settled, described_debt};
pub use parameters::{
    Baseline, Beside, ExplicitPolicy, FormatName, Hints, NamedPolicy, Packaging, Parameters, Place,
    PolicyWanted, PropertiesWanted, Raising, WhenUnavailable,
};
pub use seal_pdf::{CodeIssue, CodeWish, Issued, SealDesk, Wish};
pub use sign::{Order, Sealed, Timestamping, seal};
pub use signing_desk::{Signed, SigningDesk, ToSign};
pub use streamed::StreamedFile;
pub use timestamp::{
    CheckedToken, ToBeStamped, TokenFacts, check_timestamp, imprint_of, stamped_digest, timestamp,
};
pub use validate::{Submitted, Validated, settle, validate};
