// SPDX-License-Identifier: MIT
// run_workers: more cores, by several loops that share nothing.
#pragma once

#include "asyncio/coroutines.h"
#include "base/function.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace asyncio {

/// Which of the loops of run_workers.
class Worker {
public:
    Worker(std::size_t index, std::size_t count) noexcept : index_(index), count_(count) {}
    std::size_t index() const noexcept { return index_; } // from 0
    std::size_t count() const noexcept { return count_; } // how many there are

private:
    std::size_t index_;
    std::size_t count_;
};

/// The keyword arguments of run_workers.
class WorkersOptions {
public:
    WorkersOptions() noexcept {}
    /// Debug mode on or off, whatever ASYNCIO_DEBUG says.
    WorkersOptions& debug(bool on) noexcept {
        debug_ = on;
        return *this;
    }
    /// What their threads are called, in front of the number; "worker" by default.
    WorkersOptions& name(std::string prefix) {
        name_ = std::move(prefix);
        return *this;
    }

    std::optional<bool> debug() const noexcept { return debug_; } // nothing: as ASYNCIO_DEBUG says
    const std::string& name() const noexcept { return name_; }

private:
    std::optional<bool> debug_;
    std::string name_ = "worker";
};

namespace detail {

using WorkerMain = base::Function<Coro<>(Worker)>;

void run_crew(std::size_t count, WorkerMain main, const WorkersOptions& options);

/// Awaits what a callable makes, on the worker's own loop.
template <class F>
Coro<> call_worker_main(const F* main, Worker worker) {
    // LIFETIME: run_workers keeps `main` until all workers have ended.
    if constexpr (std::is_invocable_v<const F&, Worker>) {
        co_await (*main)(worker);
    } else {
        co_await (*main)();
    }
}

} // namespace detail

/// What run_workers runs on each loop: (Worker) -> awaitable, or () -> awaitable.
template <class F>
concept WorkersMain = requires(const F& main, Worker worker) {
    { main(worker) } -> Awaitable;
} || requires(const F& main) {
    { main() } -> Awaitable;
};

/// Runs `count` loops, each on a thread of its own, with `main` on each; ends when all have ended.
///
/// Nothing in a loop is shared, so there is nothing to lock. A server listens on each, with
/// `ServerOptions().reuse_port(true)`: the kernel deals the connections out.
///
///     asyncio::run_workers(4, [](asyncio::Worker) -> asyncio::Coro<> {
///         auto server = co_await asyncio::start_server(
///             answer, "0.0.0.0", 8888, asyncio::ServerOptions().reuse_port(true));
///         co_await server.serve_forever();
///     });
///
/// Ctrl-C cancels `main` on each loop, and when all have ended comes out of this: their threads are
/// waited for, also after a second one; a third ends the process. If `main` fails on one, the
/// others are cancelled.
///
/// main      called once on each thread, at the same time
/// Throws    what `main` throws, if it fails on one loop only; ExceptionGroup: on several.
///           KeyboardInterrupt: Ctrl-C. ValueError: no workers. RuntimeError: a loop runs on this
///           thread. std::system_error: no thread could be made; those that were have ended.
/// Thread    blocks the calling one; Ctrl-C is heard on the main thread only.
/// Cost      one thread and one loop each, and a loop that waits for them.
/// Source    (C++ only: Python forks processes for that)
template <WorkersMain F>
void run_workers(std::size_t count, F main, const WorkersOptions& options = WorkersOptions()) {
    const F* const callable = &main;
    detail::run_crew(
        count, [callable](Worker worker) { return detail::call_worker_main(callable, worker); },
        options);
}

} // namespace asyncio
