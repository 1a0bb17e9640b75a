//! Prospective paths from a certificate to an anchor (RFC 4158).
//!
//! First the certificates that may lead upward are gathered by name, each once, with how far each is from an anchor: what
//! leads to none, or to none within the longest path, is never walked. Then paths are walked depth first, the likeliest issuer
//! first (RFC 4158 §3.5); an edge is followed only where the issuer's key made the signature, and every signature is checked
//! once per [`SignatureChecks`]. Certificates gathered and tried are counted, so that a pool made to be a maze ends at its
//! limit.

use super::{Inputs, LONGEST};
use crate::engine::error::ErrorKind;
use crate::engine::pki::trust::Anchors;
use crate::engine::pki::{Certificate, Certificates};
use crate::engine::time::Time;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;

/// Different dead ends that are told, at most.
const MOST_ENDS: usize = 4;

/// Which issuer's key made which signature; asked once each.
#[derive(Debug, Default)]
pub struct SignatureChecks {
    known: HashMap<([u8; 32], [u8; 32]), bool>,
}

impl SignatureChecks {
    /// The answer for the object and issuer of these fingerprints; `check` is asked where it is not known yet.
    pub fn check(
        &mut self,
        object: [u8; 32],
        issuer: [u8; 32],
        check: impl FnOnce() -> bool,
    ) -> bool {
        *self.known.entry((object, issuer)).or_insert_with(check)
    }

    /// Whether `issuer`'s key made the signature on `certificate`.
    pub fn is_signed_by(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.check(certificate.fingerprint(), issuer.fingerprint(), || {
            issuer
                .public_key()
                .is_ok_and(|key| certificate.is_signed_by(key))
        })
    }
}

/// Where the walk found nothing further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dead {
    /// No certificate of this one's issuer is known.
    NoIssuer(Certificate),
    /// Only certificates of that name whose key did not sign this one are known.
    NotSigned(Certificate),
    /// Its signature, or the keys of the issuers known, are of an algorithm that is not known here.
    Unsupported(Certificate),
    /// The paths that there are, are longer than they may be.
    TooLong,
    /// The limit on certificates tried was met.
    Limit,
}

/// A walk for paths.
#[derive(Debug)]
pub struct Search<'a> {
    /// The certificates to build from.
    pub pool: &'a Certificates,
    /// Where paths may end.
    pub anchors: &'a Anchors,
    /// How paths may look.
    pub inputs: &'a Inputs,
    /// When they should hold; issuers that were valid then are tried first.
    pub at: Time,
    /// Signatures checked so far.
    pub checks: &'a mut SignatureChecks,
    /// How many more certificates may be tried.
    pub steps: u32,
}

/// Shown every path; breaks off where it has seen enough.
type Visit<'v> = dyn FnMut(&[Certificate], &mut SignatureChecks) -> ControlFlow<()> + 'v;

