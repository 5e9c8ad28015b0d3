//! Who is compared, and in which situations.

use serde_json::{Value, json};

const MIB: u64 = 1 << 20;

/// Somebody who uploads.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What the scripts beside this file call it.
    pub(crate) script: &'static str,
    /// Partway's `uploads.checksum`; the others have their own back end.
    pub(crate) checksum: Option<&'static str>,
    /// Of the bare loop: whether it hashes what it sends.
    checked: bool,
    /// Of Partway: the part size that the page asks for; none is what it plans itself.
    part_size: Option<u64>,
    /// The names of the store that are sent to in turn: by Partway, by its configuration; by the bare loop, itself.
    pub(crate) hosts: Option<&'static [&'static str]>,
}

impl Peer {
    const fn new(name: &'static str, script: &'static str) -> Self {
        Self { name, script, checksum: None, checked: false, part_size: None, hosts: None }
    }

    const fn partway(name: &'static str, checksum: &'static str) -> Self {
        Self { checksum: Some(checksum), ..Self::new(name, "partway") }
    }

    /// What its script is told.
    pub(crate) fn settings(&self, scenario: &Scenario) -> Value {
        json!({
            "atOnce": scenario.bare_at_once,
            "partSize": scenario.bare_part_size,
            "checked": self.checked,
            "asksFor": self.part_size,
            "hosts": self.hosts,
        })
    }
}

const UNCHECKED: Peer = Peer::partway("Partway, checksums off", "none");
const CHECKED: Peer = Peer::partway("Partway, checksums on", "crc64_nvme");
/// With the bare loop's own parts, as one would have them where the network is known to be fast.
const UNCHECKED_LARGE: Peer =
    Peer { part_size: Some(64 * MIB), ..Peer::partway("Partway, checksums off, 64 MiB parts", "none") };
const CHECKED_LARGE: Peer =
    Peer { part_size: Some(64 * MIB), ..Peer::partway("Partway, checksums on, 64 MiB parts", "crc64_nvme") };
const BARE: Peer = Peer::new("a bare loop", "bare");
const BARE_IN_WORKER: Peer = Peer::new("a bare loop in a worker", "bareInWorker");
const BARE_CHECKED: Peer =
    Peer { checked: true, ..Peer::new("a bare loop in a worker, hashing", "bareInWorker") };
const BARE_FORMS: Peer = Peer::new("a bare loop of forms", "bareForms");
/// Two hosts to Chromium, with six connections each.
const TWO_HOSTS: Option<&[&str]> = Some(&["127.0.0.1", "localhost"]);
const CHECKED_TWO_HOSTS: Peer =
    Peer { hosts: TWO_HOSTS, ..Peer::partway("Partway, checksums on, two host names", "crc64_nvme") };
const BARE_TWO_HOSTS: Peer = Peer { hosts: TWO_HOSTS, ..Peer::new("a bare loop, two host names", "bare") };
const BARE_FORMS_TWO_HOSTS: Peer =
    Peer { hosts: TWO_HOSTS, ..Peer::new("a bare loop of forms, two host names", "bareForms") };
/// By default, with an endpoint that speaks Companion's protocol.
const UPPY: Peer = Peer::new("Uppy 5 as it comes", "uppy");
/// In parts of 16 MiB, and without a request for each signature.
const UPPY_AT_ITS_BEST: Peer = Peer::new("Uppy 5 at its best", "uppyAtItsBest");
const BETTER_UPLOAD: Peer = Peer::new("better-upload", "betterUpload");

/// What cuts connections to the store.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cuts {
    None,
    /// So many of the PUTs, however large they are.
    OfPuts(f64),
    /// So many of the MiB that are sent, so that larger PUTs are cut more often.
    OfMebibytes(f64),
}

/// A situation, and those who are compared in it.
pub(crate) struct Scenario {
    /// What the command line calls it.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) files: u64,
    /// Bytes of each.
    pub(crate) size: u64,
    /// Whether browser, server and store are on a line of [`ROUND_TRIP`](crate::ROUND_TRIP) and
    /// [`BANDWIDTH`](crate::BANDWIDTH).
    pub(crate) has_line: bool,
    pub(crate) cuts: Cuts,
    /// Each peer once as the others, and once with the page's main thread blocked for 3 s in every 4.
    pub(crate) is_blocked: bool,
    /// With what the bare loop is at its best.
    bare_part_size: u64,
    bare_at_once: u32,
    pub(crate) peers: &'static [Peer],
}

