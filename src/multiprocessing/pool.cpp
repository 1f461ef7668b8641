// SPDX-License-Identifier: MIT
// How large chunks are, and how a pool ends.
#include "multiprocessing/pool.h"

#include <csignal>

namespace multiprocessing {

Pool::Pool(PoolOptions options) {
    detail::PoolSettings settings;
    settings.max_workers = options.processes_.value_or(detail::usable_processors());
    settings.max_workers_name = "Number of processes";
    settings.max_tasks_per_child = options.maxtasksperchild_;
    settings.start = std::move(options.start_);
    pool_ = detail::WorkerPool::make(std::move(settings));
    pool_->start_all();
}

Pool::~Pool() {
    terminate();
    if (!pool_->is_own_thread()) pool_->join();
}

void Pool::close() { pool_->stop_taking(false); }

void Pool::terminate() { pool_->strike(SIGTERM); }

void Pool::join() {
    if (!pool_->is_stopped()) throw asyncio::ValueError("Pool is still running");
    pool_->join();
}

void Pool::check_running() const {
    if (pool_->is_stopped()) throw asyncio::ValueError("Pool not running");
}

// As CPython: each worker gets about four chunks, so that one that is slow holds up little.
std::size_t Pool::chunk_for(std::size_t items, std::optional<std::size_t> chunksize) const {
    if (chunksize && *chunksize == 0) throw asyncio::ValueError("Chunksize must be 1+, not 0");
    if (chunksize) return *chunksize;
    const std::size_t pieces = static_cast<std::size_t>(pool_->max_workers()) * 4;
    return items == 0 ? 1 : (items + pieces - 1) / pieces;
}

} // namespace multiprocessing
