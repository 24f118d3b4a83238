use super::{COUNTERPARTS, HOST_POLICIES, Import, ImportError, import};
use crate::config::key::Keys;
use crate::config::{Config, DatasetConfig, DatasetType, Sources};
use crate::decode::ChecksumMode;
use crate::reassembly::fragment::OverlapPolicy;
use crate::reassembly::stream::{UrgentLimitPolicy, UrgentPolicy};
use crate::runtime;
use std::io::Write;
use std::path::Path;

fn imported(yaml: &str) -> Import {
    import("suricata.yaml", yaml).unwrap()
}

/// The configuration that a suricata.yaml becomes, as a command reads it.
fn config(yaml: &str) -> Config {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(imported(yaml).toml.as_bytes()).unwrap();
    let sources = Sources { file: Some(file.path().to_path_buf()), ..Sources::default() };
    let config = sources.load().unwrap().config;
    runtime::variables(&config).unwrap();
    config
}

fn left_out(yaml: &str) -> Vec<(String, String)> {
    imported(yaml).left_out.into_iter().map(|left| (left.key, left.why)).collect()
}

#[test]
fn every_counterpart_is_a_key() {
    let keys = Keys::new();
    for (from, to, _) in COUNTERPARTS {
        assert!(keys.find(&to.split('.').collect::<Vec<_>>()).is_ok_and(|node| !node.is_table()), "{from}");
    }
    for (system, policy) in HOST_POLICIES {
        serde_json::from_value::<OverlapPolicy>((*policy).into()).expect(system);
    }
}

#[test]
fn what_has_a_counterpart_is_taken_over() {
    let config = config(
        "%YAML 1.1\n---\n\
         vars:\n\
        \x20 address-groups:\n\
        \x20   HOME_NET: \"[192.0.2.0/24,2001:db8::/32]\"\n\
        \x20   EXTERNAL_NET: any\n\
        \x20   OURS: [192.0.2.1, '!192.0.2.2']\n\
        \x20 port-groups:\n\
        \x20   SSH_PORTS: 2222\n\
        \x20   VXLAN_PORTS: [4789, 8472]\n\
         default-rule-path: /etc/suricata/rules\n\
         rule-files:\n\
        \x20 - emerging.rules\n\
        \x20 - /opt/own.rules\n\
        \x20 - more/*.rules\n\
         classification-file: /etc/suricata/classification.config\n\
         threshold-file: /etc/suricata/threshold.config\n\
         packet-alert-max: 30\n\
         vlan:\n\
        \x20 use-for-tracking: no\n\
         flow:\n\
        \x20 memcap: 2gb\n\
         flow-timeouts:\n\
        \x20 default: {new: 1, established: 2, closed: 0}\n\
        \x20 tcp: {new: 3, established: 4, closed: 5}\n\
        \x20 udp: {new: 6, established: 7}\n\
        \x20 icmp: {new: 8, established: 9}\n\
         defrag:\n\
        \x20 memcap: 64 MiB\n\
        \x20 trackers: 1000\n\
        \x20 timeout: 30\n\
         stream:\n\
        \x20 midstream: true\n\
        \x20 async-oneside: true\n\
        \x20 memcap: 32mb\n\
        \x20 reassembly: {memcap: 128mb, depth: 2mb, urgent: {policy: inline, oob-limit-policy: gap}}\n\
         decoder:\n\
        \x20 teredo: {enabled: false, ports: $TEREDO_PORTS}\n\
        \x20 vxlan: {enabled: true, ports: $VXLAN_PORTS}\n\
         host-os-policy:\n\
        \x20 linux: [0.0.0.0/0, \"::/0\"]\n\
        \x20 macos: [192.0.2.7]\n",
    );
    let variables = &config.variables;
    assert_eq!(variables.addresses["HOME_NET"].as_str(), "[192.0.2.0/24,2001:db8::/32]");
    assert_eq!(variables.addresses["OURS"].as_str(), "[192.0.2.1,!192.0.2.2]");
    assert_eq!(variables.addresses["SQL_SERVERS"].as_str(), "$HOME_NET", "a default stays");
    assert_eq!(variables.ports["SSH_PORTS"].as_str(), "2222");
    let files = ["/etc/suricata/rules/emerging.rules", "/opt/own.rules", "/etc/suricata/rules/more"];
    assert_eq!(config.rules.files, files.map(Path::new));
    assert_eq!(
        config.rules.classification.as_deref(),
        Some(Path::new("/etc/suricata/classification.config"))
    );
    assert_eq!(config.rules.threshold.as_deref(), Some(Path::new("/etc/suricata/threshold.config")));
    assert_eq!(config.detect.max_alerts_per_packet, 30);
    assert!(!config.flow.vlan_use);
    let timeouts = &config.flow.timeouts;
    assert_eq!((timeouts.other.new_s, timeouts.other.established_s), (1, 2));
    assert_eq!((timeouts.tcp.new_s, timeouts.tcp.established_s, timeouts.tcp.closed_s), (3, 4, 5));
    assert_eq!((timeouts.udp.new_s, timeouts.icmp.established_s), (6, 9));
    let fragment = &config.limits.fragment;
    assert_eq!((fragment.bytes, fragment.datagrams, fragment.timeout_secs), (64 << 20, 1000, 30));
    assert_eq!(config.limits.flow.memory_bytes, 2 << 30);
    let (stream, limits) = (&config.stream, &config.limits.stream);
    assert!(stream.midstream && stream.one_sided);
    assert_eq!((stream.urgent, stream.urgent_limit), (UrgentPolicy::Inline, UrgentLimitPolicy::Gap));
    assert_eq!(
        (stream.depth_bytes, limits.session_bytes, limits.memory_bytes),
        (2 << 20, 32 << 20, 128 << 20)
    );
    let tunnels = &config.decode.tunnel_ports;
    assert_eq!(
        (&*tunnels.teredo, &*tunnels.vxlan, &*tunnels.geneve),
        (&[][..], &[4789, 8472][..], &[6081][..])
    );
    let policy = |host: &str| config.reassembly.host_policies.policy(host.parse().unwrap());
    assert_eq!(policy("192.0.2.1"), OverlapPolicy::Linux);
    assert_eq!(policy("192.0.2.7"), OverlapPolicy::First);
    assert_eq!(policy("::1"), OverlapPolicy::Linux);
}

