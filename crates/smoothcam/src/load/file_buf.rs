//! A file is read piece by piece, as a protobuf message is decoded from it.

use std::fs::File;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};

/// How many bytes are read at once. Weights are read in one piece.
const CHUNK: u64 = 64 * 1024;

/// A file that is read piece by piece. Each byte string of the message, and so each weight, gets memory of its own, which
/// an engine can take over: while a model is loaded it is not in memory twice.
pub(super) struct FileBuf {
    file: File,
    /// The bytes that were read last.
    chunk: Vec<u8>,
    /// How many of these have been taken.
    taken: usize,
    /// How many bytes have not been read.
    unread: u64,
    /// That of the bytes that were read.
    digest: Sha256,
    /// The first error.
    failed: Option<io::Error>,
}

impl FileBuf {
    /// Begins to read a file of so many bytes.
    pub(super) fn new(file: File, length: u64) -> FileBuf {
        let (chunk, digest) = (Vec::new(), Sha256::new());
        let mut buf = FileBuf { file, chunk, taken: 0, unread: length, digest, failed: None };
        buf.refill();
        buf
    }

    /// The digest of the whole file, which is read to its end.
    ///
    /// # Errors
    /// If the file could not be read. What was decoded is then useless: as `Buf` has no errors, the rest was zeros.
    pub(super) fn finish(mut self) -> io::Result<Sha256> {
        while self.has_remaining() {
            self.advance(self.chunk().len());
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.digest),
        }
    }

    /// Reads the next bytes of the file to the end of `to`.
    fn read(&mut self, count: u64, to: &mut Vec<u8>) {
        let start = to.len();
        if self.failed.is_none() {
            let read = self.file.by_ref().take(count).read_to_end(to);
            let whole = read.and_then(|n| {
                if n as u64 == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
            });
            self.failed = whole.err();
            self.digest.update(&to[start..]);
        }
        to.resize(start + count as usize, 0);
        self.unread -= count;
    }

    fn refill(&mut self) {
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.clear();
        self.read(CHUNK.min(self.unread), &mut chunk);
        (self.chunk, self.taken) = (chunk, 0);
    }
}

impl Buf for FileBuf {
    fn remaining(&self) -> usize {
        self.chunk().len().saturating_add(usize::try_from(self.unread).unwrap_or(usize::MAX))
    }

    fn chunk(&self) -> &[u8] {
        &self.chunk[self.taken..]
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let step = count.min(self.chunk().len());
            self.taken += step;
            count -= step;
            if self.chunk().is_empty() && self.unread > 0 {
                self.refill();
            }
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        let mut bytes = Vec::with_capacity(count);
        let here = count.min(self.chunk().len());
        bytes.extend_from_slice(&self.chunk()[..here]);
        self.taken += here;
        self.read((count - here) as u64, &mut bytes);
        if self.chunk().is_empty() {
            self.refill();
        }
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn all_bytes_come_whatever_the_pieces() {
        let content: Vec<u8> =
            (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let path = std::env::temp_dir().join(format!("smoothcam-file-buf-{}", std::process::id()));
        fs::write(&path, &content).unwrap();
        let open = |length: usize| FileBuf::new(File::open(&path).unwrap(), length as u64);
        for pieces in [vec![1, 0, 7], vec![65_536, 1], vec![65_537], vec![200_000, 3, 70_000]] {
            let mut buf = open(content.len());
            let mut at = 0;
            for (i, piece) in pieces.iter().enumerate() {
                let bytes = buf.copy_to_bytes(*piece);
                assert_eq!(bytes, content[at..at + piece], "piece {i} of {pieces:?}");
                at += piece;
                buf.advance(5);
                at += 5;
                assert_eq!(buf.remaining(), content.len() - at);
            }
            assert_eq!(buf.finish().unwrap().finalize(), Sha256::digest(&content));
        }
        let mut longer = open(content.len() + 1);
        longer.advance(content.len());
        let error = longer.finish().err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        fs::remove_file(&path).unwrap();
    }
}
