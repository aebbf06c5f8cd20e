//! One open file, and the compressor in front of it.

use std::fs::File;
use std::io;
use std::io::IoSlice;
use std::io::Write;
use std::sync::Arc;

use flate2::write::GzEncoder;
use rustix::fs::FileType;

/// How files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip, level 1 to 9.
    Gzip(u32),
    /// zstd, level 1 to 22, and its threads; 0: it works on the thread that writes.
    Zstd { level: i32, workers: u32 },
}

/// The encoder shares the file, so that the file is there between two of them.
enum Coder {
    Gzip(GzEncoder<Arc<File>>),
    Zstd(zstd::Encoder<'static, Arc<File>>),
}

impl Coder {
    fn new(how: Compression, file: &Arc<File>) -> io::Result<Self> {
        match how {
            Compression::Gzip(level) => {
                let level = flate2::Compression::new(level);
                Ok(Self::Gzip(GzEncoder::new(file.clone(), level)))
            }
            Compression::Zstd { level, workers } => {
                let mut encoder = zstd::Encoder::new(file.clone(), level)?;
                encoder.include_checksum(true)?;
                encoder.multithread(workers)?;
                Ok(Self::Zstd(encoder))
            }
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Gzip(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }

    /// Writes the end. After an error it can be tried again.
    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.try_finish(),
            Self::Zstd(encoder) => encoder.do_finish(),
        }
    }
}

pub(super) struct Sink {
    pub(super) file: Arc<File>,
    compression: Option<Compression>,
    /// A gzip member or a zstd frame that was begun.
    coder: Option<Coder>,
    /// The end of that was begun, and the disk did not take it all.
    ending: bool,
    /// `veryRobustZip`: each flush ends a member, so that what comes behind one that was cut by a
    /// crash can be read.
    robust: bool,
    /// Bytes of the file, if it is a regular one, as far as we have written it.
    pub(super) size: u64,
    /// Whether its size means anything.
    pub(super) regular: bool,
}

impl Sink {
    pub(super) fn new(
        file: File,
        compression: Option<Compression>,
        robust: bool,
    ) -> io::Result<Self> {
        let stat = rustix::fs::fstat(&file)?;
        Ok(Self {
            file: Arc::new(file),
            compression,
            coder: None,
            ending: false,
            robust,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            regular: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
        })
    }

    pub(super) const fn compresses(&self) -> bool {
        self.compression.is_some()
    }

    /// Takes bytes: the file has them, or the compressor.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(how) = self.compression else {
            return self.write_vectored(&[IoSlice::new(bytes)]);
        };
        if self.ending {
            self.close()?;
        }
        let coder = match &mut self.coder {
            Some(coder) => coder,
            none => none.insert(Coder::new(how, &self.file)?),
        };
        nonzero(coder.writer().write(bytes))
    }

    /// As `write`, of a file that is not compressed.
    pub(super) fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = nonzero((&*self.file).write_vectored(bytes))?;
        self.size += crate::base::num::count(written);
        Ok(written)
    }

    /// What was written can be read.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.coder {
            None => Ok(()),
            Some(_) if self.robust || self.ending => self.close(),
            Some(coder) => coder.writer().flush(),
        }
    }

    /// Whether it is a file that can be found, under whatever name.
    pub(super) fn has_name(&self) -> bool {
        self.regular && rustix::fs::fstat(&*self.file).is_ok_and(|stat| stat.st_nlink > 0)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        // What is no file on a disk (a pipe, a terminal) has nothing to wait for.
        if self.regular { self.file.sync_data() } else { Ok(()) }
    }

    /// Ends the compressed stream.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if let Some(coder) = &mut self.coder {
            self.ending = true;
            coder.finish()?;
            self.coder = None;
            self.ending = false;
        }
        Ok(())
    }

    /// Bytes of the file as it is.
    pub(super) fn measure(&mut self) -> io::Result<u64> {
        if self.compresses() {
            self.size = self.file.metadata()?.len();
        }
        Ok(self.size)
    }
}

/// To take nothing is an error: it would be tried for ever.
fn nonzero(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        written => written,
    }
}
