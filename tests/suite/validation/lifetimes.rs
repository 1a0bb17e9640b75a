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

/// The elements within `sequence`, each whole.
fn elements(sequence: &[u8]) -> Vec<Vec<u8>> {
    let mut inside = Reader::ber(sequence).whole_sequence("sequence").unwrap();
    let mut all = Vec::new();
    while let Some(one) = inside.next_element().unwrap() {
        all.push(one.bytes().to_vec());
    }
    all
}

/// `BasicOCSPResponse` out of its envelopes (RFC 6960 §4.2.1).
fn basic_response(response: &[u8]) -> Vec<u8> {
    let mut fields = Reader::ber(response)
        .whole_sequence("OCSPResponse")
        .unwrap();
    fields.read("responseStatus").unwrap();
    let bytes = fields.read("responseBytes").unwrap();
    let mut bytes = bytes.inner_of("responseBytes").unwrap();
    let mut bytes = bytes.sequence("ResponseBytes").unwrap();
    bytes.read("responseType").unwrap();
    let response = bytes.read("response").unwrap();
    response.octets().unwrap().into_owned()
}

/// The issuer's own answer that the seal is good, with an `archiveCutoff` where one is given.
fn own_answer(cutoff: Option<&str>, at: &str) -> Object {
    let w = world();
    let id = CertId::new(&w.seal, &w.ca, DigestAlgorithm::Sha256).unwrap();
    let mut single = vec![
        id.to_der(),
        der::tlv(0x80, &[]),
        der::generalized_time(t(at)),
        der::explicit(
            0,
            &der::generalized_time(t(at).plus(Duration::from_secs(86_400))),
        ),
    ];
    if let Some(cutoff) = cutoff {
        let id = der::oid(&names::ID_PKIX_OCSP_ARCHIVE_CUTOFF);
        let value = der::octet_string(&der::generalized_time(t(cutoff)));
        single.push(der::explicit(
            1,
            &der::sequence(&[&der::sequence(&[&id, &value])]),
        ));
    }
    let responder = Responder {
        issuer: &w.ca,
        certificate: &w.ca,
        signer: &w.ca_key,
        identified_by: IdentifiedBy::Key,
        lifetime: Duration::from_secs(86_400),
    };
    let asked = ocsp_request(&id, None);
    let plain = ocsp::answer(&asked, &responder, &|_| CertStatus::Good, t(at)).unwrap();
    let read = rubrica::engine::pki::OcspResponse::from_der(&plain).unwrap();
    assert!(read.certificates().is_empty());
    // ResponseData anew: its first two fields, and the one answer.
    let data = elements(&elements(&basic_response(&plain))[0]);
    let data = der::sequence(&[
        &data[0],
        &data[1],
        &der::sequence(&[&der::sequence_of(&single)]),
    ]);
    let signature = w.ca_key.sign(&data).unwrap();
    let basic = der::sequence(&[
        &data,
        &w.ca_key.algorithm().identifier(),
        &der::bit_string(&signature.0),
    ]);
    let kind = der::oid(&names::ID_PKIX_OCSP_BASIC);
    let whole = der::sequence(&[&kind, &der::octet_string(&basic)]);
    let whole = der::sequence(&[&der::enumerated(0), &der::explicit(0, &whole)]);
    Object::new(ObjectKind::OcspResponse, whole, Origin::Given)
}

#[test]
fn a_responder_speaks_of_ended_certificates_as_far_back_as_its_archive_goes() {
    let asked = |cutoff: Option<&str>| {
        let mut case = ended(|list| list);
        case.objects.truncate(1);
        case.objects
            .push(own_answer(cutoff, "2028-03-01T11:00:00Z"));
        case
    };
    let expired = "certificate.expired";
    asked(None).fails(SubIndication::OutOfBoundsNoPoe, expired);
    asked(Some("2020-01-01T00:00:00Z")).fails(SubIndication::OutOfBoundsNotRevoked, expired);
    asked(Some("2028-02-01T00:00:00Z")).fails(SubIndication::OutOfBoundsNoPoe, expired);
}
