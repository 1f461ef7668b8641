// SPDX-License-Identifier: MIT
// Walks the coroutines of a task.
#include "asyncio/call_stacks.h"

#include "asyncio/coroutines.h"
#include "asyncio/format_helpers.h"

#include <cstring>
#include <string_view>

namespace asyncio::detail {

namespace {

CallKind kind_of(const Frame* frame) noexcept {
    return frame->is_generator() ? CallKind::generator : CallKind::coroutine;
}

void add_suspended(const Frame* frame, std::vector<Call>& calls, std::size_t most) {
    for (; frame != nullptr && calls.size() < most; frame = frame->parent) {
        calls.push_back({frame->where, kind_of(frame)});
    }
}

/// What the trampoline resumed last; null outside of tasks.
const Frame* resumed_last() noexcept {
    return here.task != nullptr ? here.task->cell.frame() : nullptr;
}

const Frame* parent_of(const InlineChild& child) noexcept {
    return child.outer != nullptr ? child.outer->child : resumed_last();
}

const Frame* innermost_running() noexcept {
    return here.inline_child != nullptr ? here.inline_child->child : resumed_last();
}

// The trampoline resumed one frame; below it stand the children that run inline. Each knows where
// its parent awaits it; where the innermost stands now nobody has noted.
void add_running(std::vector<Call>& calls, std::size_t most) {
    const Frame* frame = innermost_running();
    calls.push_back({frame->where, kind_of(frame)});
    const InlineChild* child = here.inline_child;
    for (; child != nullptr && calls.size() < most; child = child->outer) {
        calls.push_back({child->where, kind_of(parent_of(*child))});
    }
    if (child == nullptr) add_suspended(resumed_last()->parent, calls, most);
}

void drop_wrappers(std::vector<Call>& calls) {
    if (calls.size() < 2) return;
    const Call outermost = calls.back();
    std::erase_if(calls, [](const Call& call) { return is_wrapper(call.where); });
    if (calls.empty()) calls.push_back(outermost);
}

// What the wrapper's type says it is around: "[with F = main()::<lambda()>; ...]".
std::string wrapped_name(std::string_view signature) {
    for (const std::string_view argument : {" F = ", "[F = ", " A = ", "[A = "}) {
        const std::size_t begin = signature.find(argument);
        if (begin == std::string_view::npos) continue;
        std::string_view type = signature.substr(begin + argument.size());
        type = type.substr(0, type.find_first_of(";]"));
        if (type.find("(*)") != std::string_view::npos) return "function";
        if (type.starts_with("(lambda")) return "<lambda>";
        return name_in_signature(type.substr(0, type.find(", ")));
    }
    return "function";
}

} // namespace

bool is_wrapper(std::source_location where) noexcept {
    const std::string_view text = where.function_name();
    const std::size_t parameters = text.find('(');
    return text.substr(0, parameters).find("asyncio::detail::call_kept") !=
               std::string_view::npos ||
           text.substr(0, parameters).find("asyncio::detail::await_it") != std::string_view::npos;
}

std::string name_of_call(std::source_location where) {
    return is_wrapper(where) ? wrapped_name(where.function_name()) : function_name(where);
}

bool is_running(FutureState* task) noexcept {
    return task->cell.st > CellHead::gone && !task->has(FutureState::not_started) &&
           task->waiter() == nullptr;
}

std::vector<Call> calls_of(FutureState* task, std::size_t most) {
    std::vector<Call> calls;
    const bool at_work = task->has(FutureState::is_task) && !task->done() &&
                         task->cell.st > CellHead::gone; // else the body has returned
    if (!at_work) return calls;
    if (!is_running(task)) {
        add_suspended(task->cell.frame(), calls, most);
    } else if (task == here.task) {
        add_running(calls, most);
    }
    drop_wrappers(calls);
    return calls;
}

std::source_location running_location() noexcept {
    if (here.task == nullptr || !is_running(here.task)) return {};
    return innermost_running()->where;
}

std::vector<Call> calls_here(std::source_location where, std::size_t most) {
    std::vector<Call> calls;
    if (here.task != nullptr) calls = calls_of(here.task, most);
    if (calls.empty()) return calls;
    const std::source_location innermost = calls.front().where;
    if (std::strcmp(where.file_name(), innermost.file_name()) == 0 &&
        function_name(where) == function_name(innermost)) {
        calls.front().where = where;
    } else {
        calls.insert(calls.begin(), Call{where, CallKind::function});
    }
    return calls;
}

// ---- the way of an exception --------------------------------------------------------------------

namespace {

/// The last exception that has left a coroutine of this thread, and its way so far.
struct Failure {
    std::exception_ptr error; // kept alive: another one at the same address is not this
    const Frame* next; // who awaits the one that it left; null: that was a task's root
    std::source_location where; // that await
    std::vector<std::source_location> calls;
};

constexpr std::size_t failure_calls_max = 100;

Failure& last_failure() noexcept {
    static thread_local Failure failure{};
    return failure;
}

bool is_way_out(const std::exception_ptr& error) noexcept { // no failure, but asked for
    const std::type_info& type = *type_of(error);
    return type == typeid(CancelledError) || type == typeid(GeneratorExit);
}

} // namespace

void note_failure(const Frame& frame, const std::exception_ptr& error) noexcept {
    if (is_way_out(error)) return forget_failure();
    Failure& failure = last_failure();
    const bool goes_on = failure.next == &frame && failure.error == error;
    if (!goes_on) {
        failure.calls.clear();
        failure.error = error;
        here.holds_failure = true;
    }
    if (failure.calls.size() < failure_calls_max) {
        try {
            failure.calls.push_back(goes_on ? failure.where : frame.where);
        } catch (const std::bad_alloc&) {
            return forget_failure();
        }
    }
    const InlineChild* inlined = here.inline_child;
    if (inlined != nullptr && inlined->child == &frame) {
        failure.next = parent_of(*inlined);
        failure.where = inlined->where;
    } else {
        failure.next = frame.parent;
        if (frame.parent != nullptr) failure.where = frame.parent->where;
    }
}

void keep_failure(FutureState* task) noexcept {
    const Failure& failure = last_failure();
    if (failure.next == nullptr && failure.error == task->cell.exception()) {
        try {
            cold_part(task).failure = failure.calls;
            std::erase_if(cold_part(task).failure, is_wrapper);
        } catch (const std::bad_alloc&) {
            // A text for reports is not worth an error.
        }
    }
    forget_failure();
}

void forget_failure() noexcept {
    if (!here.holds_failure) return;
    here.holds_failure = false;
    Failure& failure = last_failure();
    failure.next = nullptr;
    failure.error = nullptr; // last: may run anybody's destructor
}

std::string traceback_text(const std::vector<std::source_location>& innermost_first) {
    std::string text;
    for (auto call = innermost_first.rbegin(); call != innermost_first.rend(); ++call) {
        if (!text.empty()) text += '\n';
        text += traceback_line(call->file_name(), call->line(), name_of_call(*call));
    }
    return text;
}

} // namespace asyncio::detail
