//! Answers time-stamp requests (RFC 3161 §2.4.2, RFC 5816; EN 319 422 §5 for the profile).
//!
//! In: the request as received, the authority, the serial number of the token and the time. Out: a `TimeStampResp`
//! whatever happens, and beside it how it ended, for whoever counts and logs. Serial numbers, the clock and whether two
//! tokens may have one time are the caller's. Reading and checking responses is `pki::timestamp`.

mod request;
mod token;

use crate::engine::crypto::{DigestAlgorithm, Signer};
use crate::engine::error::{Error, Result};
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::pki::timestamp::response_of;
use crate::engine::syntax::asn1::{Oid, der, names};
use crate::engine::time::Time;
use request::Request;
use std::fmt;
use std::time::Duration;

/// The digests that an authority may be set up to stamp: those that TS 119 312 still recommends.
pub const DIGESTS: &[DigestAlgorithm] = &[
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
    DigestAlgorithm::Sha3_256,
    DigestAlgorithm::Sha3_384,
    DigestAlgorithm::Sha3_512,
];

/// Who stamps.
pub struct Authority<'a> {
    /// Its certificate, whose only and critical extended key usage is `id-kp-timeStamping` (§2.3).
    pub certificate: &'a Certificate,
    /// What else goes into a token when certificates are asked for: its issuers.
    pub chain: &'a [Certificate],
    /// Its key.
    pub signer: &'a dyn Signer,
    /// The policies it stamps under, the first where the request names none.
    pub policies: &'a [Oid],
    /// The digests it stamps.
    pub digests: &'a [DigestAlgorithm],
    /// How far its clock may be off.
    pub accuracy: Option<Duration>,
    /// Whether any two of its tokens can be ordered by their times alone.
    pub ordering: bool,
    /// Whether tokens state its name, the subject of its certificate, in `tsa`.
    pub named: bool,
    /// Whether tokens state that they are qualified (EN 319 422 §9.1).
    pub qualified: bool,
    /// The digest by which a token names the certificate: `ESSCertIDv2`, and with SHA-1 `ESSCertID` as before RFC 5816.
    pub reference: DigestAlgorithm,
}

impl fmt::Debug for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("policies", &self.policies)
            .field("algorithm", &self.signer.algorithm())
            .finish_non_exhaustive()
    }
}

/// `PKIFailureInfo` (§2.4.2): the bit that says why nothing was stamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Failure {
    BadAlg = 0,
    BadRequest = 2,
    BadDataFormat = 5,
    TimeNotAvailable = 14,
    UnacceptedPolicy = 15,
    UnacceptedExtension = 16,
    AddInfoNotAvailable = 17,
    SystemFailure = 25,
}

impl Failure {
    /// Its name in RFC 3161.
    pub fn name(self) -> &'static str {
        match self {
            Failure::BadAlg => "badAlg",
            Failure::BadRequest => "badRequest",
            Failure::BadDataFormat => "badDataFormat",
            Failure::TimeNotAvailable => "timeNotAvailable",
            Failure::UnacceptedPolicy => "unacceptedPolicy",
            Failure::UnacceptedExtension => "unacceptedExtension",
            Failure::AddInfoNotAvailable => "addInfoNotAvailable",
            Failure::SystemFailure => "systemFailure",
        }
    }
}

/// What a requester is sent, and how it came out.
#[derive(Debug)]
pub struct Answer {
    /// A `TimeStampResp`.
    pub response: Vec<u8>,
    /// `None` where it holds a token.
    pub failure: Option<Failure>,
    /// What is wrong with the authority itself, where that is why; the requester is not told.
    pub fault: Option<Error>,
}

impl Answer {
    fn rejected(failure: Failure, why: &str) -> Answer {
        Answer {
            response: reject(failure, why),
            failure: Some(failure),
            fault: None,
        }
    }

    /// The answer of an authority that cannot stamp for this reason, which is for its operator.
    pub fn failed(fault: Error) -> Answer {
        Answer {
            fault: Some(fault),
            ..Answer::rejected(
                Failure::SystemFailure,
                "the authority cannot stamp at the moment",
            )
        }
    }
}

