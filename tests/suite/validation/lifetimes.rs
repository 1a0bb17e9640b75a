//! What is said of certificates whose time is over, and of those of which nothing is ever said.

use super::*;
use rubrica::engine::pki::CertificateList;

/// The list, with one more extension, signed again.
fn with_extension(list: &Object, id: &Oid, value: &[u8]) -> Object {
    let w = world();
    let mut outer = Reader::ber(&list.bytes)
        .whole_sequence("CertificateList")
        .unwrap();
    let mut fields = outer.sequence("tbsCertList").unwrap();
    let mut parts = Vec::new();
    while let Some(field) = fields.next_element().unwrap() {
        parts.push(field);
    }
    let extensions = parts.pop().unwrap();
    let mut each = extensions.inner_of("crlExtensions").unwrap();
    let mut each = each.sequence("Extensions").unwrap();
    let mut all = vec![der::sequence(&[&der::oid(id), &der::octet_string(value)])];
    while let Some(one) = each.next_element().unwrap() {
        all.push(one.bytes().to_vec());
    }
    let mut tbs: Vec<Vec<u8>> = parts.iter().map(|field| field.bytes().to_vec()).collect();
    tbs.push(der::explicit(0, &der::sequence_of(&all)));
    let tbs = der::sequence_of(&tbs);
    let signature = w.ca_key.sign(&tbs).unwrap();
    let bytes = der::sequence(&[
        &tbs,
        &w.ca_key.algorithm().identifier(),
        &der::bit_string(&signature.0),
    ]);
    let read = CertificateList::from_der(&bytes).unwrap();
    Object::new(
        ObjectKind::CertificateRevocationList,
        read.bytes(),
        Origin::Given,
    )
}

/// Judged after the seal's end on 2027-12-31, by a list from after it.
fn ended(change: impl Fn(Object) -> Object) -> Case {
    let w = world();
    let (from, to) = ("2028-03-01T11:00:00Z", "2028-03-08T11:00:00Z");
    let of_the_authority = list(&w.ca, &w.ca_key, &[], None, from, to);
    let mut case = good();
    case.now = "2028-03-01T12:00:00Z";
    case.objects = vec![
        list(&w.root, &w.root_key, &[], None, from, to),
        change(of_the_authority),
    ];
    case
}

#[test]
fn a_list_speaks_of_ended_certificates_as_far_back_as_it_says_to_keep_them() {
    let expired = "certificate.expired";
    // Issuers may drop what has ended: its absence says nothing (X.509 §9.5.2.9, unchecked).
    ended(|list| list).fails(SubIndication::OutOfBoundsNoPoe, expired);
    let kept = |since: &'static str| {
        ended(move |list| {
            with_extension(
                &list,
                &names::ID_CE_EXPIRED_CERTS_ON_CRL,
                &der::generalized_time(t(since)),
            )
        })
    };
    kept("2020-01-01T00:00:00Z").fails(SubIndication::OutOfBoundsNotRevoked, expired);
    kept("2028-02-01T00:00:00Z").fails(SubIndication::OutOfBoundsNoPoe, expired);
}

#[test]
fn of_some_certificates_nobody_asks_whether_they_are_revoked() {
    let w = world();
    let exempt = |id: Oid, value: Vec<u8>, more: Vec<Extension>| {
        let mut case = good();
        let mut profile = seal_profile();
        profile.extensions = vec![
            signing(),
            Extension {
                id,
                critical: false,
                value,
            },
        ];
        profile.extensions.extend(more);
        case.seal = certify(&profile, &w.seal_key, &w.ca, &w.ca_key);
        // The root's list about the authority alone.
        case.objects.truncate(1);
        case
    };
    let null = || der::null();
    exempt(names::ID_CE_NO_REV_AVAIL, null(), Vec::new()).passes();
    exempt(names::ID_ETSI_EXT_VALASSURED_ST_CERTS, null(), Vec::new()).passes();
    // RFC 9608 §3: beside a place to ask it does not count, nor does another extension in its stead.
    let place = ext::crl_distribution_points(&["http://crl.example/ca.crl"]);
    let beside = exempt(names::ID_CE_NO_REV_AVAIL, null(), vec![place]);
    beside.fails(SubIndication::TryLater, "revocation.missing");
    exempt(Oid::new(&[1, 2, 3, 4]), null(), Vec::new())
        .fails(SubIndication::TryLater, "revocation.missing");
}
