// SPDX-License-Identifier: MIT
// A question that threads ask a loop; the default executor.
#include "asyncio/threads.h"

#include "asyncio/base_events.h"
#include "asyncio/loop_questions.h"

namespace asyncio {

namespace detail {

namespace {

std::vector<TaskDescription> descriptions_of(EventLoop& loop) {
    std::vector<TaskDescription> descriptions;
    for (const AnyTask& task : all_tasks(loop)) {
        descriptions.push_back({task.state()->id(), task.get_name(),
                                task.cancelling() > 0 ? "cancelling" : "pending"});
    }
    return descriptions;
}

} // namespace

} // namespace detail

std::vector<TaskDescription> describe_tasks(EventLoop& loop, std::optional<Duration> timeout) {
    if (running_loop_or_null() == &loop) return detail::descriptions_of(loop);
    const auto tasks = detail::LoopQuestion<std::vector<TaskDescription>>::ask(
        *loop.parts().link, &detail::descriptions_of);
    try {
        return tasks.get(timeout);
    } catch (const CancelledError&) {
        throw RuntimeError("Event loop is closed");
    }
}

// ---- the default executor -----------------------------------------------------------------------

void EventLoop::set_default_executor(std::shared_ptr<ThreadPoolExecutor> executor) {
    if (executor == nullptr) throw TypeError("executor must be ThreadPoolExecutor instance");
    std::swap(parts_->executor, executor);
    // The last handle of the one before: its work goes on, and must not be waited for here.
    if (executor != nullptr && executor.use_count() == 1) executor->shutdown(false);
}

ThreadPoolExecutor& EventLoop::default_executor() {
    if (parts_->executor_shut_down) throw RuntimeError("Executor shutdown has been called");
    if (parts_->executor == nullptr) {
        parts_->executor =
            std::make_shared<ThreadPoolExecutor>(ThreadPoolOptions().thread_name_prefix("asyncio"));
    }
    return *parts_->executor;
}

Coro<void> EventLoop::shutdown_default_executor(std::optional<Duration> timeout) {
    parts_->executor_shut_down = true;
    const std::shared_ptr<ThreadPoolExecutor> executor = parts_->executor;
    if (executor == nullptr) co_return;
    const Future<void> ended(detail::wrap(executor->shutdown_and_tell(), *this, true));
    const Future<bool> in_time(*this);
    struct Timer {
        std::optional<TimerHandle> handle;
        ~Timer() {
            if (handle) handle->cancel();
        }
    } timer;
    ended.add_done_callback([in_time] {
        if (!in_time.done()) in_time.set_result(true);
    });
    if (timeout) {
        timer.handle = call_later(*timeout, [in_time] {
            if (!in_time.done()) in_time.set_result(false);
        });
    }
    if (co_await in_time) {
        executor->shutdown(true); // the threads are about to end
    } else {
        detail::log(LogLevel::warning, "The executor did not finish joining its threads within " +
                                           detail::value_text_of(timeout->seconds().count()) +
                                           " seconds: " + executor->unfinished_work());
        executor->shutdown(false);
    }
}

} // namespace asyncio
