//! Certificate policies along a path: the policy graph of RFC 9618, in place of the tree of RFC 5280 §6.1 that grows
//! exponentially.
//!
//! In: the inputs of RFC 5280 §6.1.1 (c), (e), (f), (g), then each certificate from below the anchor to the target. Out: the
//! policies that authorities and user are left with, whether one of them is demanded, and their qualifiers.

use super::Inputs;
use super::validate::Problem;
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::PolicyQualifier;
use crate::engine::syntax::asn1::{Oid, names};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const ANY: Oid = names::ANY_POLICY;

/// Nodes and edges of a graph at most. Real paths have tens; every policy or mapping of a certificate makes a few at most.
const LARGEST: usize = 50_000;

/// Policies of which qualifiers are collected at most: each is a walk over the graph.
const MOST_QUALIFIED: usize = 32;

/// What the policies of a path come to (RFC 5280 §6.1.6, RFC 9618 §5.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyOutcome {
    authorities_constrained: BTreeSet<Oid>,
    user_constrained: BTreeSet<Oid>,
    explicit: bool,
    graph: Graph,
}

impl PolicyOutcome {
    /// authorities-constrained-policy-set; `anyPolicy` in it means any.
    pub fn authorities_constrained(&self) -> &BTreeSet<Oid> {
        &self.authorities_constrained
    }

    /// user-constrained-policy-set; `anyPolicy` in it means any.
    pub fn user_constrained(&self) -> &BTreeSet<Oid> {
        &self.user_constrained
    }

    /// explicit-policy-indicator: whether a policy was demanded.
    pub fn explicit_policy(&self) -> bool {
        self.explicit
    }

    /// The qualifiers that the certificates `below` the anchor, the target first, give to the policies of the user's set,
    /// up to 32 policies (RFC 9618 §5.5(g)(4)(ii)).
    pub(super) fn qualifiers(&self, below: &[Certificate]) -> Vec<(Oid, Vec<PolicyQualifier>)> {
        let mut all = Vec::new();
        for policy in self.user_constrained.iter().take(MOST_QUALIFIED) {
            let mut qualifiers: Vec<PolicyQualifier> = Vec::new();
            for (level, source) in self.graph.sources(policy) {
                let certificate = below.len().checked_sub(level).and_then(|i| below.get(i));
                for one in certificate.map_or_else(Vec::new, |c| c.policy_qualifiers(&source)) {
                    if !qualifiers.contains(&one) {
                        qualifiers.push(one);
                    }
                }
            }
            if !qualifiers.is_empty() {
                all.push((*policy, qualifiers));
            }
        }
        all
    }
}

/// A node of the graph at the depth of its level.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    policy: Oid,
    /// The policies that satisfy this one in the next certificate.
    expected: Vec<Oid>,
    /// Indices into the level above.
    parents: Vec<usize>,
    /// The policy of the certificate whose qualifiers the node has.
    source: Oid,
}

impl Node {
    fn new(policy: Oid, source: Oid, parents: Vec<usize>) -> Node {
        Node {
            policy,
            expected: vec![policy],
            parents,
            source,
        }
    }
}

/// valid_policy_graph by levels: level 0 is the initial anyPolicy, level i certificate i. No levels: NULL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Graph {
    levels: Vec<Vec<Node>>,
    size: usize,
}

/// The state of §6.1.2 that has to do with policies.
#[derive(Debug)]
pub(super) struct Policies {
    graph: Graph,
    user_initial: BTreeSet<Oid>,
    explicit_policy: u32,
    policy_mapping: u32,
    inhibit_any_policy: u32,
}

impl Policies {
    /// RFC 5280 §6.1.2(a), (d), (e), (f) for a path of `n` certificates; `anchor` binds it too where it is given.
    pub(super) fn new(inputs: &Inputs, n: u32, anchor: Option<&Certificate>) -> Policies {
        let initial = |inhibited| if inhibited { 0 } else { n.saturating_add(1) };
        let mut policies = Policies {
            graph: Graph {
                levels: vec![vec![Node::new(ANY, ANY, Vec::new())]],
                size: 0,
            },
            user_initial: inputs.user_initial_policies.clone(),
            explicit_policy: initial(inputs.explicit_policy),
            policy_mapping: initial(inputs.inhibit_policy_mapping),
            inhibit_any_policy: initial(inputs.inhibit_any_policy),
        };
        if let Some(anchor) = anchor {
            policies.constrain(anchor);
            // RFC 5937 §3: the anchor's policies are intersected with the user's.
            let own: BTreeSet<Oid> = anchor.policies().iter().copied().collect();
            if !own.is_empty() && !own.contains(&ANY) {
                let user = &mut policies.user_initial;
                if user.contains(&ANY) {
                    *user = own;
                } else {
                    user.retain(|policy| own.contains(policy));
                }
            }
        }
        policies
    }

