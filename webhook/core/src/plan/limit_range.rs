//! Fits the sidecar's requests and limits to the namespace's LimitRanges, and says what would refuse
//! the pod all the same.
//!
//! After `PodValidateLimitFunc` of Kubernetes' `plugin/pkg/admission/limitranger`. That plug-in runs in
//! front of the webhook and again behind it: what a container leaves out is filled in then.

use super::effective::{amount, running, total};
use super::misfit::Misfit;
use super::resources::{Allowance, Fitted, Qos, Share};
use crate::config::SidecarResources;
use crate::namespace_state::{Bounded, Bounds, Counted, LimitRange};
use crate::origin::{Origin, Sourced};
use crate::pod::PodSpec;
use crate::quantity::{Quantity, Unit};

/// Who says what a LimitRange asks for.
const RANGE: Origin = Origin::Namespace("a LimitRange of the namespace");

/// Changes what the sidecar asks for and may use so that the LimitRanges admit it, as little as it
/// takes. Where nothing satisfies them, [`refusal`] says so.
pub(super) fn satisfy(
    allowance: &mut Allowance,
    spec: &PodSpec<'_>,
    wanted: &SidecarResources,
    ranges: &[LimitRange],
) {
    let least = SidecarResources::default();
    let fitted = allowance.fitted;
    for (resource, share, limit, least, unit) in [
        ("cpu", &mut allowance.cpu, &wanted.cpu_limit, least.guaranteed_cpu, Unit::Milli),
        ("memory", &mut allowance.memory, &wanted.memory_limit, least.memory_limit, Unit::Mebi),
    ] {
        let all = || ranges.iter().flat_map(|range| &range.bounds);
        let of = |bounded| all().filter(move |one| one.resource == resource && one.of == bounded);
        let containers: Vec<&Bounds> = of(Bounded::Container).collect();
        match fitted {
            // What such a pod has not, a LimitRange has not given to its other containers either.
            Fitted::Class(Qos::BestEffort) => continue,
            // Left out, it would be what the LimitRange gives to any container.
            Fitted::Budget if !containers.is_empty() => {
                share.request = Some(Sourced { value: Quantity::zero(), origin: RANGE });
            }
            Fitted::Budget | Fitted::Class(_) => {}
        }
        bound(share, &containers, limit, &least);
        let pods: Vec<&Bounds> = of(Bounded::Pod).collect();
        bound_together(share, &pods, spec, resource, &least, unit);
        let strictest = containers.iter().filter_map(|one| one.ratio.as_ref()).min();
        if let Some(ratio) = strictest {
            hold_ratio(share, ratio, unit);
        }
        for ratio in of(Bounded::Pod).filter_map(|one| one.ratio.as_ref()) {
            let total = |of, own: &Option<Sourced<Quantity>>| {
                total(spec, of, resource, own.as_ref().map(|own| &own.value))
            };
            let limits = total(Counted::Limits, &share.limit);
            if !is_within(total(Counted::Requests, &share.request), limits, ratio) {
                hold_ratio(share, ratio, unit);
            }
        }
    }
}

/// Brings request and limit between `min` and `max`. The limit is not lowered to what is too little to
/// work with: to less than `least`.
fn bound(
    share: &mut Share,
    bounds: &[&Bounds],
    wanted_limit: &Sourced<Quantity>,
    least: &Quantity,
) {
    let min = bounds.iter().filter_map(|one| one.min.as_ref()).max();
    let max = bounds.iter().filter_map(|one| one.max.as_ref()).min();
    let limits = |one: &&Bounds| one.max.is_some() || one.ratio.is_some() || one.default.is_some();
    if share.limit.is_none() && bounds.iter().any(limits) {
        share.limit = Some(wanted_limit.clone());
    }
    if let (Some(limit), Some(max)) = (&mut share.limit, max) {
        let lowest = least.clone().min(limit.value.clone());
        lower(limit, &max.clone().max(lowest));
    }
    if let (Some(request), Some(limit)) = (&mut share.request, &share.limit) {
        lower(request, limit);
    }
    if let (Some(request), Some(min)) = (&mut share.request, min) {
        raise(request, min);
    }
    if let (Some(limit), Some(request)) = (&mut share.limit, &share.request) {
        raise(limit, request);
    }
}

/// Brings the limit of the whole pod between `min` and `max` where the sidecar's keeps it from that.
fn bound_together(
    share: &mut Share,
    bounds: &[&Bounds],
    spec: &PodSpec<'_>,
    resource: &str,
    least: &Quantity,
    unit: Unit,
) {
    let Some(limit) = &mut share.limit else {
        return;
    };
    let together =
        |limit: &Quantity| total(spec, Counted::Limits, resource, Some(limit)).unwrap_or(0);
    let others = running(spec, Counted::Limits, resource).unwrap_or(0);
    let max = bounds.iter().filter_map(|one| one.max.as_ref()).min();
    if let Some(max) = max.filter(|max| together(limit) > max.nanos()) {
        let lowest = least.clone().min(limit.value.clone());
        lower(limit, &Quantity::at_most(max.nanos() - others, unit).max(lowest));
    }
    // Where no other container has a limit, the sidecar's is that of the pod.
    let min = bounds.iter().filter_map(|one| one.min.as_ref()).max();
    if let Some(min) = min.filter(|min| together(limit) < min.nanos()) {
        raise(limit, &Quantity::at_least(min.nanos() - others, unit));
    }
    if let Some(request) = &mut share.request {
        lower(request, limit);
    }
}

