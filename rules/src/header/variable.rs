//! The variables of rules, and what addresses and ports mean once their values are known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::address::{AddressRange, AddressSet};
use super::group::{Families, Group, GroupKind, Item, MAX_NESTING, Resolve};
use super::port::{PortRange, PortSet};
use super::range_set::RangeSet;
use crate::diagnostic::Diagnostic;
use crate::parse;
use crate::text::{SourceTooLarge, Span, Text};

/// The most variables that name each other in a chain.
const MAX_CHAIN: usize = 16;

/// Suricata's default `vars.address-groups`, names with their values (documentation: "Rule-vars" in "Suricata.yaml").
pub const DEFAULT_ADDRESSES: &[(&str, &str)] = &[
    ("HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"),
    ("EXTERNAL_NET", "!$HOME_NET"),
    ("HTTP_SERVERS", "$HOME_NET"),
    ("SMTP_SERVERS", "$HOME_NET"),
    ("SQL_SERVERS", "$HOME_NET"),
    ("DNS_SERVERS", "$HOME_NET"),
    ("TELNET_SERVERS", "$HOME_NET"),
    ("AIM_SERVERS", "$EXTERNAL_NET"),
    ("DC_SERVERS", "$HOME_NET"),
    ("DNP3_SERVER", "$HOME_NET"),
    ("DNP3_CLIENT", "$HOME_NET"),
    ("MODBUS_CLIENT", "$HOME_NET"),
    ("MODBUS_SERVER", "$HOME_NET"),
    ("ENIP_CLIENT", "$HOME_NET"),
    ("ENIP_SERVER", "$HOME_NET"),
];

/// Suricata's default `vars.port-groups`, likewise.
pub const DEFAULT_PORTS: &[(&str, &str)] = &[
    ("HTTP_PORTS", "80"),
    ("SHELLCODE_PORTS", "!80"),
    ("ORACLE_PORTS", "1521"),
    ("SSH_PORTS", "22"),
    ("DNP3_PORTS", "20000"),
    ("MODBUS_PORTS", "502"),
    ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
    ("FTP_PORTS", "21"),
    ("GENEVE_PORTS", "6081"),
    ("VXLAN_PORTS", "4789"),
    ("TEREDO_PORTS", "3544"),
];

/// The values of variables, addresses and ports apart.
#[derive(Clone, Debug)]
pub struct Variables {
    addresses: BTreeMap<Box<str>, Group<AddressRange>>,
    ports: BTreeMap<Box<str>, Group<PortRange>>,
}

impl Default for Variables {
    /// Suricata's defaults: the private networks are at home, everything else is not.
    fn default() -> Self {
        let mut variables = Self::none();
        for (name, value) in DEFAULT_ADDRESSES {
            variables.set_addresses(name, value).expect("the default addresses are well formed");
        }
        for (name, value) in DEFAULT_PORTS {
            variables.set_ports(name, value).expect("the default ports are well formed");
        }
        variables
    }
}

impl Variables {
    /// No variable at all.
    pub fn none() -> Self {
        Self { addresses: BTreeMap::new(), ports: BTreeMap::new() }
    }

    /// Gives a name (without `$`) to addresses. They may name other variables, also such as are set later.
    ///
    /// # Errors
    ///
    /// When the value is no group of addresses; the place counts from the start of the value.
    pub fn set_addresses(&mut self, name: &str, value: &str) -> Result<(), Diagnostic> {
        self.addresses.insert(name.into(), read(value)?);
        Ok(())
    }

    /// Gives a name (without `$`) to ports, likewise.
    ///
    /// # Errors
    ///
    /// When the value is no group of ports; the place counts from the start of the value.
    pub fn set_ports(&mut self, name: &str, value: &str) -> Result<(), Diagnostic> {
        self.ports.insert(name.into(), read(value)?);
        Ok(())
    }

    /// Every variable that holds addresses, by name.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &Group<AddressRange>)> {
        self.addresses.iter().map(|(name, group)| (&**name, group))
    }

    /// Every variable that holds ports, by name.
    pub fn ports(&self) -> impl Iterator<Item = (&str, &Group<PortRange>)> {
        self.ports.iter().map(|(name, group)| (&**name, group))
    }
}

