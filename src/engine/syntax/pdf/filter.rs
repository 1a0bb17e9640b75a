//! Stream filters that a reader of structure needs: Flate and LZW with their predictors, ASCII85, ASCIIHex, RunLength.
//!
//! ISO 32000-2 §7.4. In: encoded bytes and the stream's dictionary; out: decoded bytes, never more than `limit` and
//! always counted against the decoded-bytes budget while they are produced, not after. Not here: image filters, which no
//! structure of a file may use, and `Crypt`.

use super::object::{Dictionary, Name, Object, is_white_space};
use super::parser::hex_value;
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use flate2::{Decompress, FlushDecompress, Status};

/// Filters in a row; a chain of 2 occurs, more than a handful is an attack on the reader.
const FILTERS: usize = 8;
const CHUNK: usize = 32 * 1024;

/// One filter of a stream and its parameters.
#[derive(Debug, Clone)]
pub struct Filter {
    name: Name,
    parameters: Dictionary,
}

/// The filters of a stream in the order of decoding, from `/Filter` and `/DecodeParms` whose references `resolve` follows.
pub fn filters(
    dictionary: &Dictionary,
    mut resolve: impl FnMut(&Object) -> Result<Object>,
) -> Result<Vec<Filter>> {
    let list = |object: Object| match object {
        Object::Array(items) => items,
        Object::Null => Vec::new(),
        other => vec![other],
    };
    let mut value = |key| {
        let found = dictionary.get(key).unwrap_or(&Object::Null);
        resolve(found).map(list)
    };
    let names = value("Filter")?;
    let parameters = value("DecodeParms")?;
    if names.len() > FILTERS {
        return Err(malformed("too many filters on one stream"));
    }
    let mut chain = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let Object::Name(name) = resolve(name)? else {
            return Err(malformed("/Filter must be a name or an array of names"));
        };
        let parameters = match parameters.get(index).map(&mut resolve).transpose()? {
            Some(Object::Dictionary(dictionary)) => dictionary,
            None | Some(Object::Null) => Dictionary::new(),
            Some(_) => return Err(malformed("/DecodeParms must be a dictionary")),
        };
        chain.push(Filter { name, parameters });
    }
    Ok(chain)
}

/// Applies `filters` in turn; fails as soon as a step would give more than `limit` bytes.
pub fn decode(
    data: &[u8],
    filters: &[Filter],
    limit: usize,
    budget: &mut Budget,
) -> Result<Vec<u8>> {
    let mut output = Output {
        bytes: Vec::new(),
        limit,
        budget,
    };
    let Some((first, rest)) = filters.split_first() else {
        output.extend(data)?;
        return Ok(output.bytes);
    };
    first.apply(data, &mut output)?;
    for filter in rest {
        let input = std::mem::take(&mut output.bytes);
        filter.apply(&input, &mut output)?;
    }
    Ok(output.bytes)
}

fn malformed(problem: &'static str) -> Error {
    Error::malformed("PDF stream", problem)
}

/// Decoded bytes that know their bound.
struct Output<'b> {
    bytes: Vec<u8>,
    limit: usize,
    budget: &'b mut Budget,
}

impl Output<'_> {
    fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.claim(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Counts `n` more bytes before they are produced.
    fn claim(&mut self, n: usize) -> Result<()> {
        if self.bytes.len() + n > self.limit {
            return Err(Error::limit(
                "PDF stream",
                format!("decodes to more than {} bytes", self.limit),
            ));
        }
        self.budget.decoded(n as u64)
    }
}

impl Filter {
    fn apply(&self, data: &[u8], output: &mut Output<'_>) -> Result<()> {
        match self.name.as_bytes() {
            b"FlateDecode" | b"Fl" => flate(data, output)?,
            b"LZWDecode" | b"LZW" => lzw(data, self.integer("EarlyChange", 1)? != 0, output)?,
            b"ASCII85Decode" | b"A85" => return ascii85(data, output),
            b"ASCIIHexDecode" | b"AHx" => return ascii_hex(data, output),
            b"RunLengthDecode" | b"RL" => return run_length(data, output),
            _ => {
                return Err(Error::unsupported(
                    "PDF stream",
                    "a filter that structure may not use",
                ));
            }
        }
        self.undo_predictor(output)
    }

    fn integer(&self, key: &str, default: i64) -> Result<i64> {
        match self.parameters.get(key) {
            None => Ok(default),
            Some(Object::Integer(value)) => Ok(*value),
            Some(_) => Err(malformed("a parameter in /DecodeParms is no integer")),
        }
    }