impl Search<'_> {
    /// Shows every path from `target` to an anchor, both included, to `visit` until it breaks off. Answers the ends at
    /// which no path went on, where none was found.
    pub fn paths(&mut self, target: &Certificate, visit: &mut Visit<'_>) -> Vec<Dead> {
        if self.anchors.contains(target) {
            let _ = visit(std::slice::from_ref(target), self.checks);
            return Vec::new();
        }
        let longest = self.inputs.longest.min(LONGEST);
        let Some(graph) = self.gather(target, longest) else {
            return vec![Dead::Limit];
        };
        let mut walk = Walk {
            path: vec![target.clone()],
            nodes: vec![0],
            found: false,
            too_long: false,
        };
        let outcome = match graph.distance[0] {
            Some(_) => self.walk(&graph, &mut walk, longest, visit),
            None => Ok(ControlFlow::Continue(())),
        };
        match outcome {
            Err(Limit) => vec![Dead::Limit],
            Ok(_) if walk.found => Vec::new(),
            Ok(_) if walk.too_long => vec![Dead::TooLong],
            Ok(_) => self.ends(&graph).unwrap_or_else(|Limit| vec![Dead::Limit]),
        }
    }

    fn step(&mut self) -> Result<(), Limit> {
        self.steps = self.steps.checked_sub(1).ok_or(Limit)?;
        Ok(())
    }

    /// Whatever leads upward from `target` by name, as far as a path may be long, anchors being the ends; nothing where the
    /// limit was met.
    fn gather(&mut self, target: &Certificate, longest: usize) -> Option<Graph> {
        let mut graph = Graph::of(target);
        let mut next = 0;
        while next < graph.nodes.len() {
            let node = graph.nodes[next].clone();
            if graph.depth[next] < longest && !self.anchors.contains(&node) {
                let group = match graph.groups.get(node.issuer().bytes()) {
                    Some(group) => *group,
                    None => {
                        let named = self.anchors.named(node.issuer()).into_iter();
                        let named = named.chain(self.pool.named(node.issuer()));
                        let named: Vec<Certificate> = named.cloned().collect();
                        // The one issuer that everybody has is free.
                        for _ in named.iter().skip(1) {
                            self.step().ok()?;
                        }
                        graph.group(next, named)
                    }
                };
                graph.issuers[next] = Some(group);
            }
            next += 1;
        }
        graph.measure(self.anchors);
        Some(graph)
    }

    fn walk(
        &mut self,
        graph: &Graph,
        walk: &mut Walk,
        longest: usize,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, Limit> {
        let (Some(last), Some(&at)) = (walk.path.last().cloned(), walk.nodes.last()) else {
            return Ok(ControlFlow::Continue(()));
        };
        if graph.distance[at] == Some(0) {
            walk.found = true;
            return Ok(visit(&walk.path, self.checks));
        }
        for issuer in self.candidates(graph, at, &walk.path) {
            // The anchor itself has its place on the path.
            let room = longest.saturating_sub(walk.path.len() + 1);
            if graph.distance[issuer].is_none_or(|distance| distance > room) {
                walk.too_long |= graph.distance[issuer].is_some();
                continue;
            }
            self.step()?;
            let candidate = &graph.nodes[issuer];
            if !self.checks.is_signed_by(&last, candidate) {
                continue;
            }
            walk.path.push(candidate.clone());
            walk.nodes.push(issuer);
            let flow = self.walk(graph, walk, longest, visit)?;
            walk.path.pop();
            walk.nodes.pop();
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The issuers by name of a node, likeliest first: those whose key identifier is not another one (RFC 4158 §3.5.12: it sorts
    /// and never excludes), those near an anchor, those valid at the instant, the newer. None, anchors apart, whose name and
    /// key are on the path already: that is a loop.
    fn candidates(&self, graph: &Graph, at: usize, path: &[Certificate]) -> Vec<usize> {
        let on_path = |candidate: &Certificate| {
            path.iter()
                .any(|c| c.spki() == candidate.spki() && c.subject() == candidate.subject())
        };
        let members = graph.issuers[at].map_or(&[][..], |group| &graph.members[group]);
        let mut found: Vec<usize> = members
            .iter()
            .copied()
            .filter(|index| graph.distance[*index] == Some(0) || !on_path(&graph.nodes[*index]))
            .collect();
        let wanted = graph.nodes[at].authority_key_identifier().key.as_deref();
        found.sort_by_cached_key(|index| {
            let candidate = &graph.nodes[*index];
            let other_key = matches!((wanted, candidate.subject_key_identifier()), (Some(a), Some(b)) if a != b);
            let validity = candidate.validity();
            let valid = (validity.not_before..=validity.not_after).contains(&self.at);
            (
                other_key,
                graph.distance[*index].unwrap_or(usize::MAX),
                !valid,
                Reverse(validity.not_before),
            )
        });
        found
    }

    /// The ends at which no path goes on, each certificate visited once.
    fn ends(&mut self, graph: &Graph) -> Result<Vec<Dead>, Limit> {
        let (mut ends, mut open, mut seen) = (Vec::new(), vec![0], HashSet::from([0]));
        while let Some(at) = open.pop() {
            let node = &graph.nodes[at];
            let candidates = self.candidates(graph, at, std::slice::from_ref(node));
            let mut signed = false;
            for issuer in candidates.iter().rev() {
                self.step()?;
                if self.checks.is_signed_by(node, &graph.nodes[*issuer]) {
                    signed = true;
                    if seen.insert(*issuer) {
                        open.push(*issuer);
                    }
                }
            }
            if signed || ends.len() >= MOST_ENDS {
                continue;
            }
            let keys = candidates.iter().map(|index| &graph.nodes[*index]);
            ends.push(if graph.issuers[at].is_none() {
                Dead::TooLong
            } else if candidates.is_empty() {
                Dead::NoIssuer(node.clone())
            } else if is_unsupported(node, keys) {
                Dead::Unsupported(node.clone())
            } else {
                Dead::NotSigned(node.clone())
            });
        }
        Ok(ends)
    }
}

fn is_unsupported<'a>(
    certificate: &Certificate,
    mut issuers: impl Iterator<Item = &'a Certificate>,
) -> bool {
    let unsupported = |kind: Option<ErrorKind>| kind == Some(ErrorKind::Unsupported);
    unsupported(certificate.signature_algorithm().err().map(|e| e.kind()))
        || issuers.any(|issuer| unsupported(issuer.public_key().err().map(|e| e.kind())))
}

/// The limit on certificates tried was met.
#[derive(Debug)]
struct Limit;

/// Where a walk is.
struct Walk {
    path: Vec<Certificate>,
    nodes: Vec<usize>,
    found: bool,
    too_long: bool,
}

/// What leads upward from a certificate by name.
struct Graph {
    /// The target first.
    nodes: Vec<Certificate>,
    by_fingerprint: HashMap<[u8; 32], usize>,
    /// Nodes of one name, in groups.
    members: Vec<Vec<usize>>,
    /// Groups by a name as it is written.
    groups: HashMap<Vec<u8>, usize>,
    /// The group that a node's issuer is in.
    issuers: Vec<Option<usize>>,
    /// Steps from the target to a node.
    depth: Vec<usize>,
    /// Steps from a node to the nearest anchor, if any.
    distance: Vec<Option<usize>>,
}

impl Graph {
    fn of(target: &Certificate) -> Graph {
        Graph {
            nodes: vec![target.clone()],
            by_fingerprint: HashMap::from([(target.fingerprint(), 0)]),
            members: Vec::new(),
            groups: HashMap::new(),
            issuers: vec![None],
            depth: vec![0],
            distance: Vec::new(),
        }
    }

    /// Makes the group of those named as `node`'s issuer.
    fn group(&mut self, node: usize, named: Vec<Certificate>) -> usize {
        let depth = self.depth[node] + 1;
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        for certificate in named {
            let next = self.nodes.len();
            let index = *self
                .by_fingerprint
                .entry(certificate.fingerprint())
                .or_insert(next);
            if index == next {
                self.nodes.push(certificate);
                self.issuers.push(None);
                self.depth.push(depth);
            }
            if seen.insert(index) {
                members.push(index);
            }
        }
        let group = self.members.len();
        self.members.push(members);
        let name = self.nodes[node].issuer().bytes().to_vec();
        self.groups.insert(name, group);
        group
    }

    /// Distances from the anchors down, breadth first, each edge once.
    fn measure(&mut self, anchors: &Anchors) {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.members.len()];
        for (node, group) in self.issuers.iter().enumerate() {
            if let Some(group) = group {
                users[*group].push(node);
            }
        }
        let mut groups_of: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (group, members) in self.members.iter().enumerate() {
            for member in members {
                groups_of[*member].push(group);
            }
        }
        self.distance = vec![None; self.nodes.len()];
        let mut open = VecDeque::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if anchors.contains(node) {
                self.distance[index] = Some(0);
                open.push_back((index, 0));
            }
        }
        let mut reached = vec![false; self.members.len()];
        while let Some((node, distance)) = open.pop_front() {
            for group in &groups_of[node] {
                if std::mem::replace(&mut reached[*group], true) {
                    continue;
                }
                for user in &users[*group] {
                    if self.distance[*user].is_none() {
                        self.distance[*user] = Some(distance + 1);
                        open.push_back((*user, distance + 1));
                    }
                }
            }
        }
    }
}
