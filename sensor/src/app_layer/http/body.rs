//! The body of a message: decoded, shown in windows, and the files in it.

use super::decode::{Decoder, Stopped};
use super::event::Event;
use super::line::Faults;
use super::multipart::{Multipart, Piece};
use crate::app_layer::file::Wanted;
use crate::app_layer::file::transfer::{File, Files, WINDOW as STREAM_WINDOW};
use crate::app_layer::file::window::{Window, WindowConfig};

/// How requests' bodies are looked at (suricata.yaml, `request-body-limit` and its neighbours).
const REQUEST_WINDOW: WindowConfig = WindowConfig { limit: 100 << 10, first: 32 << 10, step: 4 << 10 };
/// How responses' bodies are looked at (suricata.yaml, `response-body-limit` and its neighbours).
const RESPONSE_WINDOW: WindowConfig = WindowConfig { limit: 100 << 10, first: 40 << 10, step: 16 << 10 };
/// The longest name of a file.
const MAX_NAME: usize = 4096;
/// The most files of a body that are told apart.
const MAX_FILES: usize = 64;
/// The most bytes of files within a body that are looked at, of all together.
const MAX_INNER_BYTES: u64 = 100 << 10;

/// What a body is.
#[derive(Debug, Default)]
enum Content {
    /// No file.
    #[default]
    Plain,
    /// A file, which begins with the first byte.
    Whole,
    /// A form with files.
    Form(Box<Multipart>),
}

/// The body of a message.
#[derive(Debug)]
pub(in crate::app_layer) struct Body {
    /// Bytes that came, still coded.
    wire_bytes: u64,
    /// Bytes after decoding.
    bytes: u64,
    decoder: Option<Box<Decoder>>,
    /// What came was not of its coding.
    failed: bool,
    /// The content as rules look at it; nothing where it is a file, which is looked at in that window.
    window: Option<Window>,
    content: Content,
    files: Files,
    inner_bytes: u64,
}

impl Body {
    /// The body of a request.
    pub(in crate::app_layer) fn of_request(decoder: Option<Box<Decoder>>) -> Self {
        Self::new(decoder, REQUEST_WINDOW)
    }

    /// The body of a response.
    pub(in crate::app_layer) fn of_response(decoder: Option<Box<Decoder>>) -> Self {
        Self::new(decoder, RESPONSE_WINDOW)
    }

    /// The body of either in HTTP/2, which is looked at as files of other protocols are.
    pub(in crate::app_layer) fn of_stream(decoder: Option<Box<Decoder>>) -> Self {
        Self::new(decoder, STREAM_WINDOW)
    }

    fn new(decoder: Option<Box<Decoder>>, window: WindowConfig) -> Self {
        Self {
            wire_bytes: 0,
            bytes: 0,
            decoder,
            failed: false,
            window: Some(Window::new(window)),
            content: Content::Plain,
            files: Files::default(),
            inner_bytes: 0,
        }
    }

    /// Of the files in it this is wanted.
    pub(in crate::app_layer) fn set_wanted(&mut self, wanted: Wanted) {
        self.files.set_wanted(wanted);
    }

    /// Its content is a form.
    pub(super) fn set_form(&mut self, form: Multipart) {
        self.content = Content::Form(Box::new(form));
    }

    /// Its content is a file.
    pub(in crate::app_layer) fn set_file(&mut self, name: &[u8], faults: &mut Faults) {
        if let Some(window) = self.window.take() {
            self.content = Content::Whole;
            self.open(name, window, faults);
        }
    }

    /// Whether a byte has come.
    pub(in crate::app_layer) fn has_begun(&self) -> bool {
        self.wire_bytes > 0
    }

    /// Bytes that came, still coded.
    pub(in crate::app_layer) fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    /// Bytes after decoding.
    pub(in crate::app_layer) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether what came was not of its coding.
    pub(in crate::app_layer) fn has_failed(&self) -> bool {
        self.failed
    }

    /// What is to be looked at of the content, with its offset in there.
    pub(in crate::app_layer) fn view(&self) -> Option<(u64, &[u8])> {
        match &self.window {
            Some(window) => window.view(),
            None => self.files.first().and_then(File::view),
        }
    }

    /// The files so far.
    pub(in crate::app_layer) fn files(&self) -> &Files {
        &self.files
    }

    /// The same.
    pub(in crate::app_layer) fn files_mut(&mut self) -> &mut Files {
        &mut self.files
    }

    /// Rules have looked: the window moves on.
    pub(in crate::app_layer) fn inspected(&mut self) {
        if let Some(window) = &mut self.window {
            window.inspected();
        }
    }

    /// Takes bytes as they came.
    pub(in crate::app_layer) fn take(&mut self, bytes: &[u8], faults: &mut Faults) {
        self.wire_bytes += bytes.len() as u64;
        match self.decoder.take() {
            None => self.take_decoded(bytes, faults),
            Some(mut decoder) => {
                let fed = decoder.feed(bytes, &mut |decoded| self.take_decoded(decoded, faults));
                self.failed |= decoder.has_failed();
                self.decoder = Some(decoder);
                self.note_stopped(fed, faults);
            }
        }
    }

    /// Bytes that were never seen.
    pub(in crate::app_layer) fn miss(&mut self, bytes: u64) {
        self.wire_bytes += bytes;
        self.files.miss();
    }

    /// Nothing more comes.
    pub(in crate::app_layer) fn end(&mut self, faults: &mut Faults) {
        if let Some(mut decoder) = self.decoder.take() {
            let fed = decoder.finish(&mut |decoded| self.take_decoded(decoded, faults));
            self.note_stopped(fed, faults);
        }
        if let Content::Form(mut form) = std::mem::take(&mut self.content) {
            let mut found = Faults::new();
            form.finish(faults, &mut |piece| self.take_piece(piece, &mut found));
            faults.extend(found);
        }
        if let Some(window) = &mut self.window {
            window.end();
        }
        self.files.end();
    }

    fn note_stopped(&mut self, fed: Result<(), Stopped>, faults: &mut Faults) {
        if let Err(Stopped(event)) = fed {
            faults.push(event);
        }
    }

    fn take_decoded(&mut self, bytes: &[u8], faults: &mut Faults) {
        self.bytes += bytes.len() as u64;
        if let Some(window) = &mut self.window {
            window.push(bytes);
        }
        match std::mem::take(&mut self.content) {
            Content::Plain => {}
            Content::Whole => {
                self.content = Content::Whole;
                self.files.push(bytes);
            }
            Content::Form(mut form) => {
                let mut found = Faults::new();
                form.feed(bytes, faults, &mut |piece| self.take_piece(piece, &mut found));
                faults.extend(found);
                self.content = Content::Form(form);
            }
        }
    }

    fn take_piece(&mut self, piece: Piece<'_>, faults: &mut Faults) {
        match piece {
            Piece::Begin(name) => self.open(name, Window::new(REQUEST_WINDOW), faults),
            Piece::Data(data) => {
                let room = usize::try_from(MAX_INNER_BYTES - self.inner_bytes).unwrap_or(usize::MAX);
                let shown = data.len().min(room);
                self.inner_bytes += shown as u64;
                self.files.push_partly(data, shown);
            }
            Piece::End => self.files.end(),
        }
    }

    fn open(&mut self, name: &[u8], window: Window, faults: &mut Faults) {
        if self.files.len() >= MAX_FILES {
            self.files.end();
            return;
        }
        if name.len() > MAX_NAME {
            faults.push(Event::FileNameTooLong);
        }
        let name = name[..name.len().min(MAX_NAME)].to_vec();
        self.files.begin_in(Some(name), window);
    }
}
