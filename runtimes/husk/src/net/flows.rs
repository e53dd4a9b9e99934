//! Finding a TCP connection by its two ends: a hash table that costs the same with ten connections
//! as with ten thousand, keyed with a secret so that no peer can choose collisions.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// The two ends of a connection; IPv4 addresses as IPv4-mapped ones (RFC 4291 § 2.5.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlowKey {
    local: u128,
    remote: u128,
    ports: u32,
}

impl FlowKey {
    pub fn new(local: SocketAddr, remote: SocketAddr) -> FlowKey {
        FlowKey {
            local: bits(local.ip()),
            remote: bits(remote.ip()),
            ports: u32::from(local.port()) << 16 | u32::from(remote.port()),
        }
    }

    /// Multiply and fold, each round keyed (wyhash's mixing step).
    pub fn hash(&self, secret: u64) -> u64 {
        let halves = |value: u128| (value as u64, (value >> 64) as u64);
        let (remote_low, remote_high) = halves(self.remote);
        let (local_low, local_high) = halves(self.local);
        let first = mix(remote_low ^ secret, u64::from(self.ports) ^ !secret);
        let second = mix(remote_high ^ first, local_low ^ secret.rotate_left(32));
        mix(second ^ local_high, first ^ secret.rotate_left(17))
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// Values by key.
pub struct Flows<T> {
    buckets: Vec<Vec<(FlowKey, T)>>,
    count: usize,
    secret: u64,
}

const FIRST_BUCKETS: usize = 64;
/// Entries per bucket before the table doubles.
const LOAD: usize = 2;

impl<T> Flows<T> {
    pub fn new(secret: u64) -> Flows<T> {
        Flows {
            buckets: (0..FIRST_BUCKETS).map(|_| Vec::new()).collect(),
            count: 0,
            secret,
        }
    }

    fn index(&self, key: &FlowKey) -> usize {
        key.hash(self.secret) as usize % self.buckets.len()
    }

    pub fn get(&self, key: &FlowKey) -> Option<&T> {
        let bucket = self.buckets.get(self.index(key))?;
        let found = bucket.iter().find(|(other, _)| other == key);
        found.map(|(_, value)| value)
    }

    pub fn insert(&mut self, key: FlowKey, value: T) {
        if self.count >= self.buckets.len() * LOAD {
            self.grow();
        }
        let index = self.index(&key);
        if let Some(bucket) = self.buckets.get_mut(index) {
            bucket.push((key, value));
            self.count += 1;
        }
    }

    pub fn remove(&mut self, key: &FlowKey) -> Option<T> {
        let index = self.index(key);
        let bucket = self.buckets.get_mut(index)?;
        let at = bucket.iter().position(|(other, _)| other == key)?;
        self.count -= 1;
        Some(bucket.swap_remove(at).1)
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.buckets.iter().flatten().map(|(_, value)| value)
    }

    /// Doubles; without memory for it, buckets just get longer.
    fn grow(&mut self) {
        let mut buckets = Vec::new();
        let length = self.buckets.len() * 2;
        if buckets.try_reserve_exact(length).is_err() {
            return;
        }
        buckets.resize_with(length, Vec::new);
        for (key, value) in core::mem::replace(&mut self.buckets, buckets)
            .into_iter()
            .flatten()
        {
            let index = self.index(&key);
            if let Some(bucket) = self.buckets.get_mut(index) {
                bucket.push((key, value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16) -> FlowKey {
        let local = SocketAddr::from(([10, 0, 2, 15], 80));
        FlowKey::new(local, SocketAddr::from(([10, 0, 2, 2], port)))
    }

    #[test]
    fn flows_are_found_and_forgotten() {
        let mut flows = Flows::new(7);
        (1..5000).for_each(|port| flows.insert(key(port), port));
        assert!((1..5000).all(|port| flows.get(&key(port)) == Some(&port)));
        assert!(flows.buckets.iter().all(|bucket| bucket.len() < 20));
        assert_eq!(flows.remove(&key(4)), Some(4));
        assert_eq!((flows.get(&key(4)), flows.count), (None, 4998));
    }
}