pub(crate) const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "loopback",
        title: "1 GiB on loopback",
        peers: &[
            UNCHECKED,
            CHECKED,
            UNCHECKED_LARGE,
            CHECKED_LARGE,
            BARE,
            BARE_IN_WORKER,
            BARE_CHECKED,
            UPPY,
            UPPY_AT_ITS_BEST,
            BETTER_UPLOAD,
        ],
        ..LOOPBACK
    },
    Scenario {
        name: "line",
        title: "256 MiB over 100 ms and 100 MiB/s",
        size: 256 * MIB,
        has_line: true,
        bare_part_size: 16 * MIB,
        bare_at_once: 6,
        peers: ON_THE_LINE,
        ..LOOPBACK
    },
    Scenario {
        name: "small",
        title: "500 files of 50 KiB over 100 ms and 100 MiB/s",
        files: 500,
        size: 50 * 1024,
        has_line: true,
        bare_part_size: 16 * MIB,
        bare_at_once: 12,
        peers: &[
            UNCHECKED,
            CHECKED,
            CHECKED_TWO_HOSTS,
            BARE,
            BARE_TWO_HOSTS,
            BARE_FORMS,
            BARE_FORMS_TWO_HOSTS,
            UPPY,
            UPPY_AT_ITS_BEST,
            BETTER_UPLOAD,
        ],
        ..LOOPBACK
    },
    Scenario {
        name: "cuts",
        title: "256 MiB over 100 ms and 100 MiB/s, 1 % of the PUTs cut",
        size: 256 * MIB,
        has_line: true,
        cuts: Cuts::OfPuts(0.01),
        bare_part_size: 16 * MIB,
        bare_at_once: 6,
        peers: ON_THE_LINE,
        ..LOOPBACK
    },
    Scenario {
        name: "cuts-per-mib",
        title: "256 MiB over 100 ms and 100 MiB/s, cut once in 100 MiB",
        size: 256 * MIB,
        has_line: true,
        cuts: Cuts::OfMebibytes(0.01),
        bare_part_size: 16 * MIB,
        bare_at_once: 6,
        peers: ON_THE_LINE,
        ..LOOPBACK
    },
    Scenario {
        name: "blocked",
        title: "1 GiB on loopback while the main thread is blocked for 3 s in every 4",
        is_blocked: true,
        peers: &[UNCHECKED, CHECKED, BARE, BARE_IN_WORKER, UPPY_AT_ITS_BEST, BETTER_UPLOAD],
        ..LOOPBACK
    },
];

const ON_THE_LINE: &[Peer] = &[UNCHECKED, CHECKED, BARE, UPPY, UPPY_AT_ITS_BEST, BETTER_UPLOAD];

const LOOPBACK: Scenario = Scenario {
    name: "",
    title: "",
    files: 1,
    size: 1024 * MIB,
    has_line: false,
    cuts: Cuts::None,
    is_blocked: false,
    bare_part_size: 64 * MIB,
    bare_at_once: 4,
    peers: &[],
};

impl Scenario {
    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files * self.size
    }

    /// The name of a peer's row.
    pub(crate) fn row(peer: &Peer, is_blocked: bool) -> String {
        if is_blocked { format!("{}, blocked", peer.name) } else { peer.name.to_owned() }
    }

    /// The rows to compare: ours with each of the others', and what the blocked page costs each.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let (ours, theirs): (Vec<&Peer>, Vec<&Peer>) =
            self.peers.iter().partition(|peer| peer.checksum.is_some());
        let mut pairs = Vec::new();
        for ours in ours {
            for theirs in &theirs {
                pairs.push((Self::row(ours, self.is_blocked), Self::row(theirs, self.is_blocked)));
            }
        }
        if self.is_blocked {
            let costs = self.peers.iter().map(|peer| (Self::row(peer, true), Self::row(peer, false)));
            pairs.extend(costs);
        }
        pairs
    }
}