    /// RFC 9618 §5.3: RFC 5280 §6.1.3(d) to (f).
    pub(super) fn process(
        &mut self,
        certificate: &Certificate,
        is_target: bool,
    ) -> Result<(), Problem> {
        let any_allowed =
            self.inhibit_any_policy > 0 || (!is_target && certificate.is_self_issued());
        self.graph.descend(certificate.policies(), any_allowed)?;
        if self.explicit_policy == 0 && self.graph.is_null() {
            return Err(Problem::Policy);
        }
        Ok(())
    }

    /// RFC 5280 §6.1.4(a), (b), (h), (i), (j).
    pub(super) fn prepare(&mut self, certificate: &Certificate) -> Result<(), Problem> {
        let mappings = certificate.policy_mappings();
        if mappings.iter().any(|(a, b)| *a == ANY || *b == ANY) {
            return Err(Problem::PolicyMappingOfAny);
        }
        self.graph.map(mappings, self.policy_mapping > 0)?;
        if !certificate.is_self_issued() {
            for counter in [
                &mut self.explicit_policy,
                &mut self.policy_mapping,
                &mut self.inhibit_any_policy,
            ] {
                *counter = counter.saturating_sub(1);
            }
        }
        self.constrain(certificate);
        Ok(())
    }

    fn constrain(&mut self, certificate: &Certificate) {
        let constraints = certificate.policy_constraints();
        for (counter, skip) in [
            (
                &mut self.explicit_policy,
                constraints.require_explicit_policy,
            ),
            (&mut self.policy_mapping, constraints.inhibit_policy_mapping),
            (
                &mut self.inhibit_any_policy,
                certificate.inhibit_any_policy(),
            ),
        ] {
            *counter = skip.map_or(*counter, |skip| skip.min(*counter));
        }
    }

    /// RFC 5280 §6.1.5(a), (b), and (g) by RFC 9618 §5.5.
    pub(super) fn finish(mut self, target: &Certificate) -> Result<PolicyOutcome, Problem> {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if target.policy_constraints().require_explicit_policy == Some(0) {
            self.explicit_policy = 0;
        }
        let authorities = self.graph.authorities();
        let mut user = authorities.clone();
        if !self.user_initial.contains(&ANY) {
            user.retain(|policy| self.user_initial.contains(policy));
            if authorities.contains(&ANY) {
                user.extend(&self.user_initial);
            }
        }
        if self.explicit_policy == 0 && user.is_empty() {
            return Err(Problem::Policy);
        }
        Ok(PolicyOutcome {
            authorities_constrained: authorities,
            user_constrained: user,
            explicit: self.explicit_policy == 0,
            graph: self.graph,
        })
    }
}

impl Graph {
    fn is_null(&self) -> bool {
        self.levels.is_empty()
    }

    /// Adds a level; one without nodes takes all above with it (RFC 9618 §5.3(d)(3)).
    fn push(&mut self, level: Vec<Node>) {
        if level.is_empty() {
            self.levels.clear();
        } else {
            self.levels.push(level);
        }
    }

    fn count(&mut self, more: usize) -> Result<(), Problem> {
        self.size += more;
        if self.size > LARGEST {
            return Err(Problem::PolicyLimit);
        }
        Ok(())
    }

    /// RFC 9618 §5.3(d), (e): one level down by the policies of a certificate.
    fn descend(&mut self, policies: &[Oid], any_allowed: bool) -> Result<(), Problem> {
        let Some(above) = self.levels.last() else {
            return Ok(());
        };
        let mut expecting: BTreeMap<Oid, Vec<usize>> = BTreeMap::new();
        for (index, node) in above.iter().enumerate() {
            for policy in &node.expected {
                expecting.entry(*policy).or_default().push(index);
            }
        }
        let any_above = above.iter().position(|node| node.policy == ANY);
        let (mut level, mut present) = (Vec::new(), HashSet::new());
        // (1) The policies that the certificate names.
        for policy in policies.iter().filter(|policy| **policy != ANY) {
            let parents = match (expecting.get(policy), any_above) {
                (Some(parents), _) => parents.clone(),
                (None, Some(any)) => vec![any],
                (None, None) => continue,
            };
            if present.insert(*policy) {
                level.push(Node::new(*policy, *policy, parents));
            }
        }
        // (2) What anyPolicy stands for.
        if any_allowed && policies.contains(&ANY) {
            for (policy, parents) in expecting {
                if !present.contains(&policy) {
                    level.push(Node::new(policy, ANY, parents));
                }
            }
        }
        self.count(level.iter().map(|node| 1 + node.parents.len()).sum())?;
        self.push(level);
        Ok(())
    }