fn read<T: Item>(value: &str) -> Result<Group<T>, Diagnostic> {
    let too_large =
        |error: SourceTooLarge| Diagnostic::error("variable-too-large", Span::default(), error.to_string());
    parse::group(&Text::detached(value).map_err(too_large)?)
}

/// Turns the groups of rules into sets, equal ones shared.
#[derive(Debug)]
pub struct Resolver<'v> {
    addresses: Table<'v, AddressRange>,
    ports: Table<'v, PortRange>,
}

impl<'v> Resolver<'v> {
    /// For rules under these variables.
    pub fn new(variables: &'v Variables) -> Self {
        Self { addresses: Table::new(&variables.addresses), ports: Table::new(&variables.ports) }
    }

    /// The addresses that a group means.
    ///
    /// A list means what stands in it without a negation, less what stands negated in it, however deep; an even
    /// number of negations is none. Where there are negations alone, they are taken from all addresses of their
    /// family, and the other family is left out.
    ///
    /// # Errors
    ///
    /// When a variable is not defined or defined in terms of itself, when `any` is negated, and when nothing is left
    /// (Suricata documentation: "Rules Format", Source and destination).
    pub fn addresses(&mut self, group: &Group<AddressRange>) -> Result<Arc<AddressSet>, Diagnostic> {
        let ports = self.ports.definitions;
        self.addresses.resolve(group).map_err(|fault| fault.told(|name| ports.contains_key(name)))
    }

    /// Whether a group negates anything, itself or by a variable.
    pub fn negates(&self, group: &Group<AddressRange>) -> bool {
        negates(self.addresses.definitions, group, MAX_NESTING)
    }

    /// The ports that a group means, by the same rules.
    ///
    /// # Errors
    ///
    /// As for addresses.
    pub fn ports(&mut self, group: &Group<PortRange>) -> Result<Arc<PortSet>, Diagnostic> {
        let addresses = self.addresses.definitions;
        self.ports.resolve(group).map_err(|fault| fault.told(|name| addresses.contains_key(name)))
    }
}

fn negates(
    definitions: &BTreeMap<Box<str>, Group<AddressRange>>,
    group: &Group<AddressRange>,
    depth: usize,
) -> bool {
    let below = |group: &Group<AddressRange>| depth > 0 && negates(definitions, group, depth - 1);
    group.negated
        || match &group.kind {
            GroupKind::List(groups) => groups.iter().any(below),
            GroupKind::Variable(name) => definitions.get(&*name.to_str_lossy()).is_some_and(below),
            GroupKind::Any | GroupKind::One(_) => false,
        }
}

/// The variables of one kind, what they came down to so far, and the sets made of them.
#[derive(Debug)]
struct Table<'v, T: Resolve> {
    definitions: &'v BTreeMap<Box<str>, Group<T>>,
    resolved: HashMap<&'v str, Entry>,
    sets: HashSet<Arc<T::Set>>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// Its definition is being read: whoever names it now closes a circle.
    Begun,
    Done(Result<Arc<Parts>, Fault>),
}

/// What stands in a group without a negation, and what stands negated in it.
#[derive(Clone, Debug, Default)]
struct Parts {
    plus: Families,
    minus: Families,
    has_any: bool,
    /// The most variables that name each other in a chain below it.
    height: usize,
}

impl<'v, T: Resolve> Table<'v, T> {
    fn new(definitions: &'v BTreeMap<Box<str>, Group<T>>) -> Self {
        Self { definitions, resolved: HashMap::new(), sets: HashSet::new() }
    }

