// SPDX-License-Identifier: MIT
// Cold parts: made on demand; the low bit of the word tells them from what stands there before.
#include "asyncio/cold_parts.h"

#include "asyncio/scheduling.h"

namespace asyncio::detail {

ColdPart* existing_cold_part(const FutureState* state) noexcept {
    if ((state->cold & FutureState::cold_bit) == 0) return nullptr;
    return reinterpret_cast<ColdPart*>(state->cold & ~FutureState::cold_bit);
}

ColdPart& cold_part(FutureState* state) {
    ColdPart* cold = existing_cold_part(state);
    if (cold == nullptr) {
        cold = new ColdPart{created_at(state), {}, {}, {}, {}};
        cold->gather = gather_slot(state);
        state->cold = reinterpret_cast<std::uintptr_t>(cold) | FutureState::cold_bit;
    }
    return *cold;
}

// ---- where it was made, and how it failed -------------------------------------------------------

std::source_location created_at(const FutureState* state) noexcept {
    if (const ColdPart* cold = existing_cold_part(state)) return cold->created;
    if (state->has(FutureState::gathered)) return {};
    return std::bit_cast<std::source_location>(state->cold);
}

const std::vector<std::source_location>* origin_of(const FutureState* state) noexcept {
    const ColdPart* cold = existing_cold_part(state);
    return cold != nullptr && !cold->origin.empty() ? &cold->origin : nullptr;
}

const std::vector<std::source_location>* failure_of(const FutureState* state) noexcept {
    const ColdPart* cold = existing_cold_part(state);
    return cold != nullptr && !cold->failure.empty() ? &cold->failure : nullptr;
}

// ---- names --------------------------------------------------------------------------------------

std::string name_of(FutureState* task) {
    if (task->has(FutureState::named)) return cold_part(task).name;
    return "Task-" + std::to_string(task->id());
}

void set_name(FutureState* task, std::string name) {
    cold_part(task).name = std::move(name);
    task->set(FutureState::named);
}

// ---- messages of cancels ------------------------------------------------------------------------

void keep_cancel_message(FutureState* state, std::string_view message) noexcept {
    ColdPart* cold = existing_cold_part(state);
    if (message.empty()) {
        if (cold != nullptr) cold->cancel_message.clear();
        return;
    }
    try {
        cold_part(state).cancel_message = message;
    } catch (const std::bad_alloc&) {
        // Losing the message is better than losing the cancel.
    }
}

std::string take_cancel_message(FutureState* task) {
    ColdPart* cold = existing_cold_part(task);
    if (cold == nullptr) return {};
    return std::exchange(cold->cancel_message, {});
}

CancelledError cancelled_error_of(const FutureState* state) {
    const ColdPart* cold = existing_cold_part(state);
    return CancelledError(cold != nullptr ? std::string_view(cold->cancel_message) : "");
}

// ---- children of gathers ------------------------------------------------------------------------

GatherSlot* gather_slot(const FutureState* task) noexcept {
    if (!task->has(FutureState::gathered)) return nullptr;
    if (const ColdPart* cold = existing_cold_part(task)) return cold->gather;
    return reinterpret_cast<GatherSlot*>(task->cold);
}

void join_gather(FutureState* task, GatherSlot* slot) noexcept {
    task->set(FutureState::gathered);
    if (ColdPart* cold = existing_cold_part(task)) {
        cold->gather = slot;
    } else {
        task->cold = reinterpret_cast<std::uintptr_t>(slot);
    }
}

void leave_gather(FutureState* task) noexcept {
    if (ColdPart* cold = existing_cold_part(task)) {
        cold->gather = nullptr;
    } else {
        task->cold = 0;
    }
    task->clear(FutureState::gathered);
}

} // namespace asyncio::detail
