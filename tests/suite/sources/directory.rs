//! Revocation lists and certificates in a real directory, `slapd`.

use super::program::{self, Program};
use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rubrica::service::config::LdapSettings;
use rubrica::service::sources::{Get, LdapSource};
use std::io::{Read, Seek};
use std::process::{Command, Stdio};

/// A directory with the lists of the test authority.
struct Directory {
    _program: Program,
    folder: tempfile::TempDir,
    plain: std::net::SocketAddr,
    tls: std::net::SocketAddr,
}

fn entry(name: &str, class: &str, more: &[(&str, &[u8])]) -> String {
    let (kind, value) = name.split(',').next().unwrap().split_once('=').unwrap();
    let mut text = format!("dn: {name}\nobjectClass: {class}\n{kind}: {value}\n");
    for (attribute, value) in more {
        text.push_str(&format!("{attribute}:: {}\n", STANDARD.encode(value)));
    }
    text.push('\n');
    text
}

fn start(crl: &[u8], ca: &[u8]) -> Option<Directory> {
    let (slapd, slapadd) = (program::installed("slapd")?, program::installed("slapadd")?);
    let folder = program::folder();
    if !program::tls_certificates(folder.path()) {
        return None;
    }
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(at("data")).unwrap();
    let configuration = format!(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         TLSCACertificateFile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\npidfile {}\n\
         database mdb\nsuffix c=ES\ndirectory {}\nmaxsize 104857600\n",
        at("tls-root.pem"),
        at("tls.pem"),
        at("tls.key"),
        at("slapd.pid"),
        at("data")
    );
    std::fs::write(at("slapd.conf"), configuration).unwrap();
    let list = "certificateRevocationList;binary";
    let entries = [
        entry("c=ES", "country", &[]),
        entry("o=FNMT-RCM,c=ES", "organization", &[]),
        entry(
            "cn=CRL1,o=FNMT-RCM,c=ES",
            "cRLDistributionPoint",
            &[(list, crl)],
        ),
        entry("cn=none,o=FNMT-RCM,c=ES", "cRLDistributionPoint", &[]),
        entry(
            "cn=AC,o=FNMT-RCM,c=ES",
            "cRLDistributionPoint",
            &[],
        )
        .replace(
            "objectClass: cRLDistributionPoint\n",
            &format!(
                "objectClass: cRLDistributionPoint\nobjectClass: pkiCA\ncACertificate;binary:: {}\n",
                STANDARD.encode(ca)
            ),
        ),
        "dn: ou=elsewhere,c=ES\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://127.0.0.1:1/ou=elsewhere,c=ES\n\n".into(),
    ];
    std::fs::write(at("entries.ldif"), entries.concat()).unwrap();
    let loaded = Command::new(slapadd)
        .args(["-f", &at("slapd.conf"), "-l", &at("entries.ldif")])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(
        loaded.status.success(),
        "{}",
        String::from_utf8_lossy(&loaded.stderr)
    );
    let (plain, tls) = (program::address(), program::address());
    let urls = format!("ldap://{plain} ldaps://{tls}");
    let arguments = ["-d", "0", "-f", &at("slapd.conf"), "-h", &urls];
    let program = Program::start(&slapd, arguments, &[plain, tls]);
    Some(Directory {
        _program: program,
        folder,
        plain,
        tls,
    })
}