    fn resolve(&mut self, group: &Group<T>) -> Result<Arc<T::Set>, Fault> {
        let mut parts = Parts::default();
        self.collect(group, false, &mut parts, 0)?;
        let left = std::array::from_fn(|family| {
            let minus: RangeSet<u128> = parts.minus[family].iter().copied().collect();
            let plus: RangeSet<u128> = if parts.plus[family].is_empty() && !minus.is_empty() {
                [(0, T::HIGHEST[family])].into_iter().collect()
            } else {
                parts.plus[family].iter().copied().collect()
            };
            plus.minus(&minus)
        });
        if left.iter().all(RangeSet::is_empty) {
            return Err(Fault { span: group.span, kind: FaultKind::NothingLeft });
        }
        let set = T::set(left);
        if let Some(known) = self.sets.get(&set) {
            return Ok(Arc::clone(known));
        }
        let set = Arc::new(set);
        self.sets.insert(Arc::clone(&set));
        Ok(set)
    }

    fn collect(
        &mut self,
        group: &Group<T>,
        negated: bool,
        into: &mut Parts,
        chain: usize,
    ) -> Result<(), Fault> {
        let negated = negated != group.negated;
        let negated_any = Fault { span: group.span, kind: FaultKind::NegatedAny };
        match &group.kind {
            GroupKind::Any if negated => return Err(negated_any),
            GroupKind::Any => {
                into.has_any = true;
                for (family, &highest) in into.plus.iter_mut().zip(T::HIGHEST) {
                    family.push((0, highest));
                }
            }
            GroupKind::One(one) => {
                let (family, bounds) = one.bounds();
                let side = if negated { &mut into.minus } else { &mut into.plus };
                side[family].push(bounds);
            }
            GroupKind::List(members) => {
                for member in members {
                    self.collect(member, negated, into, chain)?;
                }
            }
            GroupKind::Variable(name) => {
                let parts = self.variable(&name.to_str_lossy(), chain + 1);
                let parts = parts.map_err(|fault| Fault { span: group.span, ..fault })?;
                if negated && parts.has_any {
                    return Err(negated_any);
                }
                into.has_any |= parts.has_any;
                into.height = into.height.max(parts.height + 1);
                let (plus, minus) =
                    if negated { (&parts.minus, &parts.plus) } else { (&parts.plus, &parts.minus) };
                for family in 0..T::HIGHEST.len() {
                    into.plus[family].extend_from_slice(&plus[family]);
                    into.minus[family].extend_from_slice(&minus[family]);
                }
            }
        }
        Ok(())
    }

    /// The parts of a variable, read once.
    fn variable(&mut self, name: &str, chain: usize) -> Result<Arc<Parts>, Fault> {
        let fault = |kind: FaultKind| Fault { span: Span::default(), kind };
        let Some((name, group)) = self.definitions.get_key_value(name) else {
            let likeness = |known: &str| strsim::jaro_winkler(known, name);
            let near = self.definitions.keys().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            let near = near.filter(|near| likeness(near) > 0.8).map(|near| near.to_string());
            return Err(fault(FaultKind::Undefined { name: name.to_owned(), near }));
        };
        match self.resolved.get(&**name) {
            Some(Entry::Done(result)) => return result.clone(),
            Some(Entry::Begun) => return Err(fault(FaultKind::Circular { name: name.to_string() })),
            None => {}
        }
        let too_long = || Fault { span: Span::default(), kind: FaultKind::LongChain };
        if chain > MAX_CHAIN {
            return Err(too_long());
        }
        self.resolved.insert(name, Entry::Begun);
        let mut parts = Parts::default();
        let collected = self.collect(group, false, &mut parts, chain);
        if matches!(&collected, Err(fault) if matches!(fault.kind, FaultKind::LongChain)) {
            // Too long from where it was entered: from further down the same variable may do.
            self.resolved.remove(&**name);
            return Err(too_long());
        }
        let is_short = |()| if parts.height < MAX_CHAIN { Ok(()) } else { Err(too_long()) };
        let result = collected.and_then(is_short).map(|()| {
            // Tidied, a chain of variables that each name the next one twice does not grow.
            for ranges in parts.plus.iter_mut().chain(&mut parts.minus) {
                *ranges = ranges.iter().copied().collect::<RangeSet<u128>>().ranges().to_vec();
            }
            Arc::new(parts)
        });
        self.resolved.insert(name, Entry::Done(result.clone()));
        result
    }
}

/// Why a group means nothing, and where in the rule it stands.
#[derive(Clone, Debug)]
struct Fault {
    span: Span,
    kind: FaultKind,
}

