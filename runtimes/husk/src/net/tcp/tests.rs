//! Two networks joined by a cable that is a queue: connections from SYN to the end, and what a
//! hostile neighbour can send.

use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::Arc;
use std::vec::Vec;

use smoltcp::socket::tcp::State as TcpState;
use smoltcp::wire::{IpAddress, IpCidr};

use super::connection::Connection;
use super::listener::Backlog;
use super::{FlowKey, Stack, TcpEndpoint};
use crate::errno::{ECONNREFUSED, ECONNRESET};
use crate::fs::Events;
use crate::net::checksum;
use crate::net::device::{Nic, Receive, Transmit};
use crate::net::link::ETHERNET_HEADER_BYTES;
use crate::net::options::Options;
use crate::net::stack::Route;
use crate::sync::SpinLock;
use core::net::SocketAddr;

type Cable = Arc<SpinLock<VecDeque<Vec<u8>>>>;

struct CableEnd(Cable);

impl Receive for CableEnd {
    fn take(&mut self, consume: &mut dyn FnMut(&[u8])) -> bool {
        let frame = self.0.lock().pop_front();
        frame.inspect(|frame| consume(frame)).is_some()
    }

    fn give_back(&mut self) {}

    fn request_interrupt(&mut self) -> bool {
        false
    }

    fn acknowledge_interrupt(&mut self) {}

    fn has_interrupt(&self) -> bool {
        true
    }
}

impl Transmit for CableEnd {
    fn has_room(&mut self) -> bool {
        true
    }

    fn send(&mut self, length: usize, fill: &mut dyn FnMut(&mut [u8])) {
        let mut frame = vec![0; length];
        fill(&mut frame);
        self.0.lock().push_back(frame);
    }

    fn flush(&mut self) {}
}

struct World {
    client: Stack,
    server: Stack,
    to_server: Cable,
    to_client: Cable,
    listener: Arc<TcpEndpoint>,
}

const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 80);

fn stack(number: u8, from: &Cable, to: &Cable) -> Stack {
    let mut stack = Stack::new(Some(Nic {
        mac: [2, 0, 0, 0, 0, number],
        mtu: 1500,
        receive: Box::new(CableEnd(from.clone())),
        transmit: Box::new(CableEnd(to.clone())),
    }));
    let own = IpCidr::new(IpAddress::v4(10, 0, 0, number), 24);
    let interface = stack.card_interface().unwrap();
    interface.update_ip_addrs(|addresses| addresses.push(own).unwrap());
    stack
}

impl World {
    fn new(backlog: usize) -> World {
        super::install();
        let (to_server, to_client) = (Cable::default(), Cable::default());
        let mut server = stack(1, &to_server, &to_client);
        let client = stack(2, &to_client, &to_server);
        let listener = TcpEndpoint::new(Options::default());
        let local = SocketAddr::from(SERVER);
        listener.state.lock().backlog = Some(Backlog::new(local, backlog, false));
        let weak = Arc::downgrade(&listener);
        server.tcp.listeners.get_or_default(80).push(weak);
        World {
            client,
            server,
            to_server,
            to_client,
            listener,
        }
    }

    /// Lets frames go back and forth until there are none.
    fn exchange(&mut self) {
        while self.server.receive_frames() | self.client.receive_frames() {}
    }

    fn connect(&mut self, port: u16, remote_port: u16) -> Arc<TcpEndpoint> {
        let local = SocketAddr::from(([10, 0, 0, 2], port));
        let remote = SocketAddr::from((SERVER.0, remote_port));
        let connection = Connection::open(&mut self.client, local, remote, Route::Card).unwrap();
        let endpoint = TcpEndpoint::new(Options::default());
        endpoint.state.lock().connection = Some(connection);
        let key = FlowKey::new(local, remote);
        self.client.tcp.flows.insert(key, endpoint.clone());
        endpoint.run(&mut self.client);
        endpoint
    }

    fn pair(&mut self) -> (Arc<TcpEndpoint>, Arc<TcpEndpoint>) {
        let client = self.connect(40_000, 80);
        self.exchange();
        (client, self.listener.take_ready().unwrap())
    }
}

fn state_of(endpoint: &TcpEndpoint) -> TcpState {
    let state = endpoint.state.lock();
    state.connection.as_ref().unwrap().socket().state()
}

fn write(endpoint: &TcpEndpoint, stack: &mut Stack, bytes: &[u8]) -> usize {
    let mut state = endpoint.state.lock();
    let socket = state.connection.as_mut().unwrap().socket_mut();
    let written = socket.send_slice(bytes).unwrap();
    drop(state);
    endpoint.run(stack);
    written
}

