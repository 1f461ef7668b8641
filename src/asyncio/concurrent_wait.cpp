// SPDX-License-Identifier: MIT
// Several concurrent futures, in the order in which they are done.
#include "asyncio/concurrent_wait.h"

#include <condition_variable>
#include <mutex>

namespace asyncio::detail {

struct CompletionQueue::Part {
    struct Waiter final : BlockedWaiter {
        Waiter(Part& queue, ConcurrentState* waits_for, std::size_t position) noexcept
            : part(queue), state(waits_for), index(position) {}
        Waiter(Waiter&& other) noexcept // before it is linked
            : part(other.part), state(other.state), index(other.index) {}
        void fired() noexcept override {
            const std::scoped_lock hold(part.lock);
            part.finished.push_back(index); // there is room for all
            part.more.notify_one();
        }
        Part& part;
        ConcurrentState* state;
        std::size_t index;
    };

    std::mutex lock;
    std::condition_variable more;
    std::vector<std::size_t> finished;
    std::size_t given = 0;
    std::vector<Waiter> waiters;
};

CompletionQueue::CompletionQueue(std::vector<ConcurrentState*> states)
    : part_(std::make_unique<Part>()) {
    part_->finished.reserve(states.size());
    part_->waiters.reserve(states.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
        part_->waiters.emplace_back(*part_, states[i], i);
    }
    for (Part::Waiter& waiter : part_->waiters) {
        if (waiter.state->done_or_add(&waiter)) waiter.fired();
    }
}

CompletionQueue::CompletionQueue(CompletionQueue&&) noexcept = default;

CompletionQueue::~CompletionQueue() {
    if (!part_) return;
    for (Part::Waiter& waiter : part_->waiters) waiter.state->remove(&waiter);
}

std::optional<std::size_t> CompletionQueue::next(std::optional<TimePoint> deadline) {
    std::unique_lock hold(part_->lock);
    const auto is_there = [this] { return part_->given < part_->finished.size(); };
    if (!deadline) {
        part_->more.wait(hold, is_there);
    } else if (!part_->more.wait_until(hold, *deadline, is_there)) {
        return std::nullopt;
    }
    return part_->finished[part_->given++];
}

void throw_unfinished(std::size_t pending, std::size_t total) {
    throw TimeoutError(std::to_string(pending) + " (of " + std::to_string(total) +
                       ") futures unfinished");
}

} // namespace asyncio::detail