/// Raises the request until the limit is at most so many times as high.
fn hold_ratio(share: &mut Share, ratio: &Quantity, unit: Unit) {
    let (Some(request), Some(limit)) = (&mut share.request, &share.limit) else {
        return;
    };
    if ratio.is_zero() {
        return;
    }
    let billionths = limit.nanos().saturating_mul(1_000_000_000);
    let exactly = billionths.saturating_add(ratio.nanos() - 1) / ratio.nanos();
    let mut enough = Quantity::at_least(exactly, unit);
    // Kubernetes divides in floating point.
    if !is_within(Some(enough.nanos()), Some(limit.nanos()), ratio) {
        enough = Quantity::at_least(exactly.saturating_add(unit.nanos()), unit);
    }
    raise(request, &enough.min(limit.value.clone()));
}

fn raise(amount: &mut Sourced<Quantity>, to: &Quantity) {
    if amount.value < *to {
        *amount = Sourced { value: to.clone(), origin: RANGE };
    }
}

fn lower(amount: &mut Sourced<Quantity>, to: &Quantity) {
    if amount.value > *to {
        *amount = Sourced { value: to.clone(), origin: RANGE };
    }
}

/// What would refuse the pod with this sidecar, if anything.
pub(super) fn refusal(
    allowance: &Allowance,
    spec: &PodSpec<'_>,
    ranges: &[LimitRange],
) -> Option<Misfit> {
    let refused = ranges.iter().find_map(|range| {
        let broken = range.bounds.iter().find_map(|bounds| {
            let bound = broken(bounds, allowance, spec, ranges)?;
            Some((bounds, bound))
        });
        let (Bounds { of, resource, .. }, (bound, amount)) = broken?;
        Some(Misfit::LimitRange {
            name: range.name.clone(),
            bound,
            of: *of,
            resource: resource.clone(),
            amount: amount.clone(),
        })
    });
    refused.or_else(|| over_budget(allowance, spec))
}

/// The bound that the sidecar, or the pod with it, breaks.
fn broken<'b>(
    bounds: &'b Bounds,
    allowance: &Allowance,
    spec: &PodSpec<'_>,
    ranges: &[LimitRange],
) -> Option<(&'static str, &'b Quantity)> {
    let resource = &*bounds.resource;
    let own = |of| filled_in(allowance, of, resource, ranges);
    let (request, limit) = match bounds.of {
        Bounded::Container => {
            let own = |of| own(of).map(|own| own.nanos());
            (own(Counted::Requests), own(Counted::Limits))
        }
        Bounded::Pod => {
            let both = [Counted::Requests, Counted::Limits];
            let with = both.map(|of| total(spec, of, resource, own(of).as_ref()));
            // What the sidecar changes nothing about is not refused because of it.
            if with == both.map(|of| total(spec, of, resource, None)) {
                return None;
            }
            (with[0], with[1])
        }
    };
    let below = |amount: i128, bound: &Quantity| amount < bound.nanos();
    let above = |amount: i128, bound: &Quantity| amount > bound.nanos();
    let min = bounds.min.as_ref().filter(|min| {
        request.is_none_or(|request| below(request, min))
            || limit.is_some_and(|limit| below(limit, min))
    });
    let max = bounds.max.as_ref().filter(|max| {
        limit.is_none_or(|limit| above(limit, max))
            || request.is_some_and(|request| above(request, max))
    });
    let ratio = bounds.ratio.as_ref().filter(|ratio| !is_within(request, limit, ratio));
    let named = |name, bound: Option<&'b Quantity>| bound.map(|bound| (name, bound));
    named("min", min).or(named("max", max)).or(named("maxLimitRequestRatio", ratio))
}

/// What the sidecar asks for or may use, once the API server and LimitRanger have filled in what it
/// leaves out.
pub(super) fn filled_in(
    allowance: &Allowance,
    of: Counted,
    resource: &str,
    ranges: &[LimitRange],
) -> Option<Quantity> {
    let said = |of| allowance.said(of, resource).cloned();
    let all = ranges.iter().flat_map(|range| &range.bounds);
    let mut mine = all.filter(|one| one.of == Bounded::Container && one.resource == resource);
    match of {
        Counted::Requests => said(Counted::Requests)
            .or_else(|| said(Counted::Limits))
            .or_else(|| mine.find_map(|one| one.default_request.clone())),
        Counted::Limits => {
            said(Counted::Limits).or_else(|| mine.find_map(|one| one.default.clone()))
        }
    }
}

/// Whether both are there and not 0, and the limit at most so many times as high as the request. In
/// thousandths and in floating point, as LimitRanger does it.
#[allow(clippy::cast_precision_loss)]
fn is_within(request: Option<i128>, limit: Option<i128>, ratio: &Quantity) -> bool {
    let thousandths = |nanos: i128| (nanos.saturating_add(999_999) / 1_000_000) as f64;
    match (request, limit) {
        (Some(request), Some(limit)) if request > 0 && limit > 0 => {
            thousandths(limit) / thousandths(request) * 1000.0 <= thousandths(ratio.nanos())
        }
        _ => false,
    }
}

/// In a pod with a budget as a whole, no container may have a limit above the budget's, and all requests
/// together none above the budget's: there is no saying here what is left of it.
fn over_budget(allowance: &Allowance, spec: &PodSpec<'_>) -> Option<Misfit> {
    if allowance.fitted != Fitted::Budget {
        return None;
    }
    ["cpu", "memory"].into_iter().find_map(|resource| {
        let request = allowance.said(Counted::Requests, resource);
        let limit = allowance.said(Counted::Limits, resource);
        let budget = amount(spec.resources.as_ref(), Counted::Limits, resource);
        let above = budget.zip(limit).is_some_and(|(budget, limit)| *limit > budget);
        let asks = request.is_some_and(|request| !request.is_zero());
        (above || asks).then_some(Misfit::Budget { resource })
    })
}

#[cfg(test)]
mod tests;
