// SPDX-License-Identifier: MIT
// Questions that other threads ask a loop, which answers between two callbacks.
#pragma once

#include "asyncio/base_events.h"
#include "asyncio/concurrent_futures.h"

#include <memory>

namespace asyncio::detail {

/// A question that is on its way. The loop answers by `answer(loop)`.
template <class T>
class LoopQuestion : Hop {
public:
    using Answer = T (*)(EventLoop&);

    /// Asks.
    /// Returns   what the answer will be, or what it has thrown; cancelled: the loop has closed.
    /// Throws    std::bad_alloc.
    /// Thread    any.
    static ConcurrentFuture<T> ask(LoopLink& link, Answer answer) {
        auto question = std::make_unique<LoopQuestion>(answer);
        ConcurrentFuture<T> asked = question->asked_;
        if (link.post(question.get())) {
            static_cast<void>(question.release()); // the loop's
        } else {
            asked.cancel();
        }
        return asked;
    }

    explicit LoopQuestion(Answer answer) : Hop(&give, &drop), answer_(answer) {}

private:
    static void give(Hop* hop) {
        const std::unique_ptr<LoopQuestion> self(static_cast<LoopQuestion*>(hop));
        if (!self->asked_.set_running_or_notify_cancel()) return; // nobody waits any more
        try {
            self->asked_.set_result(self->answer_(EventLoop::of(*here.loop)));
        } catch (...) {
            self->asked_.set_exception(std::current_exception());
        }
    }
    static void drop(Hop* hop) noexcept {
        const std::unique_ptr<LoopQuestion> self(static_cast<LoopQuestion*>(hop));
        self->asked_.cancel();
    }

    Answer answer_;
    ConcurrentFuture<T> asked_;
};

} // namespace asyncio::detail
