// SPDX-License-Identifier: MIT
// Programs of bytes for a loop with a queue, a lock, a semaphore and an event, held to a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fuzz {

/// Runs `program` on a loop of its own, on the virtual clock, and compares what the primitives do
/// with a model of what they promise.
///
/// The first three bytes choose the queue's size, the semaphore's permits and whether tasks start
/// eagerly; each pair behind them is a step and its argument: a task that puts, takes, locks or
/// waits; a cancel; a turn; some time; a shutdown. Every sequence of bytes is a program.
///
/// Returns   the first promise that was broken, in words; empty: all were kept.
std::string run_sync_program(std::span<const std::uint8_t> program);

} // namespace fuzz
