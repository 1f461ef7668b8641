// SPDX-License-Identifier: MIT
// What a task shows of its coroutines: get_coro, get_stack, print_stack.
#include "asyncio/call_stacks.h"
#include "asyncio/format_helpers.h"
#include "asyncio/tasks.h"

#include <algorithm>
#include <ostream>

namespace asyncio::detail {

namespace {

StackEntry entry_of(std::source_location where) {
    return {name_of_call(where), where.file_name(), where.line()};
}

} // namespace

CoroInfo coro_info(FutureState* task) {
    if (const auto* failure = failure_of(task)) {
        const std::source_location root = failure->back();
        return {name_of_call(root), root.file_name(), root.line()};
    }
    const std::vector<Call> calls = calls_of(task);
    if (calls.empty()) return {};
    const std::source_location root = calls.back().where;
    if (!is_wrapper(root)) return {function_name(root), root.file_name(), root.line()};
    // Nothing of the user's but a callable or an operation: what that is, and who began it.
    const bool waits = !task->has(FutureState::not_started) && task->waiter() != nullptr;
    const std::source_location where = created_at(task);
    return {waits ? task->waiter()->label() : name_of_call(root), where.file_name(), where.line()};
}

std::vector<StackEntry> task_stack(FutureState* task, std::optional<int> limit) {
    std::vector<std::source_location> calls; // innermost first
    const std::vector<std::source_location>* failure = failure_of(task);
    if (failure != nullptr) {
        calls = *failure;
    } else {
        for (const Call& call : calls_of(task)) calls.push_back(call.where);
    }
    if (limit) {
        const auto kept = static_cast<std::size_t>(std::max(*limit, 0));
        const auto dropped =
            static_cast<std::ptrdiff_t>(calls.size() - std::min(kept, calls.size()));
        if (failure != nullptr) { // the oldest stay, as of a traceback
            calls.erase(calls.begin(), calls.begin() + dropped);
        } else { // the newest stay
            calls.erase(calls.end() - dropped, calls.end());
        }
    }
    std::vector<StackEntry> stack;
    std::transform(calls.rbegin(), calls.rend(), std::back_inserter(stack), entry_of);
    return stack;
}

void print_task_stack(FutureState* task, std::ostream& out, std::optional<int> limit) {
    const std::vector<StackEntry> stack = task_stack(task, limit);
    const bool failed = task->done() && task->failed() && !task->has(FutureState::is_cancelled);
    const char* heading = failed ? "Traceback for " : "Stack for ";
    out << (stack.empty() ? "No stack for " : heading) << to_string(AnyTask(StateRef(task)))
        << (stack.empty() ? "\n" : " (most recent call last):\n");
    for (const StackEntry& entry : stack) {
        out << traceback_line(entry.file, entry.line, entry.function) << '\n';
    }
    if (!failed) return;
    const std::exception_ptr& error = std::as_const(task->cell.exception());
    out << type_name(error);
    if (const std::string message = message_of(error); !message.empty()) out << ": " << message;
    out << '\n';
}

} // namespace asyncio::detail
