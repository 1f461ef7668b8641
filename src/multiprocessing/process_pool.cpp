// SPDX-License-Identifier: MIT
// The executor's end, and what it is made with.
#include "multiprocessing/process_pool.h"

#include <csignal>

namespace multiprocessing {

ProcessPoolExecutor::ProcessPoolExecutor(ProcessPoolOptions options) {
    detail::PoolSettings settings;
    settings.max_workers = options.max_workers_.value_or(detail::usable_processors());
    settings.max_tasks_per_child = options.max_tasks_per_child_;
    settings.start = std::move(options.start_);
    pool_ = detail::WorkerPool::make(std::move(settings));
}

ProcessPoolExecutor::~ProcessPoolExecutor() {
    if (pool_->is_stopped()) return; // somebody waits already, or does not want to
    pool_->stop_taking(false);
    if (!pool_->is_own_thread()) pool_->join();
}

void ProcessPoolExecutor::check_chunksize(std::size_t chunksize) {
    if (chunksize == 0) throw asyncio::ValueError("chunksize must be >= 1.");
}

void ProcessPoolExecutor::shutdown(bool wait, bool cancel_futures) {
    pool_->stop_taking(cancel_futures);
    if (wait) pool_->join();
}

void ProcessPoolExecutor::terminate_workers() { end_workers(SIGTERM); }

void ProcessPoolExecutor::kill_workers() { end_workers(SIGKILL); }

void ProcessPoolExecutor::end_workers(int signal_number) {
    pool_->strike(signal_number);
    pool_->join();
}

int ProcessPoolExecutor::max_workers() const noexcept { return pool_->max_workers(); }

} // namespace multiprocessing