/// The response that stamps nothing.
pub fn reject(failure: Failure, why: &str) -> Vec<u8> {
    let text = der::sequence(&[&der::utf8_string(why)]);
    let status = [&*der::integer(2), &text, &der::named_bits(&[failure as u8])];
    der::sequence(&[&der::sequence(&status)])
}

/// The answer to `request`; a token has `serial` (magnitude, at most 20 octets, never used before). `now` is asked once,
/// and only for what is going to be stamped; it answers `None` where the clock cannot be relied upon. Whether the certificate
/// may stamp is not asked here: [`Authority::check`].
pub fn answer(
    request: &[u8],
    authority: &Authority<'_>,
    serial: &[u8],
    now: impl FnOnce() -> Option<Time>,
) -> Answer {
    let accepted = match Request::read(request).and_then(|asked| asked.accepted_by(authority)) {
        Ok(accepted) => accepted,
        Err((failure, why)) => return Answer::rejected(failure, why),
    };
    let Some(now) = now() else {
        let why = "the authority's clock is not within its accuracy";
        return Answer::rejected(Failure::TimeNotAvailable, why);
    };
    match token::stamp(&accepted, authority, serial, now) {
        Ok(token) => Answer {
            response: response_of(&token),
            failure: None,
            fault: None,
        },
        Err(fault) => Answer::failed(fault),
    }
}

impl Authority<'_> {
    /// Refuses to stamp at `now` with a certificate that verifiers would refuse (§2.3), a key of another kind than the
    /// certificate's, or without a policy.
    pub fn check(&self, now: Time) -> Result<()> {
        let certificate = self.certificate;
        let critical = certificate
            .extension(&names::ID_CE_EXT_KEY_USAGE)
            .is_some_and(|extension| extension.critical);
        if certificate.extended_key_usage() != [names::ID_KP_TIME_STAMPING] || !critical {
            return refused("its extended key usage is not critical and time-stamping alone");
        }
        let usage = certificate.key_usage();
        if usage.is_some_and(|usage| !is_for_signatures(usage)) {
            return refused("its key usage is not for signatures");
        }
        let validity = certificate.validity();
        if now < validity.not_before || now > validity.not_after {
            return refused("it is not valid now");
        }
        if certificate.public_key()?.kind() != self.signer.algorithm().key_kind() {
            return refused("the key is of another kind than it");
        }
        if self.policies.is_empty() {
            return Err(Error::invalid("time-stamping policies", "there is none")
                .remedy("Name the policy that the authority stamps under."));
        }
        Ok(())
    }
}

/// RFC 5280 §4.2.1.12: time-stamping goes with digitalSignature or nonRepudiation.
fn is_for_signatures(usage: KeyUsage) -> bool {
    usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
}

fn refused(problem: &'static str) -> Result<()> {
    Err(
        Error::refused("certificate of the time-stamping authority", problem)
            .remedy("Have one issued for time-stamping (RFC 3161 §2.3)."),
    )
}

#[cfg(test)]
mod tests {
    use super::super::extension as ext;
    use super::super::test::{Pki, now, pki};
    use super::*;
    use crate::engine::crypto::{
        SignatureAlgorithm, SignatureInput, SignatureValue, digest, sha256,
    };
    use crate::engine::pki::cms::ess_certificates;
    use crate::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
    use crate::engine::syntax::asn1::{Reader, Tlv};

    const POLICY: Oid = Oid::new(&[2, 999, 1]);
    const OTHER: Oid = Oid::new(&[2, 999, 2]);

    fn made() -> Pki {
        pki(vec![ext::extended_key_usage(
            &[names::ID_KP_TIME_STAMPING],
            true,
        )])
    }

