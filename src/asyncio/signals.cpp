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
    node->set(detail::CallbackNode::repeats);
    struct Release { // until it is installed
        detail::CallbackNode* node;
        ~Release() {
            if (node != nullptr) detail::release(node);
        }
    } owned{node};
    if (!os::is_main_thread()) {
        throw RuntimeError("signal handlers can be set in the main thread only");
    }
    const auto found = find_signal(*parts_, number);
    if (found != parts_->signals.end()) {
        std::swap(found->callback, owned.node);
        owned.node->set(detail::CallbackNode::cancelled);
        return;
    }
    parts_->signals.reserve(parts_->signals.size() + 1);
    switch (os::catch_signal(number, &notify_loop, this)) {
    case os::CatchResult::no_such_signal:
        throw ValueError("invalid signal number " + std::to_string(number));
    case os::CatchResult::cannot_be_caught:
        throw RuntimeError("sig " + std::to_string(number) + " cannot be caught");
    case os::CatchResult::caught: break;
    }
    parts_->signals.push_back({number, std::exchange(owned.node, nullptr)});
}

bool EventLoop::remove_signal_handler(int number) {
    const auto found = find_signal(*parts_, number);
    if (found == parts_->signals.end()) return false;
    os::release_signal(number);
    found->callback->set(detail::CallbackNode::cancelled);
    detail::release(found->callback);
    parts_->signals.erase(found);
    if (number == SIGINT && parts_->on_sigint) {
        os::catch_signal(SIGINT, &notify_loop, this); // Ctrl-C is run()'s again
    }
    return true;
}

namespace detail {

void dispatch_signals(EventLoop& loop) {
    LoopParts& parts = loop.parts();
    bool handled_sigint = false;
    for (const SignalWatch& watch : parts.signals) {
        handled_sigint = handled_sigint || watch.number == SIGINT;
        if (!os::take_signal(watch.number) || watch.callback->has(CallbackNode::queued)) continue;
        watch.callback->set(CallbackNode::queued);
        add_ref(watch.callback);
        queue_callback(loop.core(), watch.callback);
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
    for (const SignalWatch& watch : loop.parts().signals) {
        os::release_signal(watch.number);
        release(watch.callback);
    }
    loop.parts().signals.clear();
}

} // namespace detail

} // namespace asyncio
