//! Any bytes as BER: every element walked, every constructed one entered, every primitive read in each of its types.
#![no_main]

use rubrica::engine::syntax::asn1::Reader;

fn walk(mut reader: Reader<'_>) {
    while let Ok(Some(element)) = reader.next_element() {
        let _ = (
            element.integer(),
            element.oid(),
            element.octets(),
            element.bits(),
            element.time(),
        );
        let _ = (element.text(), element.boolean(), element.u64());
        if element.constructed() {
            walk(element.inner());
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    walk(Reader::ber(bytes));
    walk(Reader::der(bytes));
});
