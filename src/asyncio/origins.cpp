// SPDX-License-Identifier: MIT
// Keeps creators' calls: a task's in its cold part, a handle's beside its operations, a coroutine's
// in a table until it starts.
#include "asyncio/origins.h"

#include "asyncio/call_stacks.h"
#include "asyncio/format_helpers.h"

#include <limits>
#include <string_view>
#include <unordered_map>

namespace asyncio::detail {

namespace {

using Locations = std::vector<std::source_location>;

constexpr std::size_t looked_at_max = 2 * origin_calls_max; // some may be wrappers

// Innermost first. Below an unknown line stand the running coroutines alone.
Locations creation_stack(std::source_location where) {
    const bool known = where.line() != 0;
    std::vector<Call> calls;
    if (here.task != nullptr)
        calls = known ? calls_here(where, looked_at_max) : calls_of(here.task, looked_at_max);
    Locations stack;
    for (const Call& call : calls) {
        if (stack.size() < origin_calls_max) stack.push_back(call.where);
    }
    if (stack.empty() && known) stack.push_back(where);
    return stack;
}

std::string place(std::source_location where) {
    return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

} // namespace

// ---- futures and tasks --------------------------------------------------------------------------

void note_origin(FutureState* state, std::source_location where) noexcept {
    try {
        Locations stack = creation_stack(where);
        if (stack.empty()) return;
        cold_part(state).origin = std::move(stack);
    } catch (const std::bad_alloc&) {
        // A text for reports is not worth an error.
    }
}

std::string origin_text(const FutureState* state) {
    const Locations* noted = origin_of(state);
    if (noted != nullptr) return traceback_text(*noted);
    const std::source_location where = created_at(state);
    return where.line() != 0 ? traceback_text(Locations(1, where)) : std::string();
}

std::string created_text(const FutureState* state) {
    const Locations* noted = origin_of(state);
    return noted != nullptr ? " created at " + place(noted->front()) : std::string();
}

// ---- handles ------------------------------------------------------------------------------------

namespace {

/// Stands in for the operations of one node, so that a node needs no room for what debug mode adds.
struct TracedOps : CallbackOps {
    TracedOps(const CallbackOps* operations, Locations calls)
        : CallbackOps{operations->run, operations->drop, &free_traced, operations->type},
          plain(operations), origin(std::move(calls)) {}

    static void free_traced(CallbackNode* node) noexcept {
        const auto* traced = static_cast<const TracedOps*>(node->ops);
        node->ops = traced->plain;
        delete traced;
        node->ops->free(node);
    }

    const CallbackOps* plain;
    Locations origin;
};

const Locations* origin_of(const CallbackNode& node) noexcept {
    if (node.ops->free != &TracedOps::free_traced) return nullptr;
    return &static_cast<const TracedOps*>(node.ops)->origin;
}

} // namespace

void note_origin(CallbackNode* node, std::source_location where) noexcept {
    try {
        Locations stack = creation_stack(where);
        if (stack.empty() || origin_of(*node) != nullptr) return;
        node->ops = new TracedOps(node->ops, std::move(stack));
    } catch (const std::bad_alloc&) {
        // A text for reports is not worth an error.
    }
}

std::string origin_text(const CallbackNode& node) {
    const Locations* noted = origin_of(node);
    return noted != nullptr ? traceback_text(*noted) : std::string();
}

std::string created_text(const CallbackNode& node) {
    const Locations* noted = origin_of(node);
    return noted != nullptr ? " created at " + place(noted->front()) : std::string();
}

// ---- coroutines that have not started -----------------------------------------------------------

namespace {

struct Origin {
    std::string_view function; // who was created: another one at the same address is not this
    Locations calls;
};

// Coroutines that are started or dropped by this thread leave it then. One that another thread
// took away stays until its address is used again; so there is a limit.
constexpr std::size_t origins_max = 10'000;

std::unordered_map<const Frame*, Origin>& origins() {
    static thread_local std::unordered_map<const Frame*, Origin> table;
    return table;
}

} // namespace

void Frame::note_origin(Frame* frame) noexcept {
    try {
        auto& table = origins();
        if (table.size() >= origins_max) table.clear();
        table.insert_or_assign(frame, Origin{frame->where.function_name(), creation_stack({})});
    } catch (const std::bad_alloc&) {
        forget_origin(frame);
    }
}

std::string origin_text(const Frame& frame) {
    const auto found = origins().find(&frame);
    if (found == origins().end() || found->second.function != frame.where.function_name()) {
        return {};
    }
    return traceback_text(found->second.calls);
}

void forget_origin(const Frame* frame) noexcept { origins().erase(frame); }

void track_origins(bool on) noexcept {
    if (here.track_origins && !on) origins().clear();
    here.track_origins = on;
    here.care_limit = on ? std::numeric_limits<std::uintptr_t>::max() : here.stack_limit;
}

std::size_t origins_kept() noexcept { return origins().size(); }

bool starts_afresh(const Frame* child) noexcept {
    if (here.track_origins) forget_origin(child);
    return stack_is_low();
}

} // namespace asyncio::detail
