//! What is in a ClientHello (RFC 8446, section 4.1.2), as far as the name that it asks for.

use nom::IResult;
use nom::bytes::complete::take;
use nom::combinator::all_consuming;
use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16};

use super::Alert;

/// Version and random number, at the begin.
const FIXED_BYTES: usize = 2 + 32;

/// The extension that has the name (RFC 6066, section 3), and the only sort of names in it.
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;

/// Longest name: 253 bytes (RFC 1035, section 2.3.4), and the dot behind it that some send.
const NAME_BYTES_MAX: usize = 254;

type Read<'a, T> = IResult<&'a [u8], T, ()>;

/// The name that a hello asks for, if any, in lower case and without a dot behind it; or what is wrong.
pub(super) fn name(hello: &[u8]) -> Result<Option<Box<str>>, Alert> {
    let (_, extensions) = extensions(hello).map_err(|_| Alert::DECODE_ERROR)?;
    let mut found = None;
    let mut rest = extensions;
    while !rest.is_empty() {
        let (behind, (kind, content)) = extension(rest).map_err(|_| Alert::DECODE_ERROR)?;
        rest = behind;
        if kind == SERVER_NAME && found.replace(host_name(content)?).is_some() {
            // Which of them would the backend go by?
            return Err(Alert::ILLEGAL_PARAMETER);
        }
    }
    Ok(found.flatten())
}

/// All extensions; before TLS 1.2 there need be none.
fn extensions(hello: &[u8]) -> Read<'_, &[u8]> {
    let (rest, _) = take(FIXED_BYTES)(hello)?;
    let (rest, _session) = length_data(be_u8)(rest)?;
    let (rest, _ciphers) = length_data(be_u16)(rest)?;
    let (rest, _compressions) = length_data(be_u8)(rest)?;
    if rest.is_empty() { Ok((rest, rest)) } else { all_consuming(length_data(be_u16))(rest) }
}

fn extension(extensions: &[u8]) -> Read<'_, (u16, &[u8])> {
    let (rest, kind) = be_u16(extensions)?;
    let (rest, content) = length_data(be_u16)(rest)?;
    Ok((rest, (kind, content)))
}

/// The name in a list of names of which only the sort is known that hosts have.
fn host_name(content: &[u8]) -> Result<Option<Box<str>>, Alert> {
    let list: Read<'_, &[u8]> = all_consuming(length_data(be_u16))(content);
    let (_, mut rest) = list.map_err(|_| Alert::DECODE_ERROR)?;
    let mut found = None;
    if rest.is_empty() {
        return Err(Alert::DECODE_ERROR);
    }
    while !rest.is_empty() {
        let (behind, (sort, name)) = list_entry(rest).map_err(|_| Alert::DECODE_ERROR)?;
        rest = behind;
        if sort == HOST_NAME && found.replace(text(name)?).is_some() {
            return Err(Alert::ILLEGAL_PARAMETER);
        }
    }
    Ok(found)
}

fn list_entry(list: &[u8]) -> Read<'_, (u8, &[u8])> {
    let (rest, sort) = be_u8(list)?;
    let (rest, name) = length_data(be_u16)(rest)?;
    Ok((rest, (sort, name)))
}

/// A name as text that harms no log and no terminal.
fn text(name: &[u8]) -> Result<Box<str>, Alert> {
    let is_visible = name.iter().all(u8::is_ascii_graphic);
    match str::from_utf8(name) {
        Ok(name) if is_visible && (1..=NAME_BYTES_MAX).contains(&name.len()) => {
            Ok(name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase().into())
        }
        _ => Err(Alert::ILLEGAL_PARAMETER),
    }
}
