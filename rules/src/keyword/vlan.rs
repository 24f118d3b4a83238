//! VLAN tags: `vlan.id`, `vlan.layers` (Suricata documentation: "VLAN Keywords").

use super::number::NumberKeyword;
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::IntegerMatch;
use crate::signature::Condition;
use crate::view::{View, VlanTags};

/// The largest VLAN id (IEEE 802.1Q).
const MAX_ID: u64 = 4095;

/// `vlan.layers`.
pub(super) static LAYERS: NumberKeyword = NumberKeyword {
    name: "vlan.layers",
    doc: "How many VLAN tags the frame has.",
    subject: "the number of VLAN tags",
    max: VlanTags::MAX as u64,
    read: |view| u64::try_from(view.packet.vlans.ids().len()).ok(),
    examples: &[Example::staged(
        "alert ip any any -> any any (vlan.layers:>1; sid:1;)",
        |stage| stage.vlans = vec![666, 123],
        |stage| stage.vlans = vec![666],
    )],
    refused: &["vlan.layers", "vlan.layers:many", "vlan.layers:4"],
    ..NumberKeyword::PACKET
};

/// `vlan.id`.
#[derive(Debug)]
pub(super) struct VlanId;

impl Keyword for VlanId {
    fn name(&self) -> &'static str {
        "vlan.id"
    }

    fn doc(&self) -> &'static str {
        "The VLAN id of any tag of the frame, of all its tags with `,all`, or of one: `,0` is the outermost, `,-1` \
         the innermost."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert ip any any -> any any (vlan.id:300; sid:1;)",
                |stage| stage.vlans = vec![1, 300],
                |stage| stage.vlans = vec![1, 2],
            ),
            Example::staged(
                "alert ip any any -> any any (vlan.id:>=200,1; sid:1;)",
                |stage| stage.vlans = vec![1, 200],
                |stage| stage.vlans = vec![200],
            ),
            Example::staged(
                "alert ip any any -> any any (vlan.id:400,-2; sid:1;)",
                |stage| stage.vlans = vec![1, 400, 2],
                |stage| stage.vlans = vec![1, 2, 400],
            ),
            Example::staged(
                "alert ip any any -> any any (vlan.id:>100,all; sid:1;)",
                |stage| stage.vlans = vec![101, 102],
                |_| {},
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "vlan.id",
            "vlan.id:4096",
            "vlan.id:x",
            "vlan.id:1,3",
            "vlan.id:1,-4",
            "vlan.id:1,some",
            "vlan.id:1,2,3",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let form = IntegerMatch::parse(&parts[0].to_str_lossy(), MAX_ID).map_err(|error| {
            Diagnostic::error("bad-number", parts[0].span(), error.to_string())
                .with_help("write a number up to 4095, `<10`, `>10`, `5-10` or `!10`")
        })?;
        let layer = match parts.get(1..) {
            None | Some([]) => Some(Layer::Any),
            Some([layer]) => Layer::read(&layer.to_str_lossy()),
            Some(_) => None,
        };
        let layer = layer.ok_or_else(|| {
            argument
                .error("bad-vlan-layer", "there is no such tag")
                .with_help("after the number may stand a layer: `any`, `all`, 0 to 2, or -3 to -1")
        })?;
        draft.conditions.push(Box::new(HasId { form, layer }));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Layer {
    Any,
    All,
    /// Counted from the outermost tag.
    Outer(usize),
    /// Counted from the innermost tag.
    Inner(usize),
}

impl Layer {
    fn read(text: &str) -> Option<Self> {
        let index =
            |text: &str, first| (text.parse().ok()).filter(|at| (first..VlanTags::MAX + first).contains(at));
        match text {
            "any" => Some(Self::Any),
            "all" => Some(Self::All),
            _ => match text.strip_prefix('-') {
                Some(text) => index(text, 1).map(|at| Self::Inner(at - 1)),
                None => index(text, 0).map(Self::Outer),
            },
        }
    }
}

#[derive(Debug)]
struct HasId {
    form: IntegerMatch,
    layer: Layer,
}

impl Condition for HasId {
    fn holds(&self, view: &View<'_>) -> bool {
        let ids = view.packet.vlans.ids();
        let fits = |&id: &u16| self.form.holds(id.into());
        match self.layer {
            Layer::Any => ids.iter().any(fits),
            Layer::All => !ids.is_empty() && ids.iter().all(fits),
            Layer::Outer(at) => ids.get(at).is_some_and(fits),
            Layer::Inner(at) => ids.iter().rev().nth(at).is_some_and(fits),
        }
    }

    fn explain(&self) -> String {
        let whose = match self.layer {
            Layer::Any => "of any VLAN tag".to_owned(),
            Layer::All => "of every VLAN tag".to_owned(),
            Layer::Outer(at) => format!("of VLAN tag {at}, counted from outside,"),
            Layer::Inner(at) => format!("of VLAN tag {at}, counted from inside,"),
        };
        format!("the id {whose} is {}", self.form)
    }
}