#[test]
fn lists_that_rules_ask_are_taken_over() {
    let yaml = "default-reputation-path: /etc/suricata/iprep\n\
         reputation-categories-file: /etc/suricata/iprep/categories.txt\n\
         reputation-files:\n\
        \x20 - bad.list\n\
        \x20 - /opt/own.list\n\
         geoip-database: /usr/share/GeoIP/GeoLite2-Country.mmdb\n\
         datasets:\n\
        \x20 defaults: {memcap: 10mb, hashsize: 2048}\n\
        \x20 rules: {allow-write: no}\n\
        \x20 ua-seen: {type: md5, state: ua-seen.lst, memcap: 1kb}\n\
        \x20 odd: {type: number}\n";
    let Config { reputation, geoip, datasets, limits, .. } = config(yaml);
    assert_eq!(reputation.categories.as_deref(), Some(Path::new("/etc/suricata/iprep/categories.txt")));
    assert_eq!(reputation.files, ["/etc/suricata/iprep/bad.list", "/opt/own.list"].map(Path::new));
    assert_eq!(geoip.database.as_deref(), Some(Path::new("/usr/share/GeoIP/GeoLite2-Country.mmdb")));
    assert!(!datasets.allow_write);
    assert_eq!(limits.memory.dataset_bytes, 10 << 20);
    let set = DatasetConfig {
        kind: DatasetType::Md5,
        state: Some("ua-seen.lst".into()),
        memcap_bytes: Some(1024),
        ..DatasetConfig::default()
    };
    assert_eq!(datasets.sets.into_iter().collect::<Vec<_>>(), [("ua-seen".to_owned(), set)]);
    let left_out: Vec<String> = left_out(yaml).into_iter().map(|(key, _)| key).collect();
    assert_eq!(left_out, ["datasets.odd.type", "datasets.defaults.hashsize"]);
}

#[test]
fn two_settings_say_what_checksums_mean() {
    for (yaml, mode) in [
        ("stream: {checksum-validation: yes}", ChecksumMode::Auto),
        ("stream: {checksum-validation: no}\npcap-file: {checksum-checks: yes}", ChecksumMode::None),
        ("stream: {checksum-validation: yes}\npcap-file: {checksum-checks: yes}", ChecksumMode::All),
        ("pcap-file: {checksum-checks: no}", ChecksumMode::None),
        ("pcap-file: {checksum-checks: auto}", ChecksumMode::Auto),
    ] {
        assert_eq!(config(yaml).decode.checksums, mode, "{yaml}");
    }
}

