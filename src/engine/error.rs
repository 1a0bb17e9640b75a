//! `Error`: we could not do the job. A bad signature is not an error, it is a verdict.
//!
//! Every error names the element at fault, the problem and the remedy, so that each edge (`http/problem.rs`,
//! `cli/exit.rs`) can print it without knowing where it came from. Personal data never goes into an error.

use std::borrow::Cow;
use std::fmt;

/// The result of everything that can fail for want of a readable input or a working part.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Text = Cow<'static, str>;

/// What kind of failure it is. The edges map each kind once to an HTTP status and an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input does not follow its own format.
    Malformed,
    /// The input is sound, but uses something that this version does not handle.
    Unsupported,
    /// A limit on size, depth, count or time was met.
    LimitExceeded,
    /// The request is understood and refused by a rule: an expired seal, a permission of the document.
    Refused,
    /// A value of the request is missing or impossible.
    InvalidRequest,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// Nothing is there under that name.
    NotFound,
    /// The request contradicts what is already kept.
    Conflict,
    /// Too many requests in too short a time.
    RateLimited,
    /// Something needed did not answer: a time-stamping authority, a token, the store.
    Unavailable,
    /// The product contradicts itself. Always a defect.
    Internal,
}

/// We could not do the job: which element, what is wrong with it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    element: Text,
    problem: Text,
    remedy: Option<Text>,
    offset: Option<u64>,
}

impl Error {
    /// An error of `kind` about `element`.
    pub fn new(kind: ErrorKind, element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error {
            kind,
            element: element.into(),
            problem: problem.into(),
            remedy: None,
            offset: None,
        }
    }

    /// [`ErrorKind::Malformed`].
    pub fn malformed(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::Malformed, element, problem)
    }

    /// [`ErrorKind::Unsupported`].
    pub fn unsupported(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::Unsupported, element, problem)
    }

    /// [`ErrorKind::LimitExceeded`].
    pub fn limit(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::LimitExceeded, element, problem)
    }

    /// [`ErrorKind::Refused`].
    pub fn refused(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::Refused, element, problem)
    }

    /// [`ErrorKind::InvalidRequest`].
    pub fn invalid(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::InvalidRequest, element, problem)
    }

    /// [`ErrorKind::NotFound`].
    pub fn not_found(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::NotFound, element, problem)
    }

    /// [`ErrorKind::Unavailable`].
    pub fn unavailable(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::Unavailable, element, problem)
    }

    /// [`ErrorKind::Internal`].
    pub fn internal(element: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Error::new(ErrorKind::Internal, element, problem)
    }

    /// Says what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Text>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Says at which byte of the input it was found.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The element at fault: a field, a file, an object of the document.
    pub fn element(&self) -> &str {
        &self.element
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do about it, where something can be done.
    pub fn remedy_text(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// The byte of the input at which it was found.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.element, self.problem)?;
        if let Some(offset) = self.offset {
            write!(f, " (at byte {offset})")?;
        }
        match &self.remedy {
            Some(remedy) => write!(f, ". {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_element_problem_place_and_remedy() {
        let error = Error::malformed("PDF trailer", "startxref is missing")
            .at(42)
            .remedy("Send the original file.");
        assert_eq!(
            error.to_string(),
            "PDF trailer: startxref is missing (at byte 42). Send the original file."
        );
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
}
