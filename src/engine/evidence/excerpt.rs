//! Excerpts of revocation lists in evidence that leaves the machine: their lists go with them, and are asked again when it
//! comes back.
//!
//! Inside, an excerpt is as good as the index that made it. From outside it is believed when the list itself is there, has
//! the SHA-256 and the signature that the excerpt says, and says the same of the same certificate.

use super::object::{Bytes, ObjectId, ObjectKind};
use super::{Evidence, Pool};
use crate::engine::error::{Error, Result};
use crate::engine::pki::crl::RevocationList;
use crate::engine::pki::revocation::index::{Excerpt, index_in_memory};
use std::collections::{BTreeMap, BTreeSet};

/// Whoever keeps the lists that excerpts were made from.
pub trait Originals {
    /// The list whose bytes have this SHA-256.
    fn list(&self, id: &ObjectId) -> Option<Bytes>;
}

/// Nobody keeps any.
impl Originals for () {
    fn list(&self, _: &ObjectId) -> Option<Bytes> {
        None
    }
}

/// The lists of all excerpts, each once. Whoever reads the evidence leaves out the excerpts of one that is not kept any more.
pub(super) fn joined(evidence: &Evidence, originals: &dyn Originals) -> Vec<Bytes> {
    let mut wanted = BTreeSet::new();
    each_pool(evidence, &mut |pool| {
        let excerpts = pool.of_kind(ObjectKind::RevocationListExcerpt);
        wanted.extend(
            excerpts
                .flat_map(|(_, object)| Excerpt::from_der(&object.bytes))
                .map(|e| ObjectId(e.id())),
        );
    });
    wanted.iter().filter_map(|id| originals.list(id)).collect()
}

fn each_pool(evidence: &Evidence, each: &mut impl FnMut(&Pool)) {
    each(&evidence.pool);
    evidence
        .inside
        .iter()
        .for_each(|nested| each_pool(&nested.evidence, each));
}

/// Leaves out excerpts without their list, and fails where one says anything else than its list.
pub(super) fn check_excerpts(evidence: &mut Evidence, lists: &[Bytes]) -> Result<()> {
    let lists: BTreeMap<ObjectId, &Bytes> = lists
        .iter()
        .map(|list| (ObjectId::of(list), list))
        .collect();
    let mut of_list: BTreeMap<ObjectId, Vec<Excerpt>> = BTreeMap::new();
    each_pool(evidence, &mut |pool| {
        for (_, object) in pool.of_kind(ObjectKind::RevocationListExcerpt) {
            if let Ok(excerpt) = Excerpt::from_der(&object.bytes) {
                of_list
                    .entry(ObjectId(excerpt.id()))
                    .or_default()
                    .push(excerpt);
            }
        }
    });
    for (id, excerpts) in &of_list {
        let Some(list) = lists.get(id) else {
            continue;
        };
        let index = index_in_memory(list, excerpts[0].spki()).map_err(|_| disagrees())?;
        if !excerpts.iter().all(|excerpt| excerpt.agrees(&index)) {
            return Err(disagrees());
        }
    }
    leave_out(evidence, &|excerpt| {
        lists.contains_key(&ObjectId(excerpt.id()))
    });
    Ok(())
}

fn leave_out(evidence: &mut Evidence, keep: &impl Fn(&Excerpt) -> bool) {
    evidence.pool.retain(|object| {
        object.kind != ObjectKind::RevocationListExcerpt
            || Excerpt::from_der(&object.bytes).is_ok_and(|excerpt| keep(&excerpt))
    });
    evidence
        .inside
        .iter_mut()
        .for_each(|nested| leave_out(&mut nested.evidence, keep));
}

fn disagrees() -> Error {
    Error::malformed(
        "evidence file",
        "an excerpt of a revocation list says anything else than the list",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Judgement;
    use super::super::{Object, Origin, export, import};
    use super::*;
    use crate::engine::pki::{Certificate, CertificateList};

    fn file(name: &str) -> Vec<u8> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/test");
        std::fs::read(folder.join(name)).unwrap()
    }

    struct Kept(Bytes);

    impl Originals for Kept {
        fn list(&self, id: &ObjectId) -> Option<Bytes> {
            (ObjectId::of(&self.0) == *id).then(|| self.0.clone())
        }
    }

    /// Evidence with an excerpt about each of these serial numbers, and its list.
    fn evidence(serials: &[Vec<u8>]) -> (Evidence, Kept) {
        let list = CertificateList::from_pem_or_der(&file("ca.crl")).unwrap();
        let issuer = Certificate::from_pem_or_der(&file("ca.pem"))
            .unwrap()
            .remove(0);
        let index = index_in_memory(list.bytes(), issuer.spki()).unwrap();
        let mut evidence = Evidence::new("PAdES", b"document");
        for serial in serials {
            let excerpt = Excerpt::of(&index, issuer.subject(), serial).unwrap();
            evidence.pool.add(Object::new(
                ObjectKind::RevocationListExcerpt,
                excerpt.to_der(),
                Origin::Given,
            ));
        }
        (evidence, Kept(list.bytes().to_vec().into()))
    }

    fn revoked() -> Vec<u8> {
        let list = CertificateList::from_pem_or_der(&file("ca.crl")).unwrap();
        list.entries()
            .next_entry()
            .unwrap()
            .unwrap()
            .serial
            .to_vec()
    }

    #[test]
    fn excerpts_come_back_with_their_list_and_not_without() {
        let (evidence, kept) = evidence(&[revoked(), vec![5, 5]]);
        let bytes = export(&evidence, Judgement::default(), &kept).unwrap();
        assert_eq!(import(&bytes).unwrap().0, evidence);
        let without = export(&evidence, Judgement::default(), &()).unwrap();
        assert!(import(&without).unwrap().0.pool.is_empty());
    }

    #[test]
    fn an_excerpt_that_hides_a_revocation_is_found_out() {
        let (evidence, kept) = evidence(&[vec![5, 5]]);
        let text =
            String::from_utf8(export(&evidence, Judgement::default(), &kept).unwrap()).unwrap();
        let (_, object) = evidence.pool.iter().next().unwrap();
        let mut forged = object.bytes.to_vec();
        // The same excerpt, about the revoked certificate: absent as that of the other.
        let serial = revoked();
        let at = forged.len() - 4;
        assert_eq!(forged[at..], [2, 2, 5, 5]);
        forged.truncate(at);
        forged.extend([2, serial.len() as u8]);
        forged.extend(&serial);
        let length = forged.len() - 4;
        forged[2..4].copy_from_slice(&(length as u16).to_be_bytes());
        assert!(
            Excerpt::from_der(&forged)
                .unwrap()
                .entry(
                    &Excerpt::from_der(&forged)
                        .unwrap()
                        .header()
                        .issuer()
                        .clone(),
                    &serial
                )
                .unwrap()
                .is_none()
        );
        let mut lying = Evidence::new("PAdES", b"document");
        lying.pool.add(Object::new(
            ObjectKind::RevocationListExcerpt,
            forged,
            Origin::Given,
        ));
        let bytes = export(&lying, Judgement::default(), &kept).unwrap();
        assert!(import(&bytes).unwrap_err().problem().contains("excerpt"));
        assert!(import(text.as_bytes()).is_ok());
    }
}
