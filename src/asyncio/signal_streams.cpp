// SPDX-License-Identifier: MIT
// Who waits for which signal, and its delivery to all of them.
#include "asyncio/signal_streams.h"

#include "asyncio/base_events.h"
#include "asyncio/exceptions.h"

#include <algorithm>

namespace asyncio {

namespace {

/// A stream that waits for a signal of a loop.
struct Subscription {
    EventLoop* loop;
    int number;
    SignalStream* stream;
};

/// All of the program: touched by the main thread alone, the only one that has handlers.
std::vector<Subscription>& subscriptions() {
    static std::vector<Subscription> all;
    return all;
}

bool is_wanted(const EventLoop* loop, int number) {
    const auto& all = subscriptions();
    return std::any_of(all.begin(), all.end(), [=](const Subscription& one) {
        return one.loop == loop && one.number == number;
    });
}

} // namespace

SignalStream::SignalStream(const std::vector<int>& numbers) : loop_(&get_running_loop()) {
    struct LeaveAll { // unless it is made
        SignalStream* stream;
        ~LeaveAll() {
            if (stream != nullptr) stream->close();
        }
    } undo{this};
    numbers_.reserve(numbers.size());
    waiting_.reserve(numbers.size());
    for (const int number : numbers) {
        if (std::find(numbers_.begin(), numbers_.end(), number) != numbers_.end()) continue;
        subscriptions().reserve(subscriptions().size() + 1);
        if (!is_wanted(loop_, number)) listen(number);
        subscriptions().push_back(Subscription{loop_, number, this});
        numbers_.push_back(number);
    }
    undo.stream = nullptr;
}

void SignalStream::close() noexcept {
    for (const int number : std::exchange(numbers_, {})) leave(number);
    arrivals_.shutdown();
}

void SignalStream::leave(int number) noexcept {
    std::erase_if(subscriptions(), [=, this](const Subscription& one) {
        return one.stream == this && one.number == number;
    });
    if (is_wanted(loop_, number) || loop_->is_closed()) return;
    detail::remove_signal_callback(*loop_, number, &detail::SignalWatch::streams);
}

void SignalStream::listen(int number) {
    const std::tuple here(loop_->core().index);
    auto* node = detail::make_loop_callback<detail::CallbackNode>(here, &deliver, loop_, number);
    detail::set_signal_callback(*loop_, number, &detail::SignalWatch::streams, node);
}

void SignalStream::deliver(EventLoop* loop, int number) {
    for (const Subscription& one : subscriptions()) {
        if (one.loop == loop && one.number == number) one.stream->arrived(number);
    }
}

void SignalStream::arrived(int number) {
    if (std::find(waiting_.begin(), waiting_.end(), number) != waiting_.end()) return;
    arrivals_.put_nowait(number);
    waiting_.push_back(number);
}

Coro<std::optional<int>> SignalStream::next_of(SignalStream* stream) {
    // LIFETIME: the stream outlives the await, as a queue does.
    Outcome<int> next = co_await outcome(stream->arrivals_.get());
    if (is_exception<QueueShutDown>(next.exception())) co_return std::nullopt;
    const int number = std::move(next).value();
    std::erase(stream->waiting_, number);
    co_return number;
}

} // namespace asyncio