#[test]
fn files_are_stored_where_they_were() {
    let yaml = |store: &str| format!("outputs: [{{fast: {{enabled: yes}}}}, {{file-store: {store}}}]");
    let stored = config(&yaml("{enabled: yes, dir: files, stream-depth: 2mb, force-magic: no}")).file_store;
    assert_eq!(stored.directory.as_deref(), Some(Path::new("files")));
    assert_eq!(stored.stream_depth_bytes, Some(2 << 20));
    let yaml_with_log = format!("{}\ndefault-log-dir: /logs/", yaml("{enabled: yes, stream-depth: no}"));
    let stored = config(&yaml_with_log).file_store;
    assert_eq!(stored.directory.as_deref(), Some(Path::new("/logs/filestore")));
    assert_eq!(stored.stream_depth_bytes, None);
    for off in ["{enabled: no, dir: files}", "{dir: files}"] {
        assert_eq!(config(&yaml(off)).file_store, Default::default(), "{off}");
    }
    let left: Vec<String> =
        left_out(&yaml("{enabled: yes, force-magic: no}")).into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, ["outputs.file-store.force-magic", "outputs"]);
    assert!(left_out("outputs: [{file-store: {enabled: yes}}]").is_empty());
}

#[test]
fn what_has_none_is_named_a_section_as_a_whole_where_nothing_of_it_was_taken() {
    let yaml =
        "outputs:\n  - fast: {enabled: yes}\nflow: {memcap: 1mb, hash-size: 65536}\nnfq:\nrunmode: workers\n";
    let why = |key: &str| (key.to_owned(), "no counterpart here".to_owned());
    assert_eq!(left_out(yaml), [why("outputs"), why("flow.hash-size"), why("runmode")]);
    let comments: Vec<String> =
        imported(yaml).toml.lines().filter_map(|line| line.strip_prefix("# ").map(str::to_owned)).collect();
    assert!(comments.contains(&"flow.hash-size: no counterpart here".to_owned()), "{comments:?}");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_taken() {
    let yaml = "\
        vars:\n\
       \x20 address-groups: {HOME_NET: '[10.0.0.0/8', EXTERNAL_NET: !$HOME_NET, FINE: 192.0.2.1}\n\
       \x20 port-groups: none\n\
        packet-alert-max: 70000\n\
        defrag: {memcap: lots}\n\
        rule-files: [a.rules, 'b-*.rules']\n\
        decoder: {geneve: {ports: any}, vxlan: {ports: $NO_PORTS}}\n\
        host-os-policy: {plan9: [10.0.0.0/8], linux: [nowhere]}\n\
        stream: {checksum-validation: perhaps}\n";
    let found = left_out(yaml);
    let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "rule-files",
            "vars.address-groups.HOME_NET",
            "vars.address-groups.EXTERNAL_NET",
            "vars.port-groups",
            "packet-alert-max",
            "defrag.memcap",
            "stream.checksum-validation",
            "host-os-policy.plan9",
            "host-os-policy.linux",
            "decoder.vxlan.ports",
            "decoder.geneve.ports",
        ],
        "{found:?}"
    );
    let config = config(yaml);
    assert_eq!(config.variables.addresses["FINE"].as_str(), "192.0.2.1");
    assert_eq!(config.rules.files, [Path::new("a.rules")]);
}

#[test]
fn files_that_include_others_are_refused_by_the_others_names() {
    let fault = import(
        "a",
        "include: [b.yaml, c.yaml]\nvars:\n  address-groups:\n    include: d.yaml\noutputs: !include e.yaml\n",
    );
    let text = fault.unwrap_err().to_string();
    assert_eq!(
        text,
        "it includes other files: `b.yaml`, `c.yaml` at `include`, `d.yaml` at `vars.address-groups.include`, \
         `e.yaml` at `outputs`"
    );
}

#[test]
fn broken_yaml_is_refused_with_its_line() {
    let fault = import("a", "%YAML 1.1\n---\nvars:\n  a: [1\nb: 2\n").unwrap_err();
    assert!(matches!(&fault, ImportError::Yaml(_)) && fault.to_string().contains("line 5"), "{fault}");
    let fault = import("a", "flow: {memcap: 1}\nflow: {memcap: 2}\n").unwrap_err();
    assert!(fault.to_string().contains("flow"), "{fault}");
    assert!(matches!(import("a", "%YAML 1.1\n---\n"), Err(ImportError::NoSettings)));
    assert!(matches!(import("a", "just words"), Err(ImportError::NoSettings)));
}

#[test]
fn a_comment_stays_one_line_whatever_a_key_holds() {
    let toml = imported("\"a\\nb = 1\": x\n").toml;
    assert!(toml.lines().all(|line| line.is_empty() || line.starts_with('#')), "{toml}");
}