    /// §7.4.4.4, in place.
    fn undo_predictor(&self, output: &mut Output<'_>) -> Result<()> {
        let predictor = self.integer("Predictor", 1)?;
        if predictor < 2 {
            return Ok(());
        }
        let colors = self.integer("Colors", 1)?;
        let bits = self.integer("BitsPerComponent", 8)?;
        let columns = self.integer("Columns", 1)?;
        if !(1..=32).contains(&colors)
            || ![1, 2, 4, 8, 16].contains(&bits)
            || !(1..=1 << 24).contains(&columns)
        {
            return Err(malformed("impossible predictor parameters"));
        }
        // The bounds above keep these below 2^34.
        let row = usize::try_from((colors * bits * columns + 7) / 8).unwrap_or(usize::MAX);
        let pixel = usize::try_from((colors * bits + 7) / 8).unwrap_or(1);
        match predictor {
            2 if bits == 8 => {
                for line in output.bytes.chunks_mut(row) {
                    for at in pixel..line.len() {
                        line[at] = line[at].wrapping_add(line[at - pixel]);
                    }
                }
                Ok(())
            }
            2 => Err(Error::unsupported(
                "PDF stream",
                "the TIFF predictor on components that are no bytes",
            )),
            10..=15 => png(&mut output.bytes, row, pixel),
            _ => Err(malformed("unknown predictor")),
        }
    }
}

/// §7.4.4.
fn flate(data: &[u8], output: &mut Output<'_>) -> Result<()> {
    let mut inflate = Decompress::new(true);
    let mut chunk = vec![0; CHUNK];
    loop {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let rest = usize::try_from(read)
            .ok()
            .and_then(|read| data.get(read..))
            .unwrap_or_default();
        let status = inflate
            .decompress(rest, &mut chunk, FlushDecompress::None)
            .map_err(|_| malformed("the Flate data is damaged"))?;
        let produced = usize::try_from(inflate.total_out() - written).unwrap_or(0);
        output.extend(chunk.get(..produced).unwrap_or_default())?;
        if status == Status::StreamEnd {
            return Ok(());
        }
        if produced == 0 && inflate.total_in() == read {
            return Err(malformed("the Flate data ends too early"));
        }
    }
}

/// §7.4.4.2: codes of 9 to 12 bits, most significant first; 256 clears the table, 257 ends the data.
fn lzw(data: &[u8], early: bool, output: &mut Output<'_>) -> Result<()> {
    // Each code above 257 is a prefix code and one byte more.
    let mut table: Vec<(u16, u8)> = Vec::with_capacity(4096 - 258);
    let (mut buffer, mut bits, mut width) = (0_u32, 0_u32, 9_u32);
    let mut previous: Option<u16> = None;
    let mut word = Vec::new();
    for &byte in data {
        buffer = buffer << 8 | u32::from(byte);
        bits += 8;
        if bits < width {
            continue;
        }
        bits -= width;
        let code = (buffer >> bits & ((1 << width) - 1)) as u16;
        buffer &= (1 << bits) - 1;
        match code {
            256 => {
                table.clear();
                (width, previous) = (9, None);
                continue;
            }
            257 => return Ok(()),
            _ => {}
        }
        let next = 258 + table.len();
        word.clear();
        match previous {
            _ if usize::from(code) < next => spell(&table, code, &mut word),
            Some(before) if usize::from(code) == next => {
                spell(&table, before, &mut word);
                let first = word.first().copied().unwrap_or_default();
                word.push(first);
            }
            _ => return Err(malformed("the LZW data is damaged")),
        }
        output.extend(&word)?;
        if let (Some(before), Some(&first)) = (previous, word.first())
            && next < 4096
        {
            table.push((before, first));
        }
        previous = Some(code);
        width = match 258 + table.len() + usize::from(early) {
            0..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        };
    }
    Ok(())
}

/// The bytes that an LZW code stands for.
fn spell(table: &[(u16, u8)], mut code: u16, word: &mut Vec<u8>) {
    while let Some(&(prefix, last)) = usize::from(code)
        .checked_sub(258)
        .and_then(|i| table.get(i))
    {
        word.push(last);
        code = prefix;
    }
    word.push((code & 0xff) as u8);
    word.reverse();
}

