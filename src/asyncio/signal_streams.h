// SPDX-License-Identifier: MIT
// SignalStream: signals that tasks wait for.
#pragma once

#include "asyncio/queues.h"

#include <concepts>
#include <optional>
#include <vector>

namespace asyncio {

/// The signals of some kinds, from when it is made, one after the other.
///
///     asyncio::SignalStream signals(SIGTERM, SIGHUP);
///     while (auto number = co_await signals.next()) {
///         if (*number == SIGTERM) break;
///         reload();
///     }
///
/// Any number of streams can wait for the same signal, and each gets it. A signal that comes again
/// before it was taken is there once, as for the kernel. A handler that add_signal_handler() has
/// set is called, too.
///
/// Thread    the loop's own, which is the main one.
/// Lifetime  the loop that runs when it is made outlives it.
/// Source    none in asyncio, where a handler is called back.
class SignalStream {
public:
    /// Throws    ValueError: no such signal. RuntimeError: no loop runs; it cannot be caught
    ///           (SIGKILL); this is not the main thread. No handler is left then.
    template <std::same_as<int>... Numbers>
    explicit SignalStream(int number, Numbers... more)
        : SignalStream(std::vector<int>{number, more...}) {}
    explicit SignalStream(const std::vector<int>& numbers);
    SignalStream(const SignalStream&) = delete; // the loop's handlers know its address
    SignalStream& operator=(const SignalStream&) = delete;
    /// As close().
    ~SignalStream() { close(); }

    /// Waits for the next signal.
    /// Returns   its number; nothing: it is closed, and all that had come are taken.
    /// Cancel    no signal is lost: the next one gets it.
    Coro<std::optional<int>> next() { return next_of(this); }
    /// Waits for no further signals: who waits in next() gets nothing. The last stream of a signal
    /// leaves to it what the program had set: a handler of the loop, or the action that it had
    /// before. Harmless twice.
    void close() noexcept;

private:
    static Coro<std::optional<int>> next_of(SignalStream* stream);
    static void deliver(EventLoop* loop, int number);
    void listen(int number);
    void arrived(int number);
    void leave(int number) noexcept;

    EventLoop* loop_;
    std::vector<int> numbers_; // none: closed
    std::vector<int> waiting_; // in the queue, and not taken
    Queue<int> arrivals_;
};

} // namespace asyncio
