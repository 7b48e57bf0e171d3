//! A file or a pipe is read piece by piece, as a protobuf message is decoded from it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};

use crate::read::too_large;

/// How many bytes are read at once. Weights are read in one piece.
const CHUNK: usize = 64 * 1024;

/// What stands for bytes that do not come.
const ZEROS: &[u8] = &[0; CHUNK];

/// A file or a pipe that is read piece by piece. Each byte string of the message, and so each weight, gets memory of its
/// own, which an engine can take over: while a model is loaded it is not in memory twice.
///
/// As `Buf` has no errors, zeros stand for what cannot be read. Of a pipe, whose end is not known before it comes,
/// `remaining` is the most that may remain, as messages within messages are measured by it.
pub(super) struct FileBuf {
    file: File,
    /// The bytes that were read last.
    chunk: Vec<u8>,
    /// How many of these have been taken.
    taken: usize,
    /// How many bytes have not been read; of a pipe, how many may still come.
    unread: u64,
    /// The most bytes that may come, if it is a pipe.
    most: Option<u64>,
    /// Whether no more bytes come.
    ended: bool,
    /// Whether more bytes were asked for than came.
    truncated: bool,
    /// That of the bytes that were read.
    digest: Sha256,
    /// The first error.
    failed: Option<io::Error>,
}

impl FileBuf {
    /// Begins to read a file of so many bytes.
    pub(super) fn of_file(file: File, length: u64) -> FileBuf {
        Self::new(file, length, None)
    }

    /// Begins to read what comes through a pipe, `most` bytes at most.
    pub(super) fn of_pipe(pipe: File, most: u64) -> FileBuf {
        Self::new(pipe, most, Some(most))
    }

    fn new(file: File, unread: u64, most: Option<u64>) -> FileBuf {
        let (chunk, digest) = (Vec::new(), Sha256::new());
        let (ended, truncated, failed) = (false, false, None);
        let mut buf =
            FileBuf { file, chunk, taken: 0, unread, most, ended, truncated, digest, failed };
        buf.refill();
        buf
    }

    /// The bytes that were read and not taken.
    pub(super) fn start(&self) -> &[u8] {
        &self.chunk[self.taken..]
    }

    /// The first error of reading, if there was one: what was decoded is then useless.
    pub(super) fn failure(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// The digest of the whole file, which is read to its end.
    ///
    /// # Errors
    /// If it could not be read, or fewer bytes came than were promised, or more than may.
    pub(super) fn finish(mut self) -> io::Result<Sha256> {
        while self.has_remaining() {
            self.advance(self.chunk().len());
        }
        self.failure()?;
        if self.truncated { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(self.digest) }
    }

    /// Reads the next bytes of the file to the end of `to`: fewer if it ends or cannot be read.
    fn read(&mut self, count: usize, to: &mut Vec<u8>) {
        let start = to.len();
        let read = self.file.by_ref().take(count as u64).read_to_end(to);
        let came = to.len() - start;
        self.digest.update(&to[start..]);
        self.unread -= came as u64;
        self.ended = came < count;
        self.failed = match (read, self.most) {
            (Err(error), _) => Some(error),
            (Ok(_), None) if self.ended => Some(ErrorKind::UnexpectedEof.into()),
            (Ok(_), Some(most)) if self.unread == 0 && self.comes_more() => Some(too_large(most)),
            (Ok(_), _) => return,
        };
        self.ended = true;
    }

    fn comes_more(&mut self) -> bool {
        self.file.read(&mut [0]).is_ok_and(|count| count > 0)
    }

    /// Reads the next chunk, if the last one has been taken.
    fn refill(&mut self) {
        if self.has_remaining() || self.ended || self.unread == 0 {
            return;
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.clear();
        self.read(self.unread.min(CHUNK as u64) as usize, &mut chunk);
        (self.chunk, self.taken) = (chunk, 0);
    }

    /// Takes bytes that do not come.
    fn take_zeros(&mut self, count: usize) {
        self.truncated |= count > 0;
        self.unread = self.unread.saturating_sub(count as u64);
    }
}

impl Buf for FileBuf {
    fn has_remaining(&self) -> bool {
        self.taken < self.chunk.len()
    }

    fn remaining(&self) -> usize {
        self.start().len().saturating_add(usize::try_from(self.unread).unwrap_or(usize::MAX))
    }

    fn chunk(&self) -> &[u8] {
        if self.has_remaining() {
            return self.start();
        }
        &ZEROS[..self.unread.min(CHUNK as u64) as usize]
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 && self.has_remaining() {
            let step = count.min(self.start().len());
            self.taken += step;
            count -= step;
            self.refill();
        }
        self.take_zeros(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        let mut bytes = Vec::new();
        // Of a pipe, more may be promised than there is room for, and than comes.
        let _ = bytes.try_reserve_exact(count);
        let here = count.min(self.start().len());
        bytes.extend_from_slice(&self.start()[..here]);
        self.taken += here;
        if !self.ended {
            self.read(count - here, &mut bytes);
        }
        self.take_zeros(count - bytes.len());
        self.refill();
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
        let file = || File::open(&path).unwrap();
        let length = content.len() as u64;
        let whole = || [FileBuf::of_file(file(), length), FileBuf::of_pipe(file(), length + 9)];
        for pieces in [vec![1, 0, 7], vec![65_536, 1], vec![65_537], vec![200_000, 3, 70_000]] {
            for mut buf in whole() {
                let mut at = 0;
                for (i, piece) in pieces.iter().enumerate() {
                    let bytes = buf.copy_to_bytes(*piece);
                    assert_eq!(bytes, content[at..at + piece], "piece {i} of {pieces:?}");
                    at += piece;
                    buf.advance(5);
                    at += 5;
                    assert!(buf.remaining() >= content.len() - at);
                }
                assert_eq!(buf.finish().unwrap().finalize(), Sha256::digest(&content));
            }
        }
        let mut longer = FileBuf::of_file(file(), length + 1);
        longer.advance(content.len());
        let error = longer.finish().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let error = FileBuf::of_pipe(file(), length - 1).finish().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        // More is promised than comes.
        let mut promised = FileBuf::of_pipe(file(), 4 << 30);
        assert_eq!(promised.copy_to_bytes(3 << 30), content);
        assert!(!promised.has_remaining() && promised.remaining() > 0);
        assert_eq!(promised.get_u32(), 0);
        assert_eq!(promised.finish().err().unwrap().kind(), ErrorKind::UnexpectedEof);
        fs::remove_file(&path).unwrap();
    }
}