/// §7.4.3.
fn ascii85(data: &[u8], output: &mut Output<'_>) -> Result<()> {
    let mut group = [0_u8; 5];
    let mut length = 0;
    for &byte in data.iter().filter(|b| !is_white_space(**b)) {
        match byte {
            b'~' => break,
            b'z' if length == 0 => output.extend(&[0; 4])?,
            b'!'..=b'u' => {
                group[length] = byte - b'!';
                length += 1;
                if length == 5 {
                    output.extend(&group_of_five(group)?)?;
                    length = 0;
                }
            }
            _ => return Err(malformed("the ASCII85 data is damaged")),
        }
    }
    match length {
        0 => Ok(()),
        1 => Err(malformed("the ASCII85 data ends in half a group")),
        _ => {
            group[length..].fill(84);
            output.extend(&group_of_five(group)?[..length - 1])
        }
    }
}

fn group_of_five(group: [u8; 5]) -> Result<[u8; 4]> {
    let value = group.iter().fold(0_u64, |v, d| v * 85 + u64::from(*d));
    u32::try_from(value)
        .map(u32::to_be_bytes)
        .map_err(|_| malformed("an ASCII85 group is too large"))
}

/// §7.4.2.
fn ascii_hex(data: &[u8], output: &mut Output<'_>) -> Result<()> {
    let mut high = None;
    for &byte in data.iter().filter(|b| !is_white_space(**b)) {
        if byte == b'>' {
            break;
        }
        let digit = hex_value(byte).ok_or_else(|| malformed("the ASCIIHex data is damaged"))?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => output.extend(&[high << 4 | digit])?,
        }
    }
    high.map_or(Ok(()), |high| output.extend(&[high << 4]))
}

/// §7.4.5.
fn run_length(mut data: &[u8], output: &mut Output<'_>) -> Result<()> {
    while let Some((&length, rest)) = data.split_first() {
        let cut = || malformed("the RunLength data ends too early");
        data = match length {
            128 => return Ok(()),
            0..128 => {
                let (run, rest) = rest
                    .split_at_checked(usize::from(length) + 1)
                    .ok_or_else(cut)?;
                output.extend(run)?;
                rest
            }
            129.. => {
                let (&byte, rest) = rest.split_first().ok_or_else(cut)?;
                let run = [byte; 128];
                output.extend(&run[..257 - usize::from(length)])?;
                rest
            }
        };
    }
    Ok(())
}

