// SPDX-License-Identifier: MIT
// The call graph: which coroutines a task is in, who waits for it, and which ones those are in.
#pragma once

#include "asyncio/tasks.h"

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

namespace asyncio {

/// One call of a stack in the graph.
/// Source    CPython 3.14 asyncio.FrameCallGraphEntry.  Differs: names and lines, no frame object.
struct FrameCallGraphEntry {
    enum class Kind : std::uint8_t { function, coroutine, generator }; // of what is called

    std::string function; // as its source calls it: "work", "Server::handle"
    std::source_location where; // the await; before the first step: the function
    Kind kind = Kind::coroutine; // what `function` is
};

/// A future or task, its calls, and who waits for it. A copy: it stays as it was when captured.
/// Source    CPython 3.14 asyncio.FutureCallGraph.
struct FutureCallGraph {
    AnyFuture future;
    std::vector<FrameCallGraphEntry> call_stack; // innermost first; of a plain future empty
    std::vector<FutureCallGraph> awaited_by; // in the order in which they came
    bool cut = false; // who waits is left out here: a cycle, or a graph beyond all measure
};

/// The keyword arguments of capture_call_graph and its kin.
class CallGraphOptions {
public:
    CallGraphOptions() noexcept {}
    /// How many calls to skip of the current task's stack, the innermost first, plus one; 1.
    CallGraphOptions& depth(int calls) noexcept {
        depth_ = calls;
        return *this;
    }
    /// Of every stack: n > 0 keeps the n outermost calls, n < 0 the |n| innermost, 0 none.
    CallGraphOptions& limit(int calls) noexcept {
        limit_ = calls;
        return *this;
    }

    int depth() const noexcept { return depth_; } // at least 1 has to be
    const std::optional<int>& limit() const noexcept { return limit_; } // nothing: all calls

private:
    int depth_ = 1;
    std::optional<int> limit_;
};

/// The graph of the current task: its calls from the innermost to its root coroutine, and the tasks
/// that wait for it, each with its calls and with who waits for that one.
///
/// It sees through task groups, gather, shield, wait, timeouts and awaits of tasks.
///
/// where     left to its default: the line in the innermost call; nobody else knows it.
/// Returns   nothing in a plain callback, where no task runs.
/// Throws    RuntimeError: no loop runs on this thread. std::bad_alloc.
/// Thread    the loop's own.
/// Cost      the size of the graph as a tree: a task that several wait for appears below each of
///           them. Costs nothing before it is called.
/// Source    CPython 3.14 asyncio.capture_call_graph.
std::optional<FutureCallGraph>
capture_call_graph(const CallGraphOptions& options = CallGraphOptions(),
                   std::source_location where = std::source_location::current());

/// The graph of a future or task. A plain future has no calls.
///
/// future    empty: the current task, as above.
/// Throws    std::bad_alloc.
/// Source    CPython 3.14 asyncio.capture_call_graph.  Differs: in C++ a task that is just at work
///           below the eager start of another one shows no calls.
std::optional<FutureCallGraph>
capture_call_graph(const AnyFuture& future, const CallGraphOptions& options = CallGraphOptions(),
                   std::source_location where = std::source_location::current());

/// The same graph as text; empty where there is none.
///
///     * Task(name='Task-1', id=0x7f5b1c0)
///       + Call stack:
///       |   File 'main.cpp', line 12, in async work()
///       + Awaited by:
///         * Task(name='Task-2', id=0x7f5b240)
///
/// Throws    as capture_call_graph.
/// Source    CPython 3.14 asyncio.format_call_graph.
std::string format_call_graph(const CallGraphOptions& options = CallGraphOptions(),
                              std::source_location where = std::source_location::current());
std::string format_call_graph(const AnyFuture& future,
                              const CallGraphOptions& options = CallGraphOptions(),
                              std::source_location where = std::source_location::current());
std::string format_call_graph(const FutureCallGraph& graph);

/// Writes the text and a line end to `out`.
/// Throws    as capture_call_graph; what `out` throws.
/// Source    CPython 3.14 asyncio.print_call_graph.
void print_call_graph(std::ostream& out, const CallGraphOptions& options = CallGraphOptions(),
                      std::source_location where = std::source_location::current());
void print_call_graph(std::ostream& out, const AnyFuture& future,
                      const CallGraphOptions& options = CallGraphOptions(),
                      std::source_location where = std::source_location::current());

/// Tells the graph that `waiter` waits for `future`, for code that waits in ways of its own. Ends
/// when `future` is done.
///
/// Throws    std::bad_alloc. Nothing happens if `future` is done already.
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.future_add_to_awaited_by.
void add_awaited_by(const AnyFuture& future, const AnyFuture& waiter);
/// Takes it back. Harmless if there is nothing to take back.
/// Source    CPython 3.14 asyncio.future_discard_from_awaited_by.
void discard_awaited_by(const AnyFuture& future, const AnyFuture& waiter) noexcept;

namespace detail {

/// The tasks that wait for a future or task, directly or by way of gather, shield, wait and their
/// kin, in the order in which they came.
/// Throws    std::bad_alloc.
std::vector<FutureState*> waiters_of(FutureState* future);

} // namespace detail

} // namespace asyncio
