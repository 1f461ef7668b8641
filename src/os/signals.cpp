// SPDX-License-Identifier: MIT
// The one signal handler of the process.
#include "os/signals.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sched.h>
#include <unistd.h>

namespace asyncio::os {

namespace {

constexpr int signals_end = NSIG;
constexpr int held_up_after = 3;

struct Slot {
    std::atomic<int> pending{0};
    std::atomic<SignalNotify> notify{nullptr};
    std::atomic<void*> who{nullptr};
    std::atomic<pid_t> process{0};
};
std::array<Slot, signals_end> slots;
std::array<struct sigaction, signals_end> actions_before; // the main thread's alone
std::atomic<int> handlers_at_work{0}; // on whatever thread
static_assert(std::atomic<SignalNotify>::is_always_lock_free);

void on_signal(int number) {
    const int kept = errno;
    handlers_at_work.fetch_add(1, std::memory_order_seq_cst);
    Slot& slot = slots[static_cast<std::size_t>(number)];
    const int before = slot.pending.fetch_add(1, std::memory_order_acq_rel);
    if (number == SIGINT && before + 1 >= held_up_after) {
        std::signal(SIGINT, SIG_DFL);
        std::raise(SIGINT);
    }
    const SignalNotify notify = slot.notify.load(std::memory_order_acquire);
    // A forked child shares the wake-up descriptor of its parent, and must not use it.
    if (notify != nullptr && slot.process.load(std::memory_order_relaxed) == ::getpid()) {
        notify(slot.who.load(std::memory_order_acquire));
    }
    handlers_at_work.fetch_sub(1, std::memory_order_release);
    errno = kept;
}

bool is_ours(const struct sigaction& action) noexcept { return action.sa_handler == on_signal; }

bool in_range(int number) noexcept { return number > 0 && number < signals_end; }

void replace_ours(int number, const struct sigaction& by) noexcept {
    struct sigaction action{};
    if (::sigaction(number, nullptr, &action) == 0 && is_ours(action)) {
        ::sigaction(number, &by, nullptr);
    }
    slots[static_cast<std::size_t>(number)].notify.store(nullptr);
    while (handlers_at_work.load(std::memory_order_acquire) != 0) ::sched_yield();
}

} // namespace

CatchResult catch_signal(int number, SignalNotify notify, void* who) noexcept {
    if (!in_range(number)) return CatchResult::no_such_signal;
    static std::atomic<pid_t> process = 0;
    if (process.exchange(::getpid()) != ::getpid()) handlers_at_work.store(0); // the parent's
    Slot& slot = slots[static_cast<std::size_t>(number)];
    const SignalNotify before = slot.notify.load();
    slot.pending.store(0);
    slot.process.store(::getpid());
    slot.who.store(who);
    slot.notify.store(notify);
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask); // one handler at a time
    struct sigaction replaced{};
    if (::sigaction(number, &action, &replaced) != 0) {
        slot.notify.store(before);
        return CatchResult::cannot_be_caught;
    }
    if (!is_ours(replaced)) actions_before[static_cast<std::size_t>(number)] = replaced;
    return CatchResult::caught;
}

void release_signal(int number) noexcept {
    struct sigaction initial{};
    initial.sa_handler = SIG_DFL;
    if (in_range(number)) replace_ours(number, initial);
}

void give_signal_back(int number) noexcept {
    if (in_range(number)) replace_ours(number, actions_before[static_cast<std::size_t>(number)]);
}

bool take_signal(int number) noexcept {
    return in_range(number) && slots[static_cast<std::size_t>(number)].pending.exchange(
                                   0, std::memory_order_acq_rel) > 0;
}

bool has_default_action(int number) noexcept {
    struct sigaction action{};
    if (!in_range(number) || ::sigaction(number, nullptr, &action) != 0) return false;
    if (action.sa_handler == SIG_DFL) return true;
    return action.sa_handler == on_signal &&
           slots[static_cast<std::size_t>(number)].process.load() != ::getpid();
}

std::string signal_name(int number) {
    const char* name = ::sigabbrev_np(number);
    return "SIG" + (name != nullptr ? std::string(name) : std::to_string(number));
}

bool is_main_thread() noexcept { return ::gettid() == ::getpid(); }

} // namespace asyncio::os
