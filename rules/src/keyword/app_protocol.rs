//! `app-layer-protocol`: what a flow was found to speak.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::header::protocol::AppProtocol;
use crate::signature::{Condition, Scope};
use crate::view::{AppFacts, Detection, View};

/// `app-layer-protocol` (Suricata documentation: "Generic App Layer Keywords", app-layer-protocol).
#[derive(Debug)]
pub(super) struct AppLayerProtocol;

impl Keyword for AppLayerProtocol {
    fn name(&self) -> &'static str {
        "app-layer-protocol"
    }

    fn doc(&self) -> &'static str {
        "The protocol that the flow was found to speak on the packet's way, `failed` where none was found, `unknown` \
         where the search goes on, with `!` any other. After a comma: `to_server`, `to_client` or `either` way, `final` for what the flow speaks as a whole, \
         `original` for what it spoke before an upgrade."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert tcp any any -> any any (app-layer-protocol:ssh; sid:1;)",
                |stage| stage.app.to_server = Detection::Found(AppProtocol::Ssh),
                |stage| stage.app.to_client = Detection::Found(AppProtocol::Ssh),
            ),
            Example::staged(
                "alert tcp any any -> any any (app-layer-protocol:!http; app-layer-protocol:!tls; sid:1;)",
                |stage| stage.app.to_server = Detection::Found(AppProtocol::Ssh),
                |stage| stage.app.to_server = Detection::Found(AppProtocol::Http2),
            ),
            Example::staged(
                "alert tcp any any -> any any (app-layer-protocol:!tls,either; sid:1;)",
                |stage| stage.app.to_client = Detection::Failed,
                |_| {},
            ),
            Example::staged(
                "alert tcp any any -> any any (app-layer-protocol:failed,final; sid:1;)",
                |stage| stage.app.whole = Detection::Failed,
                |stage| stage.app.whole = Detection::Found(AppProtocol::Tls),
            ),
            Example::staged(
                "alert tcp any any -> any any (app-layer-protocol:unknown,to_server; sid:1;)",
                |_| {},
                |stage| stage.app.to_server = Detection::Failed,
            ),
            Example::staged(
                "alert tcp any any -> any any (app-layer-protocol:smtp,original; sid:1;)",
                |stage| stage.app.original = Detection::Found(AppProtocol::Smtp),
                |stage| stage.app.whole = Detection::Found(AppProtocol::Smtp),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "app-layer-protocol",
            "app-layer-protocol:nosuch",
            "app-layer-protocol:tcp",
            "app-layer-protocol:!",
            "app-layer-protocol:!unknown",
            "app-layer-protocol:tls,sideways",
            "app-layer-protocol:tls,final,final",
            "app-layer-protocol:tls; app-layer-protocol:ssh",
            "app-layer-protocol:!tls; app-layer-protocol:ssh",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let part = &parts[0];
        let (negated, name) = match part.strip_prefix(b"!") {
            Some(name) => (true, name.trim_ascii()),
            None => (false, part.as_bytes()),
        };
        let wanted = if name.eq_ignore_ascii_case(b"failed") {
            Wanted::Failed
        } else if name.eq_ignore_ascii_case(b"unknown") && !negated {
            Wanted::Unknown
        } else {
            let protocol = AppProtocol::from_name(name).ok_or_else(|| {
                let message = format!("there is no protocol `{}`", String::from_utf8_lossy(name));
                Diagnostic::error("unknown-protocol", part.span(), message)
                    .with_help("write an application protocol such as `http`, or `failed`")
            })?;
            Wanted::Protocol(protocol)
        };
        let place = match parts.get(1..) {
            None | Some([]) => Some(Place::OfPacket),
            Some([place]) => Place::from_name(&place.to_str_lossy()),
            Some(_) => None,
        };
        let place = place.ok_or_else(|| {
            argument
                .error("bad-protocol-place", "this doesn't say where the protocol was found")
                .with_help("after the protocol may stand to_server, to_client, either, final or original")
        })?;
        // Several fit together only if all are negated.
        if draft.asks_for_protocol.is_some_and(|before| !before || !negated) {
            return Err(Diagnostic::error(
                "contradictory-protocols",
                argument.span(),
                "a flow speaks one protocol",
            )
            .with_help("keep one `app-layer-protocol`, or negate them all"));
        }
        draft.asks_for_protocol = Some(negated);
        draft.conditions.push(Box::new(Speaks { wanted, negated, place }));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Protocol(AppProtocol),
    Failed,
    Unknown,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    OfPacket,
    ToServer,
    ToClient,
    Either,
    Final,
    Original,
}

impl Place {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "to_server" | "toserver" => Some(Self::ToServer),
            "to_client" | "toclient" => Some(Self::ToClient),
            "either" => Some(Self::Either),
            "final" => Some(Self::Final),
            "original" => Some(Self::Original),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Speaks {
    wanted: Wanted,
    negated: bool,
    place: Place,
}

impl Speaks {
    /// Nothing is said of what is not known yet, negated or not.
    fn fits(&self, found: Detection) -> bool {
        match (found, self.wanted) {
            (Detection::Pending, wanted) => matches!(wanted, Wanted::Unknown),
            (Detection::Failed, Wanted::Failed) => !self.negated,
            (Detection::Found(protocol), Wanted::Protocol(wanted)) => protocol.is(wanted) != self.negated,
            (Detection::Failed, Wanted::Protocol(_)) | (Detection::Found(_), Wanted::Failed) => self.negated,
            (Detection::Failed | Detection::Found(_), Wanted::Unknown) => false,
        }
    }
}

impl Condition for Speaks {
    fn holds(&self, view: &View<'_>) -> bool {
        let Some(flow) = view.flow else { return false };
        let AppFacts { to_server, to_client, whole, original, .. } = view.app;
        match self.place {
            Place::OfPacket => self.fits(if flow.to_server { to_server } else { to_client }),
            Place::ToServer => self.fits(to_server),
            Place::ToClient => self.fits(to_client),
            Place::Either => self.fits(to_server) || self.fits(to_client),
            Place::Final => self.fits(whole),
            Place::Original => self.fits(original),
        }
    }

    fn scope(&self) -> Scope {
        Scope::Flow
    }

    fn explain(&self) -> String {
        let name = match self.wanted {
            Wanted::Protocol(protocol) => protocol.name(),
            Wanted::Failed => "no known protocol",
            Wanted::Unknown => "a protocol not known yet",
        };
        let place = match self.place {
            Place::OfPacket => "on the packet's way",
            Place::ToServer => "to the server",
            Place::ToClient => "to the client",
            Place::Either => "on either way",
            Place::Final => "as a whole",
            Place::Original => "before any upgrade",
        };
        format!("the flow speaks {}{name} {place}", if self.negated { "something other than " } else { "" })
    }
}
