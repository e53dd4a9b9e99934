//! Dispositions (sigaction(2)) and the signals pending for a whole process.

use alloc::sync::Arc;

use super::{LAST, Pending, SignalInfo, SignalSet, bit};
use crate::sync::{SpinLock, WaitQueue};

pub const SIG_DFL: usize = 0;
pub const SIG_IGN: usize = 1;

pub const SA_NOCLDSTOP: usize = 0x1;
pub const SA_NOCLDWAIT: usize = 0x2;
pub const SA_SIGINFO: usize = 0x4;
/// Addresses have no tags here.
const SA_EXPOSE_TAGBITS: usize = 0x800;
pub const SA_RESTORER: usize = 0x0400_0000;
pub const SA_ONSTACK: usize = 0x0800_0000;
pub const SA_RESTART: usize = 0x1000_0000;
pub const SA_NODEFER: usize = 0x4000_0000;
pub const SA_RESETHAND: usize = 0x8000_0000;

/// Others are not kept: so programs find out which there are (sigaction(2), SA_UNSUPPORTED).
pub const KNOWN_FLAGS: usize = SA_NOCLDSTOP
    | SA_NOCLDWAIT
    | SA_SIGINFO
    | SA_EXPOSE_TAGBITS
    | SA_RESTORER
    | SA_ONSTACK
    | SA_RESTART
    | SA_NODEFER
    | SA_RESETHAND;

/// What to do about a signal; laid out as the kernel's struct sigaction.
#[repr(C)]
#[derive(Clone, Copy, Default, Debug)]
pub struct Action {
    pub handler: usize,
    pub flags: usize,
    pub restorer: usize,
    pub mask: SignalSet,
}

/// What SIG_DFL means for a signal (signal(7) § Standard signals).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefaultAction {
    Terminate,
    Core,
    Ignore,
    Stop,
}

pub fn default_action(signal: u32) -> DefaultAction {
    match signal {
        3..=8 | 11 | 24 | 25 | 31 => DefaultAction::Core,
        17 | 18 | 23 | 28 => DefaultAction::Ignore,
        19..=22 => DefaultAction::Stop,
        _ => DefaultAction::Terminate,
    }
}

type Actions = SpinLock<[Action; LAST as usize]>;

/// What the threads of a process share.
pub struct SharedSignals {
    /// Shared by clone(2) with CLONE_SIGHAND, until execve(2).
    actions: SpinLock<Arc<Actions>>,
    pending: SpinLock<Pending>,
    /// Woken at every signal sent, for signalfd(2).
    pub arrival: WaitQueue,
}

impl Default for SharedSignals {
    fn default() -> Self {
        Self {
            actions: with_actions([Action::default(); LAST as usize]),
            pending: SpinLock::new(Pending::new()),
            arrival: WaitQueue::new(),
        }
    }
}

fn with_actions(actions: [Action; LAST as usize]) -> SpinLock<Arc<Actions>> {
    SpinLock::new(Arc::new(SpinLock::new(actions)))
}

impl SharedSignals {
    fn actions(&self) -> Arc<Actions> {
        self.actions.lock().clone()
    }

    pub fn action(&self, signal: u32) -> Action {
        self.actions()
            .lock()
            .get(signal as usize - 1)
            .copied()
            .unwrap_or_default()
    }

    pub fn set_action(&self, signal: u32, action: Action) {
        if let Some(slot) = self.actions().lock().get_mut(signal as usize - 1) {
            *slot = action;
        }
        if self.ignores(signal) {
            self.pending.lock().discard(signal);
        }
    }

    /// True when the signal would have no effect at all.
    pub fn ignores(&self, signal: u32) -> bool {
        let handler = self.action(signal).handler;
        handler == SIG_IGN || handler == SIG_DFL && default_action(signal) == DefaultAction::Ignore
    }

    /// The signals that are ignored by choice, and those with a handler.
    pub fn dispositions(&self) -> (SignalSet, SignalSet) {
        let mut sets = (0, 0);
        for signal in 1..=LAST {
            match self.action(signal).handler {
                SIG_DFL => {}
                SIG_IGN => sets.0 |= bit(signal),
                _ => sets.1 |= bit(signal),
            }
        }
        sets
    }

    /// A child's: the same dispositions, nothing pending (fork(2)).
    pub fn inherited(&self) -> SharedSignals {
        SharedSignals {
            actions: with_actions(*self.actions().lock()),
            ..SharedSignals::default()
        }
    }

    /// As `inherited`, but what one of the two sets is set for both.
    pub fn shared(&self) -> SharedSignals {
        SharedSignals {
            actions: SpinLock::new(self.actions()),
            ..SharedSignals::default()
        }
    }

    /// What is set from now on is this process's alone (execve(2)).
    pub fn unshare(&self) {
        let actions = *self.actions().lock();
        *self.actions.lock() = Arc::new(SpinLock::new(actions));
    }

    /// Handlers give way to the default: their code is gone (execve(2)).
    pub fn reset_handlers(&self) {
        for action in self.actions().lock().iter_mut() {
            let handler = match action.handler {
                SIG_IGN => SIG_IGN,
                _ => SIG_DFL,
            };
            *action = Action {
                handler,
                ..Action::default()
            };
        }
    }

    pub fn discard(&self, signal: u32) {
        self.pending.lock().discard(signal);
    }

    /// As `Pending::push`.
    pub fn push(&self, info: SignalInfo, is_full: bool) -> bool {
        self.pending.lock().push(info, is_full)
    }

    /// As `Pending::queued`.
    pub fn queued(&self) -> usize {
        self.pending.lock().queued()
    }

    /// As `Pending::add_overrun`.
    pub fn add_overrun(&self, timer: &SignalInfo, count: u32) -> bool {
        self.pending.lock().add_overrun(timer, count)
    }

    pub fn take(&self, wanted: SignalSet) -> Option<SignalInfo> {
        self.pending.lock().take(wanted)
    }

    pub fn pending_set(&self) -> SignalSet {
        self.pending.lock().set()
    }

    /// Takes the disposition for one delivery: SA_RESETHAND puts the default back.
    pub fn action_for_delivery(&self, signal: u32) -> Action {
        let action = self.action(signal);
        if action.flags & SA_RESETHAND != 0 && action.handler > SIG_IGN {
            self.set_action(
                signal,
                Action {
                    handler: SIG_DFL,
                    ..action
                },
            );
        }
        action
    }
}

impl Action {
    /// Signals blocked while the handler runs.
    pub fn mask_during(&self, signal: u32) -> SignalSet {
        let own = if self.flags & SA_NODEFER != 0 {
            0
        } else {
            bit(signal)
        };
        self.mask | own
    }
}
