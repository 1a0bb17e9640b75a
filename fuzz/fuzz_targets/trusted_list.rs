//! Any bytes as a trusted list: its services asked about, its criteria, its anchors.
#![no_main]

use rubrica::engine::limits::Limits;
use rubrica::engine::pki::trust::{
    Authenticity, Listing, ServiceType, TrustedList, TrustedLists, pivots,
};
use std::sync::Arc;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut budget = Limits {
        steps: 1_000_000,
        ..Limits::default()
    }
    .budget();
    let Ok(list) = TrustedList::read(bytes, &mut budget) else {
        return;
    };
    let _ = pivots(&list, None);
    let certificates: Vec<_> = list
        .services()
        .flat_map(|(_, s)| s.certificates())
        .cloned()
        .collect();
    for certificate in &certificates {
        let states = list.services().flat_map(|(_, s)| &s.states);
        for one in states.flat_map(|state| &state.qualifications).take(64) {
            let _ = one.criteria.is_met_by(certificate);
        }
    }
    let lists = TrustedLists::new(vec![Listing {
        list: Arc::new(list),
        authenticity: Authenticity::Vouched,
    }]);
    let _ = lists.anchors(&[ServiceType::CaQc, ServiceType::TsaQtst]);
});