    /// RFC 9618 §5.4(b): what satisfies a policy in the next certificate; or its end, where mapping is inhibited.
    fn map(&mut self, mappings: &[(Oid, Oid)], allowed: bool) -> Result<(), Problem> {
        let Some(mut level) = self.levels.pop() else {
            return Ok(());
        };
        self.count(mappings.len())?;
        let mut by_issuer: BTreeMap<Oid, Vec<Oid>> = BTreeMap::new();
        let unique: BTreeSet<&(Oid, Oid)> = mappings.iter().collect();
        for (issuer, subject) in unique {
            by_issuer.entry(*issuer).or_default().push(*subject);
        }
        if !allowed {
            level.retain(|node| !by_issuer.contains_key(&node.policy));
            self.push(level);
            return Ok(());
        }
        let places: HashMap<Oid, usize> = level
            .iter()
            .enumerate()
            .map(|(index, node)| (node.policy, index))
            .collect();
        let any = places.get(&ANY).map(|index| level[*index].parents.clone());
        for (issuer, subjects) in by_issuer {
            match (places.get(&issuer), &any) {
                (Some(index), _) => level[*index].expected = subjects,
                (None, Some(parents)) => level.push(Node {
                    policy: issuer,
                    expected: subjects,
                    parents: parents.clone(),
                    source: ANY,
                }),
                (None, None) => {}
            }
        }
        self.push(level);
        Ok(())
    }

    /// The nodes of each level that lead to the last; others were pruned in the words of RFC 9618 §5.3(d)(3).
    fn alive(&self) -> Vec<Vec<bool>> {
        let mut alive: Vec<Vec<bool>> = self.levels.iter().map(|l| vec![false; l.len()]).collect();
        if let Some(last) = alive.last_mut() {
            last.fill(true);
        }
        for depth in (1..self.levels.len()).rev() {
            for (index, node) in self.levels[depth].iter().enumerate() {
                if alive[depth][index] {
                    for parent in &node.parents {
                        alive[depth - 1][*parent] = true;
                    }
                }
            }
        }
        alive
    }

    /// RFC 9618 §5.5(g)(2), (3): valid_policy_node_set, as (depth, index).
    fn valid_nodes(&self) -> Vec<(usize, usize)> {
        let alive = self.alive();
        let last = self.levels.len().saturating_sub(1);
        let mut found = Vec::new();
        for (depth, level) in self.levels.iter().enumerate().skip(1) {
            for (index, node) in level.iter().enumerate() {
                let below_any = || matches!(node.parents[..], [one] if self.levels[depth - 1][one].policy == ANY);
                let valid = if node.policy == ANY {
                    depth == last
                } else {
                    below_any()
                };
                if alive[depth][index] && valid {
                    found.push((depth, index));
                }
            }
        }
        // The target is the anchor: no certificate restricted the initial anyPolicy.
        if last == 0 && !self.is_null() {
            found.push((0, 0));
        }
        found
    }

    fn authorities(&self) -> BTreeSet<Oid> {
        let nodes = self.valid_nodes().into_iter();
        nodes
            .map(|(depth, index)| self.levels[depth][index].policy)
            .collect()
    }

    /// Depths and policies of certificates whose qualifiers belong to a policy of the sets: those of its node, of the
    /// nodes above and below; of anyPolicy's where it is there by that alone.
    fn sources(&self, policy: &Oid) -> BTreeSet<(usize, Oid)> {
        let nodes = self.valid_nodes();
        let of = |policy: &Oid| {
            let mut found = nodes.iter().copied();
            found.find(|(depth, index)| self.levels[*depth][*index].policy == *policy)
        };
        let mut sources = BTreeSet::new();
        let Some((depth, index)) = of(policy).or_else(|| of(&ANY)) else {
            return sources;
        };
        let mut marked: BTreeSet<usize> = BTreeSet::from([index]);
        for (depth, level) in self.levels.iter().enumerate().skip(depth) {
            if !sources.is_empty() {
                let below = level.iter().enumerate();
                let below = below.filter(|(_, n)| n.parents.iter().any(|p| marked.contains(p)));
                marked = below.map(|(index, _)| index).collect();
            }
            sources.extend(marked.iter().map(|index| (depth, level[*index].source)));
        }
        let mut marked = BTreeSet::from([index]);
        for depth in (1..=depth).rev() {
            let level = &self.levels[depth];
            marked = marked
                .iter()
                .flat_map(|index| level[*index].parents.iter().copied())
                .collect();
            let above = &self.levels[depth - 1];
            sources.extend(marked.iter().map(|index| (depth - 1, above[*index].source)));
        }
        sources
            .into_iter()
            .filter(|(depth, _)| *depth > 0)
            .collect()
    }
}
