// SPDX-License-Identifier: MIT
// The text forms of futures, tasks and handles.
#include "asyncio/call_stacks.h"
#include "asyncio/events.h"
#include "asyncio/format_helpers.h"
#include "asyncio/gather.h"
#include "asyncio/origins.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace asyncio {

using detail::FutureState;

namespace detail {

// ---- values -------------------------------------------------------------------------------------

std::string value_text_of(bool value) { return value ? "True" : "False"; }
std::string value_text_of(long long value) { return std::to_string(value); }
std::string value_text_of(unsigned long long value) { return std::to_string(value); }
std::string value_text_of(std::string_view value) { return quoted_short(value); }

namespace {

// The fewest digits that give the same number again.
std::string shortest(double value, std::chars_format format) {
    char text[40];
    return {text, std::to_chars(text, text + sizeof text, value, format).ptr};
}

} // namespace

// As Python: an exponent only where the point would stand beyond 16 places.
std::string value_text_of(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    const double size = std::abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e16)) {
        return shortest(value, std::chars_format::scientific);
    }
    std::string text = shortest(value, std::chars_format::fixed);
    if (text.find('.') == std::string::npos) text += ".0";
    return text;
}

// ---- callbacks ----------------------------------------------------------------------------------

std::string describe(const CallbackNode& node) { return callable_name(node.ops->type) + "()"; }

std::string handle_text(const CallbackNode& node) {
    const bool timer = node.has(CallbackNode::timer);
    const bool cancelled = node.has(CallbackNode::cancelled);
    std::string text = timer ? "<TimerHandle" : "<Handle";
    if (cancelled) text += " cancelled";
    if (timer) {
        const std::int64_t when = static_cast<const TimerCallback&>(node).when;
        text += " when=" + value_text_of(static_cast<double>(when) / 1e9);
    }
    const std::string created = created_text(node);
    if (!cancelled || !created.empty()) text += " " + describe(node);
    return text + created + ">";
}

namespace {

std::string waiter_text(const LinkedWaiter* waiter) {
    if (const auto* callback = dynamic_cast<const DoneCallback*>(waiter))
        return describe(*callback);
    FutureState* task = waiter->awaiting();
    if (task == nullptr) return waiter->label();
    const std::string_view label = waiter->label(); // "TaskGroup"; of a plain await: "Future"
    return std::string(label == "Future" ? "wakeup" : label) + " of " + name_of(task);
}

// None, one, two, or the first, how many more, and the last.
std::string callbacks_text(const FutureState* state) {
    std::vector<const LinkedWaiter*> told; // null: the gather that has made it
    if (gather_of(state) != nullptr) told.push_back(nullptr);
    const WaiterList& line = state->callbacks;
    for (const LinkedWaiter* w = line.front(); w != nullptr; w = line.after(w)) told.push_back(w);
    if (told.empty()) return {};
    const auto text_of = [](const LinkedWaiter* w) { return w ? waiter_text(w) : "gather"; };
    std::string text = " cb=[" + text_of(told.front());
    if (told.size() > 2) text += ", <" + std::to_string(told.size() - 2) + " more>";
    if (told.size() > 1) text += ", " + text_of(told.back());
    return text + "]";
}

// ---- futures and tasks --------------------------------------------------------------------------

const char* status_word(const FutureState* state) noexcept {
    if (state->has(FutureState::is_cancelled)) return "cancelled";
    if (state->done()) return "finished";
    return state->has(FutureState::is_task) && state->cancels > 0 ? "cancelling" : "pending";
}

std::string result_text(FutureState* state) {
    if (!state->done() || state->has(FutureState::is_cancelled)) return {};
    if (!state->failed()) return " result=" + state->ops->value_text(state);
    return " exception=" + repr(std::as_const(state->cell.exception()));
}

std::string coro_text(FutureState* task) {
    const CoroInfo coro = coro_info(task);
    if (coro.function.empty()) return {};
    std::string text = " coro=<" + coro.function + (task->done() ? "() done" : "() running");
    if (coro.line != 0) text += " at " + coro.file + ":" + std::to_string(coro.line);
    return text + ">";
}

/// Writes a task with the task it waits for, and so on; not for ever.
class FutureText {
public:
    std::string write(FutureState* state) {
        if (std::find(open_.begin(), open_.end(), state) != open_.end()) return "...";
        if (open_.size() == levels_max) return "...";
        open_.push_back(state);
        std::string text = state->has(FutureState::is_task) ? "<Task " : "<Future ";
        text += status_word(state);
        if (state->has(FutureState::is_task)) {
            text += " name=" + quoted(name_of(state)) + coro_text(state) + wait_for_text(state);
        }
        text += result_text(state) + callbacks_text(state) + created_text(state) + ">";
        open_.pop_back();
        return text;
    }

private:
    static constexpr std::size_t levels_max = 8;

    std::string wait_for_text(FutureState* task) {
        const bool waits = task->cell.st > CellHead::gone && task->waiter() != nullptr &&
                           !task->has(FutureState::not_started | FutureState::queued);
        if (!waits) return {};
        FutureState* target = task->waiter()->target();
        if (target != nullptr) return " wait_for=" + write(target);
        return std::string(" wait_for=<") + task->waiter()->label() + ">";
    }

    std::vector<FutureState*> open_; // those that are being written
};

} // namespace

} // namespace detail

std::string to_string(const FutureBase& future) {
    if (!future) return "None";
    return detail::FutureText().write(future.state());
}

std::string to_string(const Handle& handle) { return detail::handle_text(*handle.node_); }

} // namespace asyncio
