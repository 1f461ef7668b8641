// SPDX-License-Identifier: MIT
// Builds the call graph from frames and done-waiters, and writes it down.
#include "asyncio/graph.h"

#include "asyncio/call_stacks.h"
#include "asyncio/events.h"
#include "asyncio/format_helpers.h"
#include "asyncio/gather.h"

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <unordered_set>

namespace asyncio {

using detail::FutureState;

// ---- capturing ----------------------------------------------------------------------------------

namespace {

// One for each waiter of a future that is told by hand.
struct AwaitedBy final : detail::LinkedWaiter {
    explicit AwaitedBy(detail::StateRef who) noexcept : waiter(std::move(who)) {}
    ~AwaitedBy() = default;
    void fired() noexcept override { delete this; }
    void abandon() noexcept override {}
    void dropped() noexcept override { delete this; }
    FutureState* awaiting() const noexcept override { return nullptr; }
    const char* label() const noexcept override { return "awaited by"; }

    detail::StateRef waiter;
};

} // namespace

// What a gather, a shield or a wait completes is only a step on the way to the tasks that wait for
// that.
std::vector<FutureState*> detail::waiters_of(FutureState* future) {
    std::vector<FutureState*> waiters;
    std::unordered_set<FutureState*> seen;
    std::vector<FutureState*> ways(1, future);
    for (std::size_t i = 0; i < ways.size(); ++i) {
        if (FutureState* next = gather_of(ways[i])) {
            if (seen.insert(next).second) ways.push_back(next);
        }
        const WaiterList& callbacks = ways[i]->callbacks;
        for (const LinkedWaiter* w = callbacks.front(); w != nullptr; w = callbacks.after(w)) {
            const auto* told = dynamic_cast<const AwaitedBy*>(w);
            FutureState* waiter = told != nullptr ? told->waiter.get() : w->awaiting();
            if (waiter != nullptr) {
                if (seen.insert(waiter).second) waiters.push_back(waiter);
            } else if (FutureState* next = w->behind()) {
                if (seen.insert(next).second) ways.push_back(next);
            }
        }
    }
    return waiters;
}

namespace {

/// Follows who waits for whom. Tasks may wait in a circle, and for one another by many ways.
class GraphBuilder {
public:
    explicit GraphBuilder(const CallGraphOptions& options) : options_(options) {}

    FutureCallGraph build(FutureState* future, std::vector<detail::Call> calls) {
        FutureCallGraph graph;
        graph.future = AnyFuture(detail::StateRef(future));
        graph.call_stack = entries(calls);
        const std::vector<FutureState*> waiters = detail::waiters_of(future);
        const bool circle = std::find(way_.begin(), way_.end(), future) != way_.end();
        if (circle || way_.size() == levels_max || ++nodes_ > nodes_max) {
            graph.cut = !waiters.empty();
            return graph;
        }
        way_.push_back(future);
        for (FutureState* waiter : waiters) {
            graph.awaited_by.push_back(build(waiter, calls_of(waiter)));
        }
        way_.pop_back();
        return graph;
    }

    std::vector<detail::Call> calls_of(FutureState* future) const {
        return options_.limit() == 0 ? std::vector<detail::Call>() : detail::calls_of(future);
    }

private:
    static constexpr std::size_t levels_max = 1000; // Python gives up there too
    static constexpr std::size_t nodes_max = 100'000;

    std::vector<FrameCallGraphEntry> entries(std::vector<detail::Call>& calls) const {
        const int limit = options_.limit().value_or(0);
        const auto kept = static_cast<std::size_t>(limit < 0 ? -static_cast<long>(limit) : limit);
        if (options_.limit() && kept < calls.size()) {
            const auto cut = static_cast<std::ptrdiff_t>(kept);
            if (limit >= 0) {
                calls.erase(calls.begin(), calls.end() - cut);
            } else {
                calls.erase(calls.begin() + cut, calls.end());
            }
        }
        std::vector<FrameCallGraphEntry> stack;
        stack.reserve(calls.size());
        for (const detail::Call& call : calls) {
            stack.push_back({detail::name_of_call(call.where), call.where,
                             static_cast<FrameCallGraphEntry::Kind>(call.kind)});
        }
        return stack;
    }

