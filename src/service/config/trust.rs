//! `[trust]`: whom signatures are checked against.

use crate::engine::evidence::ObjectId;
use crate::engine::pki::trust::ServiceType;
use crate::engine::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[trust]`: whom signatures are checked against.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// Files (PEM or DER) and folders of trust anchors.
    pub anchors: Vec<PathBuf>,
    /// Files and folders of those of the anchors whose certificates are qualified by the operator's word, where no trusted
    /// list says so.
    pub qualified: Vec<PathBuf>,
    /// Files and folders of further certificates that paths may be built with.
    pub certificates: Vec<PathBuf>,
    /// Files and folders of revocation lists.
    pub crls: Vec<PathBuf>,
    /// Anchors of the past.
    pub historical: Vec<HistoricalAnchor>,
    /// Trusted lists; without this table none is used.
    pub lists: Option<ListSettings>,
}

/// `[[trust.historical]]`: a certificate that was trusted from when to when, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HistoricalAnchor {
    /// Its file, PEM or DER, of one certificate.
    pub certificate: PathBuf,
    /// The first instant at which it is trusted.
    pub from: Time,
    /// The first instant at which it is not any more.
    pub until: Time,
    /// Where it was taken from and why it was trusted; reports show it.
    pub provenance: String,
}

/// `[trust.lists]`: trusted lists (TS 119 612).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListSettings {
    /// Where the list of the lists is, or one list; without it nothing is fetched.
    pub url: Option<String>,
    /// Which of the lists of a list of lists are used: `ES`. None for all.
    pub territories: Vec<String>,
    /// Files of lists, read at the start.
    pub files: Vec<PathBuf>,
    /// SHA-256 of lists that the operator vouches for.
    pub vouched: Vec<ObjectId>,
    /// The publication in the Official Journal that the list of the lists must name.
    pub journal_publication: Option<String>,
    /// Types of service that are anchors: `CA/QC`.
    pub services: Vec<String>,
    /// How often is asked for newer lists.
    pub every_hours: u64,
}

impl Default for ListSettings {
    fn default() -> Self {
        ListSettings {
            url: None,
            territories: Vec::new(),
            files: Vec::new(),
            vouched: Vec::new(),
            journal_publication: None,
            services: ["CA/QC", "NationalRootCA-QC", "TSA/QTST", "TSA/TSS-QC"]
                .map(String::from)
                .into(),
            every_hours: 6,
        }
    }
}

impl Trust {
    /// Every path, so that relative ones can be made to start at the configuration's folder.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let lists = self.lists.iter_mut();
        self.anchors
            .iter_mut()
            .chain(&mut self.qualified)
            .chain(&mut self.certificates)
            .chain(&mut self.crls)
            .chain(self.historical.iter_mut().map(|one| &mut one.certificate))
            .chain(lists.flat_map(|lists| &mut lists.files))
    }
}

impl ListSettings {
    /// The types of service that are anchors. Errors: one that is not known.
    pub fn service_types(&self) -> Result<Vec<ServiceType>> {
        let one = |name: &String| {
            ServiceType::from_name(name).ok_or_else(|| {
                Error::invalid(
                    "trust.lists.services",
                    format!("{name:?} is not a type of service that anchors are taken from"),
                )
                .remedy("Write short names such as CA/QC, CA/PKC, TSA/QTST or TSA.")
            })
        };
        self.services.iter().map(one).collect()
    }
}
