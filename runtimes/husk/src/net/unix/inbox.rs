//! What waits to be read at one end of a unix(7) socket.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::errno::Errno;
use crate::fs::{OpenFile, Sink};
use crate::net::address::Address;
use crate::net::socket::{MessageFlags, PeerCredentials, Received};

/// What a message counts for beside its bytes: about what Linux's `sk_buff` takes.
const PIECE_COST: usize = 768;

/// What one send put in: a message, or part of a stream.
pub struct Piece {
    pub bytes: Vec<u8>,
    /// Bytes already read, of a stream.
    pub start: usize,
    pub from: Vec<u8>,
    pub rights: Vec<Arc<OpenFile>>,
    pub credentials: PeerCredentials,
}

impl Piece {
    fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or(&[])
    }

    fn cost(&self) -> usize {
        self.bytes.len() + PIECE_COST
    }
}

#[derive(Default)]
pub struct Inbox {
    pieces: VecDeque<Piece>,
    cost: usize,
    bytes: usize,
}

/// How a read goes.
#[derive(Clone, Copy)]
pub struct Manner {
    pub is_peek: bool,
    pub is_stream: bool,
    /// Only to one who waits is the end of a datagram socket told; others see EAGAIN.
    pub waits: bool,
    /// SO_PASSCRED: messages of different senders are not read as one.
    pub wants_credentials: bool,
}

impl Inbox {
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// True when descriptors are in it.
    pub fn has_rights(&self) -> bool {
        self.pieces.iter().any(|piece| !piece.rights.is_empty())
    }

    /// Messages, or parts of a stream.
    pub fn count(&self) -> usize {
        self.pieces.len()
    }

    /// What it takes of the senders' SO_SNDBUF.
    pub fn cost(&self) -> usize {
        self.cost
    }

    /// Bytes to be read.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of the first message.
    pub fn first_bytes(&self) -> usize {
        self.pieces.front().map_or(0, |piece| piece.unread().len())
    }

    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter()
    }

    pub fn push(&mut self, piece: Piece) {
        self.cost += piece.cost();
        self.bytes += piece.bytes.len();
        self.pieces.push_back(piece);
    }

    /// Takes the first message; of a stream also those after it, up to and with the first that
    /// carries descriptors (unix(7) § SCM_RIGHTS).
    pub fn take(&mut self, into: &mut dyn Sink, manner: Manner) -> Result<Received, Errno> {
        let mut received = Received::default();
        let mut index = 0;
        while let Some(piece) = self.pieces.get_mut(index) {
            if received.bytes > 0 && !goes_on(&received, piece, manner, into.remaining()) {
                break;
            }
            let unread = piece.unread();
            let wanted = unread.len().min(into.remaining());
            let moved = match into.put(unread.get(..wanted).unwrap_or(&[])) {
                Err(error) if received.bytes == 0 => return Err(error),
                moved => moved.unwrap_or(0),
            };
            let is_whole = moved == unread.len();
            if !is_whole && !manner.is_stream {
                received.flags |= MessageFlags::TRUNC.bits();
            }
            received.bytes += moved;
            received.note(piece);
            if manner.is_peek {
                index += 1;
            } else {
                self.consume(moved, is_whole || !manner.is_stream);
            }
            if !manner.is_stream || !is_whole || !received.rights.is_empty() {
                break;
            }
        }
        Ok(received)
    }

    /// The first piece was read, to its end or in part.
    fn consume(&mut self, moved: usize, is_finished: bool) {
        let Some(piece) = self.pieces.front_mut() else {
            return;
        };
        piece.rights.clear(); // whoever read has them
        self.bytes -= if is_finished {
            piece.unread().len()
        } else {
            moved
        };
        piece.start += moved;
        if is_finished {
            self.cost -= piece.cost();
            self.pieces.pop_front();
        }
    }
}

/// True when a read of a stream that has something goes on into the next piece.
fn goes_on(received: &Received, piece: &Piece, manner: Manner, room: usize) -> bool {
    let is_same_sender = received.credentials == Some(piece.credentials);
    manner.is_stream && room > 0 && (is_same_sender || !manner.wants_credentials)
}

impl Received {
    fn note(&mut self, piece: &Piece) {
        if self.credentials.is_none() {
            let is_named = !piece.from.is_empty();
            self.from = is_named.then(|| Address::Unix(piece.from.clone()));
            self.credentials = Some(piece.credentials);
        }
        self.rights.extend(piece.rights.iter().cloned());
    }
}
