//! Small files in each style of cross-reference, for tests. All say the title "uno" in object 3.

const OBJECTS: &[(u32, &str)] = &[
    (1, "<</Type/Catalog/Pages 2 0 R>>"),
    (2, "<</Type/Pages/Count 1/Kids[4 0 R]>>"),
    (3, "<</Title(uno)>>"),
    (
        4,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 5 0 R>>",
    ),
    (5, "<</Length 7>>stream\n0 0 m S\nendstream"),
];
const TRAILER: &str = "/Root 1 0 R/Info 3 0 R/ID[<00><0102>]";

fn put(out: &mut Vec<u8>, text: &str) -> usize {
    let at = out.len();
    out.extend_from_slice(text.as_bytes());
    at
}

fn object(out: &mut Vec<u8>, number: u32, body: &str) -> usize {
    put(out, &format!("{number} 0 obj\n{body}\nendobj\n"))
}

fn end(out: &mut Vec<u8>, start: usize) {
    put(out, &format!("startxref\n{start}\n%%EOF\n"));
}

/// A table of consecutive numbers, 0 for a free one, and its trailer.
fn table(out: &mut Vec<u8>, first: usize, offsets: &[usize], trailer: &str) -> usize {
    let at = put(out, &format!("xref\n{first} {}\n", offsets.len()));
    for offset in offsets {
        match offset {
            0 => put(out, "0000000000 65535 f \n"),
            _ => put(out, &format!("{offset:010} 00000 n \n")),
        };
    }
    put(out, &format!("trailer\n<<{trailer}>>\n"));
    at
}

/// A cross-reference stream: per entry kind, second and third field.
fn stream(out: &mut Vec<u8>, number: u32, fields: &[(u8, usize, u8)], entries: &str) -> usize {
    let data: String = fields
        .iter()
        .map(|(kind, second, third)| format!("{kind:02x}{second:04x}{third:02x}"))
        .collect();
    object(
        out,
        number,
        &format!(
            "<</Type/XRef/W[1 2 1]{entries}/Filter/ASCIIHexDecode/Length {}>>stream\n{data}>\nendstream",
            data.len() + 1
        ),
    )
}

/// A file of these objects with a table; object 1 is the catalog.
pub(crate) fn build(objects: &[(u32, &str)]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let size = objects.iter().map(|(n, _)| *n).max().unwrap_or(0) as usize + 1;
    let mut offsets = vec![0; size];
    for (number, body) in objects {
        offsets[*number as usize] = object(&mut out, *number, body);
    }
    let start = table(&mut out, 0, &offsets, &format!("/Size {size}{TRAILER}"));
    end(&mut out, start);
    out
}

/// A table.
pub(crate) fn classic() -> Vec<u8> {
    build(OBJECTS)
}

/// Objects 1 to 4 in an object stream, 6; a cross-reference stream, 7.
pub(crate) fn with_streams() -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let content = object(&mut out, 5, OBJECTS[4].1);
    let container = object(&mut out, 6, &container(&OBJECTS[..4]));
    let at = out.len();
    let fields = [
        (0, 0, 255),
        (2, 6, 0),
        (2, 6, 1),
        (2, 6, 2),
        (2, 6, 3),
        (1, content, 0),
        (1, container, 0),
        (1, at, 0),
    ];
    stream(&mut out, 7, &fields, &format!("/Size 8{TRAILER}"));
    end(&mut out, at);
    out
}

fn container(objects: &[(u32, &str)]) -> String {
    let (mut index, mut data) = (String::new(), String::new());
    for (number, body) in objects {
        index.push_str(&format!("{number} {} ", data.len()));
        data.push_str(body);
        data.push(' ');
    }
    format!(
        "<</Type/ObjStm/N {}/First {}/Length {}>>stream\n{index}{data}\nendstream",
        objects.len(),
        index.len(),
        index.len() + data.len()
    )
}

/// A table that hides object 3, which a stream beside it gives.
pub(crate) fn hybrid() -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut offsets = vec![0; 8];
    for (number, body) in OBJECTS.iter().filter(|(n, _)| *n != 3) {
        offsets[*number as usize] = object(&mut out, *number, body);
    }
    offsets[6] = object(&mut out, 6, &container(&OBJECTS[2..3]));
    offsets[7] = stream(&mut out, 7, &[(2, 6, 0)], "/Index[3 1]/Size 8");
    let trailer = format!("/Size 8{TRAILER}/XRefStm {}", offsets[7]);
    let start = table(&mut out, 0, &offsets, &trailer);
    end(&mut out, start);
    out
}

/// Two tables, the first page's before the other, as annex F of ISO 32000-2 has them.
pub(crate) fn linearised() -> Vec<u8> {
    // The first table needs the place of the second and of its own objects: composed twice.
    let compose = |main: usize, offsets: [usize; 6]| {
        let mut out = b"%PDF-1.7\n".to_vec();
        let mut found = [0; 6];
        let first = table(
            &mut out,
            1,
            &[offsets[1], 0, 0, offsets[4], offsets[5]],
            &format!("/Size 6{TRAILER}/Prev {main:05}"),
        );
        put(&mut out, "startxref\n0\n%%EOF\n");
        for index in [0, 3, 4, 1, 2] {
            let (number, body) = OBJECTS[index];
            found[number as usize] = object(&mut out, number, body);
        }
        let main = put(&mut out, "xref\n0 1\n0000000000 65535 f \n2 2\n");
        for offset in [found[2], found[3]] {
            put(&mut out, &format!("{offset:010} 00000 n \n"));
        }
        put(&mut out, "trailer\n<</Size 4>>\n");
        end(&mut out, first);
        (out, main, found)
    };
    // A free entry would hide objects 2 and 3: the first table lists 1, then 4 and 5.
    let split = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        text.replacen("xref\n1 5\n", "xref\n1 1\n", 1)
            .replacen(
                "0000000000 65535 f \n0000000000 65535 f \n",
                "4 2           \n                        \n",
                1,
            )
            .into_bytes()
    };
    let (_, main, found) = compose(0, [0; 6]);
    let (_, main, found) = compose(main, found);
    split(compose(main, found).0)
}

/// The file with something put before it, and every offset still counting from the first byte.
pub(crate) fn shift_offsets(file: &[u8], junk: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(file.to_vec()).unwrap();
    let mut out = String::from_utf8(junk.to_vec()).unwrap();
    let mut after_start = false;
    for line in text.split_inclusive('\n') {
        let digits = line.trim_end();
        match digits.get(..10).and_then(|d| d.parse::<usize>().ok()) {
            Some(offset) if line.len() == 20 && line.contains(" n ") => {
                out.push_str(&format!("{:010}{}", offset + junk.len(), &line[10..]));
            }
            _ if after_start && digits.parse::<usize>().is_ok() => {
                let offset: usize = digits.parse().unwrap();
                out.push_str(&format!("{}\n", offset + junk.len()));
            }
            _ => out.push_str(line),
        }
        after_start = digits == "startxref";
    }
    out.into_bytes()
}
