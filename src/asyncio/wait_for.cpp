// SPDX-License-Identifier: MIT
// wait_for without time: cancel, and wait for the end.
#include "asyncio/wait_for.h"

namespace asyncio::detail {

// A future of its own stands between, so that this can be cancelled while `future` takes its time.
Coro<> cancel_and_wait(AnyFuture future) {
    const Future<> ended;
    const CallbackId id = future.add_done_callback(
        [](const Future<>& signal) {
            if (!signal.done()) signal.set_result();
        },
        ended);
    future.cancel();
    const Outcome<> end = co_await outcome(ended);
    future.remove_done_callback(id);
    end.value();
}

} // namespace asyncio::detail
