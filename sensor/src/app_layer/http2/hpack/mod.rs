//! Header compression (RFC 7541): header blocks become header fields.
//!
//! What is wrong in a block ends it at most; the fields before count, and the tables stay as they are by then.

mod huffman;
mod integer;
mod table;

pub(super) use table::HeaderField;

use smallvec::SmallVec;
use table::Table;

/// What can be wrong with a header block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// An index stands for no field.
    Index,
    /// An integer has more than 64 bits.
    Overflow,
    /// It ends within a field.
    Truncated,
}

/// What was wrong with a block, each once.
pub(super) type Faults = SmallVec<[Fault; 3]>;

/// What a header block holds.
#[derive(Debug)]
pub(super) enum Item {
    /// A header field.
    Field(HeaderField),
    /// A new size of the dynamic table.
    SizeUpdate(u64),
}

/// Decodes the header blocks of one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    table: Table,
    /// A field on its way.
    joined: Vec<u8>,
}

impl Decoder {
    /// Whoever receives the blocks grants a table of that size (RFC 9113, section 6.5.2).
    pub(super) fn grant(&mut self, size: u32) {
        self.table.grant(size);
    }

    /// Decodes a block, and hands on what it holds as long as that is wanted.
    pub(super) fn decode(&mut self, mut block: &[u8], sink: &mut dyn FnMut(Item) -> bool) -> Faults {
        let mut faults = Faults::new();
        while !block.is_empty() {
            match self.item(&mut block) {
                Ok(item) => {
                    if !sink(item) {
                        break;
                    }
                }
                Err(fault) => {
                    if !faults.contains(&fault) {
                        faults.push(fault);
                    }
                    if fault != Fault::Index {
                        break;
                    }
                }
            }
        }
        faults
    }

    /// Reads what comes next (RFC 7541, section 6).
    fn item(&mut self, block: &mut &[u8]) -> Result<Item, Fault> {
        match block[0] {
            0x80.. => {
                let index = integer::read(block, 7)?;
                self.table.get(index).map(Item::Field).ok_or(Fault::Index)
            }
            0x40.. => {
                let literal = self.literal(block, 6)?;
                self.table.insert(literal.field.clone());
                literal.check()
            }
            0x20.. => {
                let size = integer::read(block, 5)?;
                self.table.resize(size);
                Ok(Item::SizeUpdate(size))
            }
            _ => self.literal(block, 4)?.check(),
        }
    }

    /// Reads a field that is spelt out: its name by an index of so many bits or as a string, then its value.
    fn literal(&mut self, block: &mut &[u8], index_bits: u32) -> Result<Literal, Fault> {
        self.joined.clear();
        let index = integer::read(block, index_bits)?;
        let mut named = true;
        if index == 0 {
            self.string(block)?;
        } else {
            match self.table.get(index) {
                Some(field) => self.joined.extend_from_slice(field.name()),
                None => named = false,
            }
        }
        let name_len = self.joined.len();
        self.string(block)?;
        Ok(Literal { field: HeaderField::joined(&self.joined, name_len), named })
    }

    fn string(&mut self, block: &mut &[u8]) -> Result<(), Fault> {
        let huffman = block.first().is_some_and(|first| first & 0x80 != 0);
        let len = integer::read(block, 7)?;
        let len = usize::try_from(len).map_err(|_| Fault::Truncated)?;
        let (string, rest) = block.split_at_checked(len).ok_or(Fault::Truncated)?;
        *block = rest;
        if huffman {
            huffman::decode(string, &mut self.joined);
        } else {
            self.joined.extend_from_slice(string);
        }
        Ok(())
    }
}

/// A field that was spelt out.
struct Literal {
    field: HeaderField,
    /// The index of its name stood for one.
    named: bool,
}

impl Literal {
    fn check(self) -> Result<Item, Fault> {
        if self.named { Ok(Item::Field(self.field)) } else { Err(Fault::Index) }
    }
}

#[cfg(test)]
mod tests;