fn read(endpoint: &TcpEndpoint) -> Vec<u8> {
    let mut state = endpoint.state.lock();
    let socket = state.connection.as_mut().unwrap().socket_mut();
    let mut bytes = vec![0; 65536];
    let length = socket.recv_slice(&mut bytes).unwrap_or(0);
    bytes[..length].to_vec()
}

#[test]
fn a_connection_opens_carries_bytes_and_closes() {
    let mut world = World::new(4);
    let (client, server) = world.pair();
    assert_eq!(state_of(&client), TcpState::Established);
    write(&client, &mut world.client, b"question");
    world.exchange();
    assert!(server.readiness().contains(Events::IN));
    assert_eq!(read(&server), b"question");
    write(&server, &mut world.server, b"answer");
    server.close(&mut world.server);
    world.exchange();
    assert_eq!(read(&client), b"answer");
    assert!(client.readiness().contains(Events::RDHUP));
    client.close(&mut world.client);
    world.exchange();
    assert!(world.client.tcp.flows.values().next().is_none());
    assert!(world.server.tcp.flows.values().next().is_none());
}

#[test]
fn more_than_the_buffers_hold_arrives_in_order() {
    let mut world = World::new(4);
    let (client, server) = world.pair();
    let sent: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    let (mut at, mut received) = (0, Vec::new());
    for _ in 0..1000 {
        if at < sent.len() {
            at += write(&client, &mut world.client, &sent[at..]);
        }
        world.exchange();
        received.extend(read(&server));
        server.run(&mut world.server);
        if received.len() == sent.len() {
            break;
        }
    }
    assert!(received == sent);
}

#[test]
fn a_port_nobody_listens_on_refuses() {
    let mut world = World::new(4);
    let client = world.connect(40_000, 81);
    world.exchange();
    assert_eq!(client.state.lock().error, Some(ECONNREFUSED));
    assert!(client.readiness().contains(Events::ERR | Events::HUP));
}

#[test]
fn closing_with_unread_bytes_resets() {
    let mut world = World::new(4);
    let (client, server) = world.pair();
    write(&client, &mut world.client, b"never read");
    world.exchange();
    server.close(&mut world.server);
    world.exchange();
    assert_eq!(client.state.lock().error, Some(ECONNRESET));
}

#[test]
fn the_backlog_is_a_bound() {
    let mut world = World::new(2);
    for port in 0..50 {
        world.connect(40_000 + port, 80);
    }
    world.exchange();
    let waiting = std::iter::from_fn(|| world.listener.take_ready().ok()).count();
    assert!((2..=11).contains(&waiting), "{waiting}");
    assert_eq!(world.server.tcp.flows.values().count(), waiting);
}

#[test]
fn a_flood_of_openings_is_bounded() {
    let mut world = World::new(16);
    let client = world.connect(40_000, 80);
    world.exchange();
    drop(client);
    for port in 0..500 {
        world.connect(41_000 + port, 80);
    }
    world.to_client.lock().clear();
    while world.server.receive_frames() {
        world.to_client.lock().clear(); // no SYN-ACK ever arrives
    }
    assert!(world.server.tcp.flows.values().count() <= 17);
}

/// Frames of a real connection with bytes changed, checksums right or wrong: nothing may panic.
#[test]
fn hostile_frames_are_survived() {
    let mut world = World::new(8);
    let (client, server) = world.pair();
    write(&client, &mut world.client, &[7; 3000]);
    let mut templates: Vec<Vec<u8>> = world.to_server.lock().iter().cloned().collect();
    world.exchange();
    world.connect(40_001, 80);
    templates.extend(world.to_server.lock().iter().cloned());
    world.exchange();
    let mut random = 12345u64;
    let mut next = move |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        (random >> 33) as usize % below
    };
    let mut answers = 0;
    for round in 0..60_000 {
        let mut frame = templates[next(templates.len())].clone();
        if next(5) == 0 {
            frame.truncate(ETHERNET_HEADER_BYTES + next(frame.len()));
        }
        for _ in 0..next(4) {
            let first = if next(4) == 0 { 12 } else { 34 };
            let at = (first + next(30)).min(frame.len() - 1);
            frame[at] = next(256) as u8;
        }
        if round % 3 != 0 {
            checksum::fill(&mut frame[ETHERNET_HEADER_BYTES..]);
        }
        world.to_server.lock().push_back(frame);
        world.server.receive_frames();
        answers += world.to_client.lock().drain(..).count();
        if round % 64 == 0 {
            read(&server);
            server.run(&mut world.server);
            while world.listener.take_ready().is_ok() {}
        }
    }
    assert!(
        answers > 5000,
        "{answers}: most were dropped before they could do harm"
    );
}
