// SPDX-License-Identifier: MIT
// Cold parts: what is rarely needed of a future or task, behind the one word `cold` of its state.
#pragma once

#include "asyncio/exceptions.h"

#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace asyncio::detail {

struct FutureState;
struct GatherSlot;
class ShieldedRegion;

/// Made when the first of it is needed; until then the word holds the place of the creation, or of
/// a child of a gather its slot.
struct ColdPart {
    std::source_location created;
    std::string name;
    std::string cancel_message;
    std::vector<std::source_location> origin; // debug mode: the creator's calls
    std::vector<std::source_location> failure; // of a failed task: the way of its exception
    ShieldedRegion* shielded = nullptr; // the innermost one
    GatherSlot* gather = nullptr; // of a task that a gather has made and not let go of
};

/// Throws    std::bad_alloc.
ColdPart& cold_part(FutureState* state);
/// Null: there is none yet.
ColdPart* existing_cold_part(const FutureState* state) noexcept;

/// Where it was made; empty: not known.
std::source_location created_at(const FutureState* state) noexcept;
/// Debug mode: keeps the calls that led to its creation. A text for reports is not worth an error.
/// where     the line of the creation; of none: the innermost coroutine's last known one.
void note_origin(FutureState* state, std::source_location where) noexcept;
/// What debug mode noted of its creation, innermost call first; null: nothing.
const std::vector<std::source_location>* origin_of(const FutureState* state) noexcept;

/// The way of the exception that a task has failed with, innermost call first; null: unknown.
const std::vector<std::source_location>* failure_of(const FutureState* state) noexcept;
/// The task has failed: keeps what note_failure has noted, if that is about this failure.
void keep_failure(FutureState* task) noexcept;
/// Lets go of the exception of the last failure.
void forget_failure() noexcept;

std::string name_of(FutureState* task); // "Task-N" unless it was given one
void set_name(FutureState* task, std::string name);

/// Keeps the message of a cancel; losing it is better than losing the cancel.
void keep_cancel_message(FutureState* state, std::string_view message) noexcept;
/// Gives it and forgets it.
std::string take_cancel_message(FutureState* task);
/// The exception of a cancelled future, which nobody has made yet.
CancelledError cancelled_error_of(const FutureState* state);

/// The slot in the gather that has made it: told of its end before all others. Null: none.
GatherSlot* gather_slot(const FutureState* task) noexcept;
/// LIFETIME: until leave_gather. The task was made without a place of creation.
void join_gather(FutureState* task, GatherSlot* slot) noexcept;
void leave_gather(FutureState* task) noexcept;

} // namespace asyncio::detail