    const CallGraphOptions& options_;
    std::vector<FutureState*> way_; // from the first to the present one
    std::size_t nodes_ = 0;
};

FutureCallGraph capture_current(FutureState* task, const CallGraphOptions& options,
                                std::source_location where) {
    GraphBuilder builder(options);
    std::vector<detail::Call> calls;
    if (options.limit() != 0) calls = detail::calls_here(where);
    const auto skipped = static_cast<std::size_t>(std::max(options.depth() - 1, 0));
    calls.erase(calls.begin(),
                calls.begin() + static_cast<std::ptrdiff_t>(std::min(skipped, calls.size())));
    return builder.build(task, std::move(calls));
}

} // namespace

std::optional<FutureCallGraph> capture_call_graph(const CallGraphOptions& options,
                                                  std::source_location where) {
    if (detail::here.loop == nullptr) {
        throw RuntimeError("capture_call_graph() is called outside of a running event loop and no "
                           "*future* to introspect was provided");
    }
    FutureState* task = detail::here.task;
    if (task == nullptr) return std::nullopt;
    return capture_current(task, options, where);
}

std::optional<FutureCallGraph> capture_call_graph(const AnyFuture& future,
                                                  const CallGraphOptions& options,
                                                  std::source_location where) {
    if (!future) return capture_call_graph(options, where);
    FutureState* state = future.state();
    if (detail::here.loop != nullptr && state == detail::here.task) {
        return capture_current(state, options, where);
    }
    GraphBuilder builder(options);
    return builder.build(state, builder.calls_of(state));
}

// ---- writing it down ----------------------------------------------------------------------------

namespace {

void add_line(std::string& text, std::size_t level, const std::string& line) {
    if (!text.empty()) text += '\n';
    text.append(level * 4, ' ').append(line);
}

std::string call_line(const FrameCallGraphEntry& call) {
    std::string line = "  |   File " + detail::quoted(call.where.file_name()) + ", line " +
                       std::to_string(call.where.line()) + ", in ";
    if (call.kind == FrameCallGraphEntry::Kind::coroutine) line += "async ";
    if (call.kind == FrameCallGraphEntry::Kind::generator) line += "async generator ";
    return line + call.function + "()";
}

void write_graph(std::string& text, const FutureCallGraph& graph, std::size_t level) {
    char id[32];
    std::snprintf(id, sizeof id, "id=%#zx)",
                  reinterpret_cast<std::uintptr_t>(graph.future.state()));
    std::string head = "* Future(";
    if (graph.future.is_task()) {
        head = "* Task(name=" + detail::quoted(detail::name_of(graph.future.state())) + ", ";
    }
    add_line(text, level, head + id);
    if (!graph.call_stack.empty()) add_line(text, level, "  + Call stack:");
    for (const FrameCallGraphEntry& call : graph.call_stack) {
        add_line(text, level, call_line(call));
    }
    if (graph.cut) return add_line(text, level, "  + Awaited by: ...");
    if (!graph.awaited_by.empty()) add_line(text, level, "  + Awaited by:");
    for (const FutureCallGraph& waiter : graph.awaited_by) write_graph(text, waiter, level + 1);
}

} // namespace

std::string format_call_graph(const FutureCallGraph& graph) {
    std::string text;
    write_graph(text, graph, 0);
    return text;
}

std::string format_call_graph(const CallGraphOptions& options, std::source_location where) {
    const auto graph = capture_call_graph(options, where);
    return graph ? format_call_graph(*graph) : std::string();
}

std::string format_call_graph(const AnyFuture& future, const CallGraphOptions& options,
                              std::source_location where) {
    const auto graph = capture_call_graph(future, options, where);
    return graph ? format_call_graph(*graph) : std::string();
}

void print_call_graph(std::ostream& out, const CallGraphOptions& options,
                      std::source_location where) {
    out << format_call_graph(options, where) << '\n';
}

void print_call_graph(std::ostream& out, const AnyFuture& future, const CallGraphOptions& options,
                      std::source_location where) {
    out << format_call_graph(future, options, where) << '\n';
}

// ---- waiters that are told by hand --------------------------------------------------------------

void add_awaited_by(const AnyFuture& future, const AnyFuture& waiter) {
    if (future.done()) return;
    detail::add_done_waiter(future.state(), new AwaitedBy(detail::StateRef(waiter.state())));
}

void discard_awaited_by(const AnyFuture& future, const AnyFuture& waiter) noexcept {
    detail::WaiterList& callbacks = future.state()->callbacks;
    for (detail::LinkedWaiter* w = callbacks.front(); w != nullptr; w = callbacks.after(w)) {
        auto* told = dynamic_cast<AwaitedBy*>(w);
        if (told == nullptr || told->waiter.get() != waiter.state()) continue;
        callbacks.remove(told);
        delete told;
        return;
    }
}

} // namespace asyncio
