//! Any text as an LDAP address; what is read makes a request.
#![no_main]

use rubrica::engine::syntax::ldap::{LdapUrl, Search, message_length};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(url) = LdapUrl::parse(text) {
        let search = Search {
            url: &url,
            entries: 1,
            seconds: 1,
        };
        let request = search.request(1);
        assert_eq!(message_length(&request).unwrap(), Some(request.len() as u64));
    }
});