#[derive(Clone, Debug)]
enum FaultKind {
    Undefined { name: String, near: Option<String> },
    Circular { name: String },
    LongChain,
    NegatedAny,
    NothingLeft,
}

impl Fault {
    /// The diagnostic; `is_other` tells the names of variables of the other kind.
    fn told(self, is_other: impl Fn(&str) -> bool) -> Diagnostic {
        let (code, message, help) = match self.kind {
            FaultKind::Undefined { name, .. } if is_other(&name) => {
                let message = format!("`${name}` cannot stand here");
                ("wrong-variable", message, "addresses and ports are variables of different kinds".to_owned())
            }
            FaultKind::Undefined { name, near } => {
                let help = match near {
                    Some(near) => format!("did you mean `${near}`?"),
                    None => format!("give `{name}` a value in the configuration"),
                };
                ("undefined-variable", format!("there is no variable `${name}`"), help)
            }
            FaultKind::Circular { name } => {
                let message = format!("the variable `${name}` is defined in terms of itself");
                ("circular-variable", message, "give it a value without variables".to_owned())
            }
            FaultKind::LongChain => {
                let message = format!("more than {MAX_CHAIN} variables name each other in a chain");
                ("long-variable-chain", message, "give the variable a value without variables".to_owned())
            }
            FaultKind::NegatedAny => {
                let help = "name what is to be left out, or remove the exclamation mark".to_owned();
                ("negated-any", "not `any` means nothing at all".to_owned(), help)
            }
            FaultKind::NothingLeft => {
                let message = "the negations leave nothing over".to_owned();
                ("nothing-left", message, "remove a negation, or what it takes away".to_owned())
            }
        };
        Diagnostic::error(code, self.span, message).with_help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(variables: &Variables, group: &str) -> Result<Arc<AddressSet>, &'static str> {
        let group = read(group).unwrap();
        Resolver::new(variables).addresses(&group).map_err(|found| found.code)
    }