    fn authority(pki: &Pki) -> Authority<'_> {
        Authority {
            certificate: &pki.certificate,
            chain: std::slice::from_ref(&pki.ca),
            signer: &pki.key,
            policies: &[POLICY, OTHER],
            digests: &[DigestAlgorithm::Sha256, DigestAlgorithm::Sha512],
            accuracy: Some(Duration::from_micros(1_000_250)),
            ordering: true,
            named: true,
            qualified: false,
            reference: DigestAlgorithm::Sha256,
        }
    }

    fn request() -> TimestampRequest {
        TimestampRequest {
            message_imprint: MessageImprint {
                algorithm: DigestAlgorithm::Sha256,
                digest: sha256(b"acuse").to_vec(),
            },
            policy: None,
            nonce: Some(vec![0x7f, 2, 3, 4, 5, 6, 7, 8]),
            certificates: true,
        }
    }

    /// The response at `now`.
    fn respond(request: &[u8], authority: &Authority<'_>, serial: &[u8], now: Time) -> Vec<u8> {
        answer(request, authority, serial, || Some(now)).response
    }

    #[test]
    fn a_token_says_what_was_asked_and_the_authority_signed_it() {
        let pki = made();
        let now = now().plus(Duration::from_micros(120_900));
        let response = respond(&request().to_der(), &authority(&pki), &[0x80, 1], now);
        let token = read_response(&response, &request()).unwrap();
        let info = token.tst_info();
        assert_eq!(info.gen_time, now.truncated_to_milliseconds());
        assert_eq!(info.policy, POLICY);
        assert_eq!(info.serial, [0, 0x80, 1]);
        assert_eq!(info.accuracy, Some(Duration::from_micros(1_000_250)));
        assert!(info.ordering);
        let data = token.signed_data();
        assert_eq!(data.certificates().len(), 2);
        let signer = &data.signer_infos()[0];
        assert!(signer.sid.names(&pki.certificate));
        let attributes = signer.signed_attributes.as_ref().unwrap();
        let named = ess_certificates(attributes).unwrap();
        assert_eq!(named[0].digest, pki.certificate.fingerprint());
        let digest = attributes.single(&names::ID_MESSAGE_DIGEST).unwrap();
        assert_eq!(
            digest.unwrap().octets().unwrap(),
            data.content_digest(DigestAlgorithm::Sha256).unwrap()
        );
        assert!(pki.certificate.public_key().unwrap().verify(
            signer.signature_algorithm.clone().unwrap(),
            SignatureInput::Message(&signer.signed_attributes_der().unwrap()),
            &signer.signature
        ));
    }

    #[test]
    fn certificates_and_policy_come_as_asked_and_the_imprint_keeps_its_parameters() {
        let pki = made();
        let mut asked = request();
        (asked.certificates, asked.policy, asked.nonce) = (false, Some(OTHER), None);
        let bytes = respond(&asked.to_der(), &authority(&pki), &[1], now());
        let token = read_response(&bytes, &asked).unwrap();
        assert!(token.signed_data().certificates().is_empty());
        assert_eq!(token.tst_info().policy, OTHER);
        let with_null = asked.message_imprint.to_der();
        let bare = der::sequence(&[
            &DigestAlgorithm::Sha256.identifier(),
            &der::octet_string(&asked.message_imprint.digest),
        ]);
        let bare_request = der::sequence(&[&der::integer(1), &bare]);
        let bytes = respond(&bare_request, &authority(&pki), &[2], now());
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|w| w == part);
        assert!(holds(&bytes, &bare) && !holds(&bytes, &with_null));
    }

    fn failure_of(response: &[u8]) -> u8 {
        let mut fields = Reader::der(response)
            .sequence("TimeStampResp")
            .unwrap()
            .sequence("PKIStatusInfo")
            .unwrap();
        assert_eq!(fields.read("status").unwrap().u64().unwrap(), 2);
        fields.read("statusString").unwrap();
        let (bits, _) = fields.read("failInfo").unwrap().bits().unwrap();
        let byte = bits.iter().position(|b| *b != 0).unwrap();
        (byte * 8) as u8 + bits[byte].leading_zeros() as u8
    }

    #[test]
    fn a_request_with_any_byte_changed_or_its_end_missing_gets_an_answer() {
        let pki = made();
        let good = request().to_der();
        for at in 0..good.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = good.clone();
                changed[at] ^= flip;
                let response = respond(&changed, &authority(&pki), &[1], now());
                let stamped = read_response(&response, &request()).is_ok();
                // Only the wish for certificates may change without the token being for another request.
                assert!(!stamped || at >= good.len() - 3, "byte {at}");
                let response = respond(&good[..at], &authority(&pki), &[1], now());
                assert!(read_response(&response, &request()).is_err());
            }
        }
    }

    #[test]
    fn what_cannot_be_stamped_is_rejected_with_its_reason() {
        let pki = made();
        let with = |change: &dyn Fn(&mut TimestampRequest)| {
            let mut asked = request();
            change(&mut asked);
            asked.to_der()
        };
        let imprint = request().message_imprint.to_der();
        let junk = der::sequence(&[
            Tlv::whole(Reader::der(&imprint), "imprint")
                .unwrap()
                .content(),
            &der::null(),
        ]);
        let extensions = der::implicit(0, &der::sequence(&[]));
        for (bytes, expected) in [
            (Vec::new(), Failure::BadDataFormat),
            (b"<html></html>".to_vec(), Failure::BadDataFormat),
            (request().to_der()[..40].to_vec(), Failure::BadDataFormat),
            (
                der::sequence(&[&der::integer(2), &imprint]),
                Failure::BadRequest,
            ),
            (
                der::sequence(&[&der::integer(1), &imprint, &der::utf8_string("x")]),
                Failure::BadRequest,
            ),
            (
                der::sequence(&[&der::integer(1), &imprint, &extensions]),
                Failure::UnacceptedExtension,
            ),
            (
                der::sequence(&[&der::integer(1), &junk]),
                Failure::BadDataFormat,
            ),
            (
                with(&|r| r.message_imprint.algorithm = DigestAlgorithm::Sha1),
                Failure::BadAlg,
            ),
            (
                with(&|r| r.message_imprint.digest.truncate(31)),
                Failure::BadDataFormat,
            ),
            (
                with(&|r| r.policy = Some(Oid::new(&[2, 999, 3]))),
                Failure::UnacceptedPolicy,
            ),
        ] {
            let response = respond(&bytes, &authority(&pki), &[1], now());
            assert_eq!(failure_of(&response), expected as u8, "{expected:?}");
            assert!(read_response(&response, &request()).is_err());
        }
    }

    fn given<'a>(pki: &'a Pki, change: impl FnOnce(&mut Authority<'a>)) -> Vec<u8> {
        let mut authority = authority(pki);
        change(&mut authority);
        respond(&request().to_der(), &authority, &[7], now())
    }

    fn holds(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|w| w == part)
    }

    #[test]
    fn the_certificate_is_named_by_the_digest_that_is_configured() {
        let pki = made();
        for algorithm in [
            DigestAlgorithm::Sha1,
            DigestAlgorithm::Sha256,
            DigestAlgorithm::Sha512,
        ] {
            let response = given(&pki, |a| a.reference = algorithm);
            let token = read_response(&response, &request()).unwrap();
            let signer = &token.signed_data().signer_infos()[0];
            let attributes = signer.signed_attributes.as_ref().unwrap();
            let old = attributes.count(&names::ID_AA_SIGNING_CERTIFICATE);
            assert_eq!(old, usize::from(algorithm == DigestAlgorithm::Sha1));
            let named = ess_certificates(attributes).unwrap();
            assert_eq!(named[0].digest_algorithm, algorithm);
            let hash = digest(algorithm, pki.certificate.bytes());
            assert_eq!(named[0].digest, hash);
            let (issuer, serial) = named[0].issuer_serial.clone().unwrap();
            assert_eq!(issuer.bytes(), pki.certificate.issuer().bytes());
            assert_eq!(serial, pki.certificate.serial());
        }
    }

    #[test]
    fn name_and_qualification_are_stated_where_they_are_configured() {
        let pki = made();
        let tsa = der::explicit(0, &der::explicit(4, pki.certificate.subject().bytes()));
        let statement = der::oid(&names::ID_ETSI_TSTS_EU_Q_COMPLIANCE);
        for (named, qualified) in [(false, false), (true, true)] {
            let response = given(&pki, |a| (a.named, a.qualified) = (named, qualified));
            let token = read_response(&response, &request()).unwrap();
            let info = token.signed_data().content().unwrap();
            assert_eq!(holds(&info, &tsa), named);
            assert_eq!(holds(&info, &statement), qualified);
        }
    }

    struct Broken;

    impl Signer for Broken {
        fn algorithm(&self) -> SignatureAlgorithm {
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)
        }

        fn sign(&self, _: &[u8]) -> Result<SignatureValue> {
            Err(Error::unavailable("token", "is locked"))
        }
    }

    #[test]
    fn an_authority_that_cannot_stamp_says_so_and_keeps_why_to_itself() {
        let good = made();
        let with = |extensions| pki(extensions);
        let others = [names::ID_KP_TIME_STAMPING, names::ID_KP_EMAIL_PROTECTION];
        let sole = |critical| ext::extended_key_usage(&others[..1], critical);
        let encipherment = ext::key_usage(&[KeyUsage::KEY_ENCIPHERMENT]);
        for wrong in [
            with(Vec::new()),
            with(vec![sole(false)]),
            with(vec![ext::extended_key_usage(&others, true)]),
            with(vec![sole(true), encipherment]),
        ] {
            assert!(authority(&wrong).check(now()).is_err());
        }
        authority(&good).check(now()).unwrap();
        assert_eq!(failure_of(&given(&good, |a| a.signer = &Broken)), 25);
        assert_eq!(failure_of(&given(&good, |a| a.digests = &[])), 0);
        let later = good.certificate.validity().not_after.plus_years(1);
        let asked = request().to_der();
        let fault = authority(&good).check(later).unwrap_err();
        assert!(fault.problem().contains("not valid now"));
        let answered = Answer::failed(fault);
        assert_eq!(answered.failure, Some(Failure::SystemFailure));
        assert!(!holds(&answered.response, b"not valid now"));
        let answered = answer(&asked, &authority(&good), &[1], || None);
        assert_eq!(answered.failure, Some(Failure::TimeNotAvailable));
        assert_eq!(failure_of(&answered.response), 14);
        for serial in [&[0; 20][..], &[0xff; 20]] {
            let answered = answer(&asked, &authority(&good), serial, || Some(now()));
            assert_eq!(answered.failure, Some(Failure::SystemFailure));
        }
    }

    #[test]
    fn a_request_has_its_fields_once_and_in_their_order() {
        let pki = made();
        let imprint = request().message_imprint.to_der();
        let (policy, nonce, wish) = (der::oid(&OTHER), der::integer(5), der::boolean(true));
        let one = der::integer(1);
        let good = der::sequence(&[&one, &imprint, &policy, &nonce, &wish]);
        let failure = |bytes: &[u8]| answer(bytes, &authority(&pki), &[1], || Some(now())).failure;
        assert_eq!(failure(&good), None);
        let negative = der::tlv(2, &[0x80]);
        assert_eq!(failure(&der::sequence(&[&one, &imprint, &negative])), None);
        let written_false = der::boolean(false);
        assert_eq!(
            failure(&der::sequence(&[&one, &imprint, &written_false])),
            None
        );
        for bad in [
            vec![&one, &imprint, &nonce, &policy],
            vec![&one, &imprint, &nonce, &nonce],
            vec![&one, &imprint, &wish, &wish],
        ] {
            let bad: Vec<_> = bad.into_iter().map(Vec::as_slice).collect();
            assert_eq!(failure(&der::sequence(&bad)), Some(Failure::BadRequest));
        }
        let long = der::tlv(2, &[1; 65]);
        assert_eq!(
            failure(&der::sequence(&[&one, &imprint, &long])),
            Some(Failure::BadRequest)
        );
        let behind = [good, vec![0]].concat();
        assert_eq!(failure(&behind), Some(Failure::BadDataFormat));
    }
}