/// The PNG filters (ISO/IEC 15948 §9): each row is led by its filter's number; rows are moved down over those numbers.
fn png(bytes: &mut Vec<u8>, row: usize, pixel: usize) -> Result<()> {
    let (mut read, mut write) = (0, 0);
    while read < bytes.len() {
        let kind = bytes[read];
        let length = row.min(bytes.len() - read - 1);
        for column in 0..length {
            let at = write + column;
            let left = if column >= pixel {
                bytes[at - pixel]
            } else {
                0
            };
            let up = if write > 0 { bytes[at - row] } else { 0 };
            let corner = if write > 0 && column >= pixel {
                bytes[at - row - pixel]
            } else {
                0
            };
            let predicted = match kind {
                0 => 0,
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                4 => paeth(left, up, corner),
                _ => return Err(malformed("unknown PNG row filter")),
            };
            bytes[at] = bytes[read + 1 + column].wrapping_add(predicted);
        }
        read += 1 + length;
        write += length;
    }
    bytes.truncate(write);
    Ok(())
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let estimate = a + b - c;
    let (da, db, dc) = (
        (estimate - a).abs(),
        (estimate - b).abs(),
        (estimate - c).abs(),
    );
    if da <= db && da <= dc {
        left
    } else if db <= dc {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limits::Limits;
    use std::io::Write;

    fn run(dictionary: &Dictionary, data: &[u8]) -> Result<Vec<u8>> {
        let filters = filters(dictionary, |o| Ok(o.clone()))?;
        decode(data, &filters, 1 << 20, &mut Budget::default())
    }

    fn with(name: &str, data: &[u8]) -> Result<Vec<u8>> {
        run(&Dictionary::new().with("Filter", Object::name(name)), data)
    }

    fn deflate(data: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn each_filter_decodes() {
        assert_eq!(with("FlateDecode", &deflate(b"hello")).unwrap(), b"hello");
        assert_eq!(
            with("ASCIIHexDecode", b"48 65 6c6C 6f7>").unwrap(),
            b"Hellop"
        );
        assert_eq!(
            with("ASCII85Decode", b"87cURD]i,\"Ebo80~>").unwrap(),
            b"Hello World!"
        );
        assert_eq!(with("ASCII85Decode", b"z!!~>").unwrap(), [0, 0, 0, 0, 0]);
        assert_eq!(
            with("RunLengthDecode", &[2, b'a', b'b', b'c', 254, b'x', 128, 9]).unwrap(),
            b"abcxxx"
        );
        // The example of ISO 32000-2 §7.4.4.2.
        let lzw = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        assert_eq!(
            with("LZWDecode", &lzw).unwrap(),
            [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]
        );
    }

    #[test]
    fn lzw_widens_its_codes() {
        // Every code a literal: the table grows by one with each, and the width with it.
        let text: Vec<u8> = (0..3000_u32).map(|i| (i * 7 % 251) as u8).collect();
        for early in [0, 1] {
            let (mut bits, mut table, mut width) = (Vec::new(), 258_u32, 9);
            let mut first = true;
            for &byte in &text {
                (0..width)
                    .rev()
                    .for_each(|b| bits.push(u32::from(byte) >> b & 1));
                if !first {
                    table = (table + 1).min(4096);
                }
                first = false;
                width = match table + early {
                    0..512 => 9,
                    512..1024 => 10,
                    1024..2048 => 11,
                    _ => 12,
                };
            }
            (0..width).rev().for_each(|b| bits.push(257 >> b & 1));
            let data: Vec<u8> = bits
                .chunks(8)
                .map(|c| (0..8).fold(0, |v, i| v << 1 | *c.get(i).unwrap_or(&0) as u8))
                .collect();
            let dictionary = Dictionary::new()
                .with("Filter", Object::name("LZWDecode"))
                .with(
                    "DecodeParms",
                    Dictionary::new().with("EarlyChange", i64::from(early)),
                );
            assert_eq!(run(&dictionary, &data).unwrap(), text);
        }
    }

    #[test]
    fn predictors_are_undone() {
        let rows = [
            &[0_u8, 1, 2, 3][..],
            &[1, 1, 1, 1],
            &[2, 1, 1, 1],
            &[3, 2, 2, 2],
            &[4, 1, 1, 1],
        ]
        .concat();
        let parameters = |p: i64| {
            Dictionary::new()
                .with("Filter", vec![Object::name("FlateDecode")])
                .with(
                    "DecodeParms",
                    vec![
                        Dictionary::new()
                            .with("Predictor", p)
                            .with("Columns", 3)
                            .into(),
                    ],
                )
        };
        assert_eq!(
            run(&parameters(12), &deflate(&rows)).unwrap(),
            [1, 2, 3, 1, 2, 3, 2, 3, 4, 3, 5, 6, 4, 6, 7]
        );
        assert_eq!(
            run(&parameters(2), &deflate(&[1, 1, 1, 5, 1, 1])).unwrap(),
            [1, 2, 3, 5, 6, 7]
        );
        assert!(run(&parameters(12), &deflate(&[9, 1, 2, 3])).is_err());
        assert!(run(&parameters(7), &deflate(&[9, 1, 2, 3])).is_err());
    }

    #[test]
    fn damage_is_an_error() {
        assert!(with("FlateDecode", b"nonsense").is_err());
        assert!(with("FlateDecode", &deflate(&[7; 5000])[..10]).is_err());
        assert!(with("ASCIIHexDecode", b"4x>").is_err());
        assert!(with("ASCII85Decode", b"v~>").is_err());
        assert!(with("ASCII85Decode", b"uuuuu~>").is_err());
        assert!(with("RunLengthDecode", &[5, 1]).is_err());
        assert!(with("LZWDecode", &[0xff, 0xff]).is_err());
        assert!(with("DCTDecode", b"").is_err());
    }

    #[test]
    fn a_bomb_is_stopped_while_it_swells() {
        let bomb = deflate(&vec![0; 8 << 20]);
        assert_eq!(
            with("FlateDecode", &bomb).unwrap_err().element(),
            "PDF stream"
        );
        let mut budget = Limits {
            decoded_bytes: 1000,
            ..Limits::default()
        }
        .budget();
        let filters = filters(
            &Dictionary::new().with("Filter", Object::name("FlateDecode")),
            |o| Ok(o.clone()),
        )
        .unwrap();
        let error = decode(&bomb, &filters, usize::MAX, &mut budget).unwrap_err();
        assert_eq!(error.element(), "limits.decoded_bytes");
        let many = Object::Array(vec![Object::name("FlateDecode"); 9]);
        assert!(run(&Dictionary::new().with("Filter", many), b"").is_err());
    }
}