    fn ports(group: &str) -> Result<Vec<(u16, u16)>, &'static str> {
        let variables = Variables::default();
        let group = read(group).unwrap();
        let set = Resolver::new(&variables).ports(&group).map_err(|found| found.code)?;
        Ok(set.ranges().ranges().to_vec())
    }

    #[test]
    fn the_examples_of_the_documentation() {
        assert_eq!(ports("[80, 81, 82]").unwrap(), [(80, 82)]);
        assert_eq!(ports("[80: 82]").unwrap(), [(80, 82)]);
        assert_eq!(ports("[1024: ]").unwrap(), [(1024, 65535)]);
        assert_eq!(ports("!80").unwrap(), [(0, 79), (81, 65535)]);
        assert_eq!(ports("[80:100,!99]").unwrap(), [(80, 98), (100, 100)]);
        assert_eq!(ports("[1:80,![2,4]]").unwrap(), [(1, 1), (3, 3), (5, 80)]);

        let all = Variables::default();
        let holds =
            |group: &str, address: &str| addresses(&all, group).unwrap().contains(address.parse().unwrap());
        assert!(holds("! 1.1.1.1", "1.1.1.2") && !holds("! 1.1.1.1", "1.1.1.1"));
        assert!(!holds("![1.1.1.1, 1.1.1.2]", "1.1.1.2"));
        assert!(holds("[$EXTERNAL_NET, !$HOME_NET]", "1.1.1.1"));
        assert!(!holds("[$EXTERNAL_NET, !$HOME_NET]", "10.1.1.1"));
        assert!(
            holds("[10.0.0.0/24, !10.0.0.5]", "10.0.0.6") && !holds("[10.0.0.0/24, !10.0.0.5]", "10.0.0.5")
        );
    }

    #[test]
    fn the_default_variables_mean_something() {
        let variables = Variables::default();
        let mut resolver = Resolver::new(&variables);
        for (name, _) in variables.addresses() {
            resolver.addresses(&read(&format!("${name}")).unwrap()).unwrap();
        }
        for (name, _) in variables.ports() {
            resolver.ports(&read(&format!("${name}")).unwrap()).unwrap();
        }
        assert_eq!(ports("$FILE_DATA_PORTS").unwrap(), [(80, 80), (110, 110), (143, 143)]);
    }

    #[test]
    fn negations_work_family_by_family() {
        let variables = Variables::default();
        let set = addresses(&variables, "$EXTERNAL_NET").unwrap();
        assert!(set.contains("1.1.1.1".parse().unwrap()) && !set.contains("::1".parse().unwrap()));
        let set = addresses(&variables, "[10.0.0.0/8,!::1]").unwrap();
        assert!(set.contains("::2".parse().unwrap()) && !set.contains("::1".parse().unwrap()));
        assert!(set.contains("10.1.1.1".parse().unwrap()) && !set.contains("11.1.1.1".parse().unwrap()));
    }

    #[test]
    fn two_negations_are_none() {
        let variables = Variables::default();
        let home = addresses(&variables, "$HOME_NET").unwrap();
        assert_eq!(addresses(&variables, "!$EXTERNAL_NET").unwrap(), home);
        assert_eq!(addresses(&variables, "![!$HOME_NET]").unwrap(), home);
    }

    #[test]
    fn equal_sets_are_shared() {
        let variables = Variables::default();
        let mut resolver = Resolver::new(&variables);
        let mut set = |group: &str| resolver.addresses(&read(group).unwrap()).unwrap();
        let home = set("$HOME_NET");
        assert!(Arc::ptr_eq(&home, &set("[$SQL_SERVERS,10.1.0.0/16]")));
        assert!(!Arc::ptr_eq(&home, &set("any")));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let mut variables = Variables::default();
        variables.set_addresses("ANY", "any").unwrap();
        variables.set_addresses("A", "$B").unwrap();
        variables.set_addresses("B", "[10.0.0.1,!$A]").unwrap();
        for (group, code) in [
            ("!any", "negated-any"),
            ("!$ANY", "negated-any"),
            ("[10.0.0.1,!any]", "negated-any"),
            ("[10.0.0.1,!10.0.0.0/8]", "nothing-left"),
            ("!0.0.0.0/0", "nothing-left"),
            ("$A", "circular-variable"),
            ("$HOME_NTE", "undefined-variable"),
            ("$HTTP_PORTS", "wrong-variable"),
        ] {
            assert_eq!(addresses(&variables, group).unwrap_err(), code, "{group}");
        }
        assert_eq!(ports("$HOME_NET").unwrap_err(), "wrong-variable");
        assert_eq!(ports("[80,!$HTTP_PORTS]").unwrap_err(), "nothing-left");
    }

    #[test]
    fn faults_stand_where_the_rule_names_the_variable() {
        let mut variables = Variables::none();
        variables.set_addresses("A", "[10.0.0.1,$NONE]").unwrap();
        let mut resolver = Resolver::new(&variables);
        for _ in 0..2 {
            let found = resolver.addresses(&read("[1.1.1.1,$A]").unwrap()).unwrap_err();
            assert_eq!((found.span, &*found.message), (Span::new(9, 11), "there is no variable `$NONE`"));
        }
    }

    #[test]
    fn chains_of_variables_are_limited_and_do_not_grow() {
        let mut variables = Variables::none();
        variables.set_addresses("V0", "10.0.0.0/8").unwrap();
        for index in 1..100 {
            let deep = format!("{}$V{}{}", "[".repeat(64), index - 1, "]".repeat(64));
            let twice = format!("[$V{0},$V{0},!10.0.0.1]", index - 1);
            variables.set_addresses(&format!("V{index}"), if index > 60 { &deep } else { &twice }).unwrap();
        }
        for order in [[15, 16, 99], [99, 16, 15], [16, 15, 99]] {
            let mut resolver = Resolver::new(&variables);
            for index in order {
                let found = resolver.addresses(&read(&format!("$V{index}")).unwrap());
                let expected = if index == 15 { None } else { Some("long-variable-chain") };
                assert_eq!(found.err().map(|found| found.code), expected, "$V{index} of {order:?}");
            }
        }
    }
}
