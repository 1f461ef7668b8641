// SPDX-License-Identifier: MIT
// add_signal_handler: signals as callbacks of the loop.
#include "os/signals.h"
#include "asyncio/base_events.h"

#include <algorithm>
#include <csignal>

namespace asyncio {

namespace {

void notify_loop(void* loop) noexcept { static_cast<EventLoop*>(loop)->note_signal(); }

auto find_signal(detail::LoopParts& parts, int number) {
    return std::find_if(parts.signals.begin(), parts.signals.end(),
                        [number](const detail::SignalWatch& s) { return s.number == number; });
}

} // namespace

void EventLoop::set_signal_handler(int number, detail::CallbackNode* node) {
    detail::set_signal_callback(*this, number, &detail::SignalWatch::handler, node);
}

bool EventLoop::remove_signal_handler(int number) {
    return detail::remove_signal_callback(*this, number, &detail::SignalWatch::handler);
}

namespace detail {

namespace {

SignalWatch& watch_of(EventLoop& loop, int number) {
    std::vector<SignalWatch>& all = loop.parts().signals;
    const auto found = find_signal(loop.parts(), number);
    if (found != all.end()) return *found;
    all.reserve(all.size() + 1);
    switch (os::catch_signal(number, &notify_loop, &loop)) {
    case os::CatchResult::no_such_signal:
        throw ValueError("invalid signal number " + std::to_string(number));
    case os::CatchResult::cannot_be_caught:
        throw RuntimeError("sig " + std::to_string(number) + " cannot be caught");
    case os::CatchResult::caught: break;
    }
    return all.emplace_back(SignalWatch{number});
}

void drop(CallbackNode*& callback) noexcept {
    if (callback == nullptr) return;
    callback->set(CallbackNode::cancelled);
    release(std::exchange(callback, nullptr));
}

void queue(LoopCore& loop, CallbackNode* callback) {
    if (callback == nullptr || callback->has(CallbackNode::queued)) return;
    callback->set(CallbackNode::queued);
    add_ref(callback);
    queue_callback(loop, callback);
}

} // namespace

void set_signal_callback(EventLoop& loop, int number, CallbackNode* SignalWatch::* whose,
                         CallbackNode* node) {
    node->set(CallbackNode::repeats);
    struct Drop { // until it is installed
        CallbackNode* node;
        ~Drop() { drop(node); }
    } owned{node};
    if (!os::is_main_thread()) {
        throw RuntimeError("signal handlers can be set in the main thread only");
    }
    std::swap(watch_of(loop, number).*whose, owned.node);
}

// A handler that is removed leaves the default action, as in CPython; a stream that was beside the
// program's own action leaves that.
bool remove_signal_callback(EventLoop& loop, int number,
                            CallbackNode* SignalWatch::* whose) noexcept {
    LoopParts& parts = loop.parts();
    const auto found = find_signal(parts, number);
    if (found == parts.signals.end() || *found.*whose == nullptr) return false;
    drop(*found.*whose);
    if (found->handler != nullptr || found->streams != nullptr) return true;
    parts.signals.erase(found);
    if (number == SIGINT && parts.on_sigint) return true; // Ctrl-C is run()'s again
    if (whose == &SignalWatch::streams) {
        os::give_signal_back(number);
    } else {
        os::release_signal(number);
    }
    return true;
}

void dispatch_signals(EventLoop& loop) {
    LoopParts& parts = loop.parts();
    bool handled_sigint = false;
    for (const SignalWatch& watch : parts.signals) {
        handled_sigint = handled_sigint || watch.number == SIGINT;
        if (!os::take_signal(watch.number)) continue;
        queue(loop.core(), watch.handler);
        queue(loop.core(), watch.streams);
    }
    if (!handled_sigint && parts.on_sigint && os::take_signal(SIGINT)) parts.on_sigint();
}

void catch_sigint(EventLoop& loop, base::Function<void()> on_sigint) {
    loop.parts().on_sigint = std::move(on_sigint);
    os::catch_signal(SIGINT, &notify_loop, &loop);
}

void release_sigint(EventLoop& loop) noexcept {
    LoopParts& parts = loop.parts();
    parts.on_sigint = nullptr;
    if (find_signal(parts, SIGINT) == parts.signals.end()) os::release_signal(SIGINT);
}

void remove_all_signals(EventLoop& loop) noexcept {
    for (SignalWatch& watch : loop.parts().signals) {
        if (watch.handler == nullptr) {
            os::give_signal_back(watch.number);
        } else {
            os::release_signal(watch.number);
        }
        drop(watch.handler);
        drop(watch.streams);
    }
    loop.parts().signals.clear();
}

} // namespace detail

} // namespace asyncio
