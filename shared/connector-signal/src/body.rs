//! The bytes of a request, unpacked: parsed as JSON whatever the content type says, since clients say anything.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use serde_json::Value as Json;

/// The largest body, unpacked, in bytes. Lambda takes 6 MB; a small body must not unpack to a large one.
pub(crate) const MAX_BYTES: usize = 6 * 1024 * 1024;

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotABody {
    #[error("the body is larger than 6 MB")]
    TooLarge,
    #[error("the body is not what its content encoding says")]
    NotPacked,
    #[error("the body is not JSON")]
    NotJson,
}

/// The JSON of a body. Packed bodies are known by their first bytes: proxies take the header away.
pub(crate) fn read(raw: &[u8]) -> Result<Json, NotABody> {
    if raw.len() > MAX_BYTES {
        return Err(NotABody::TooLarge);
    }
    if raw.starts_with(&[0x1f, 0x8b]) {
        let unpacked = unpack(raw)?;
        return serde_json::from_slice(&unpacked).map_err(|_| NotABody::NotJson);
    }
    serde_json::from_slice(raw).map_err(|_| NotABody::NotJson)
}

fn unpack(raw: &[u8]) -> Result<Vec<u8>, NotABody> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut unpacked = Vec::new();
    // One byte more than allowed tells that there is more.
    let mut reader = MultiGzDecoder::new(raw).take(limit.saturating_add(1));
    reader.read_to_end(&mut unpacked).map_err(|_| NotABody::NotPacked)?;
    if unpacked.len() > MAX_BYTES {
        return Err(NotABody::TooLarge);
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_body_is_unpacked_and_a_bomb_is_not() {
        assert_eq!(read(&packed(b"{\"a\":1}")).unwrap(), serde_json::json!({ "a": 1 }));
        let bomb = packed(&vec![b' '; MAX_BYTES * 4]);
        assert!(bomb.len() < 100_000);
        assert_eq!(read(&bomb), Err(NotABody::TooLarge));
        let torn = packed(b"{\"a\":1}");
        assert_eq!(read(&torn[..torn.len() - 9]), Err(NotABody::NotPacked));
        assert_eq!(read(b"\x1f\x8b"), Err(NotABody::NotPacked));
        assert_eq!(read(b""), Err(NotABody::NotJson));
        assert_eq!(read(&vec![b'['; 100_000]), Err(NotABody::NotJson), "a deep body is no body");
    }
}
