//! ZIP archives: what is in one (`read`), and a new one (`write`).
//!
//! APPNOTE.TXT 6.3.10 (the ZIP file format), within the bounds of EN 319 162-1 §A.1 for ASiC containers: methods 0 and
//! 8, one disk, no encryption, no ZIP64. In: bytes. Out: entries whose central and local headers agree, or an archive
//! that any tool opens. Not here: what the entries mean (`formats::asic`, `register::acuse`).

mod name;
mod read;
mod write;

pub use name::check_name;
pub use read::{Archive, Entry};
pub use write::Writer;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END_RECORD: u32 = 0x0605_4b50;
const DATA_DESCRIPTOR: u32 = 0x0807_4b50;

const LOCAL_HEADER_LENGTH: usize = 30;
const CENTRAL_HEADER_LENGTH: usize = 46;
const END_RECORD_LENGTH: usize = 22;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// General purpose bit 11: the name is UTF-8 (APPNOTE §4.4.4).
const FLAG_UTF8: u16 = 1 << 11;

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