#[test]
fn lists_and_certificates_come_from_a_real_directory() {
    let (authority, clock) = (authority(), clock());
    let list = authority.crl("ca", now()).unwrap().unwrap();
    let ca = authority.certificate("ca").unwrap().bytes().to_vec();
    let Some(directory) = start(&list, &ca) else {
        return;
    };
    let mut settings = settings();
    settings.tls_roots = vec![directory.folder.path().join("tls-root.pem")];
    settings.ldap = vec![LdapSettings {
        under: "O=FNMT-RCM,C=ES".into(),
        server: format!("ldap://{}", directory.plain),
    }];
    let fetching = Fetching {
        client: Arc::new(Client::new(&settings).unwrap()),
        clock: clock.clone(),
    };
    let client = &fetching.client;

    // As FNMT writes it: no parentheses, and escapes; and the same under TLS.
    let path = "CN=CRL1,o=FNMT%2DRCM,C=ES?certificateRevocationList;binary?base?objectclass=cRLDistributionPoint";
    for url in [
        format!("ldap://{}/{path}", directory.plain),
        format!("ldaps://{}/{path}", directory.tls),
        format!("ldap://{}/O=FNMT-RCM,C=ES??sub?(cn=CRL*)", directory.plain),
    ] {
        assert_eq!(client.get(&url, soon()).unwrap(), list, "{url}");
        let mut file = tempfile::tempfile().unwrap();
        let get = Get {
            url: &url,
            known: None,
            most_bytes: 1 << 20,
            deadline: soon(),
        };
        client.download(&get, &mut file).unwrap();
        file.rewind().unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, list);
    }

    let url = |rest: &str| format!("ldap://{}/{rest}", directory.plain);
    for (address, kind, word) in [
        (
            url("CN=none,O=FNMT-RCM,C=ES"),
            ErrorKind::NotFound,
            "none of the attributes",
        ),
        (
            url("CN=CRL9,O=FNMT-RCM,C=ES"),
            ErrorKind::NotFound,
            "no such entry",
        ),
        (
            url("OU=elsewhere,C=ES"),
            ErrorKind::Unavailable,
            "not followed",
        ),
        (url("not a name"), ErrorKind::Unavailable, "LDAP result 34"),
    ] {
        let error = client.get(&address, soon()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.problem().contains(word), "{error}");
    }
    let get = Get {
        url: &url(path),
        known: None,
        most_bytes: 50,
        deadline: soon(),
    };
    let error = client
        .download(&get, &mut tempfile::tempfile().unwrap())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");

    // The whole way of a want: an address, and a certificate of an authority.
    let source = LdapSource::new(fetching.clone(), &settings.ldap);
    let (pool, want) = wanted(&authority, "revoked", &[], &[url(path)]);
    assert!(source.serves(&want));
    let fetched = source.fetch(&want, &pool, soon()).unwrap();
    assert_eq!(list_of(&fetched).bytes(), list);
    let issuer = Want::Issuer {
        certificate: ObjectId::of(authority.certificate("revoked").unwrap().bytes()),
        urls: vec![url("CN=AC,O=FNMT-RCM,C=ES?cACertificate;binary")],
    };
    let source = AiaSource::new(fetching.clone());
    assert!(source.serves(&issuer));
    assert_eq!(
        source.fetch(&issuer, &pool, soon()).unwrap()[0].bytes,
        ca.into()
    );
}

#[test]
fn the_guards_hold_for_directories() {
    let silent = hostile::Server::start_bytes(|_| vec![Step::Wait(Duration::from_secs(9))]);
    let http = hostile::Server::start(|_| portal());
    let guarded = Client::new(&SourceSettings::default()).unwrap();
    for url in [
        format!("ldap://127.0.0.1:{}/cn=x?a", silent.port()),
        format!("ldap://localhost:{}/cn=x?a", silent.port()),
        format!("ldaps://[::ffff:127.0.0.1]:{}/cn=x?a", silent.port()),
        "ldap://10.0.0.1/cn=x?a".into(),
    ] {
        let error = guarded.get(&url, soon()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{url}: {error}");
    }
    let open = Client::new(&settings()).unwrap();
    let begun = Instant::now();
    let error = open
        .get(
            &format!("ldap://127.0.0.1:{}/cn=x?a", silent.port()),
            soon(),
        )
        .unwrap_err();
    assert!(error.problem().contains("within 2s"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4));
    let url = format!("ldap://127.0.0.1:{}/cn=x?a", http.port());
    assert!(open.get(&url, soon()).is_err());
}

/// What a hostile directory sends after every question.
fn lying(answer: impl Fn(usize) -> Vec<u8> + Send + 'static) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(1) {
            let mut stream = stream.unwrap();
            let mut question = [0; 4096];
            for number in 0.. {
                if !matches!(stream.read(&mut question), Ok(1..)) {
                    return;
                }
                if std::io::Write::write_all(&mut stream, &answer(number)).is_err() {
                    return;
                }
            }
        }
    });
    address
}

#[test]
fn a_lying_directory_is_found_out_in_bounded_memory() {
    let bound = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec();
    let entry = b"\x30\x0b\x02\x01\x02\x64\x06\x04\x00\x30\x00\x30\x00"[..11].to_vec();
    let client = Client::new(&settings()).unwrap();
    for (what, second) in [
        (
            "a huge claim",
            b"\x30\x84\x7f\xff\xff\xff\x02\x01\x02".to_vec(),
        ),
        ("entries without end", entry.repeat(10_000)),
        ("an answer to another", bound.clone()),
        (
            "a disconnection",
            b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00".to_vec(),
        ),
        ("rubbish", vec![0xff; 64]),
        (
            "an indefinite length",
            b"\x30\x80\x02\x01\x02\x00\x00".to_vec(),
        ),
    ] {
        let first = bound.clone();
        let address = lying(move |n| {
            if n == 0 {
                first.clone()
            } else {
                second.clone()
            }
        });
        let begun = Instant::now();
        let error = client.get(&format!("ldap://{address}/cn=x?a"), soon());
        assert!(error.is_err(), "{what}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{what}");
    }
}
